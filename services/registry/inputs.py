"""Fields of the registry's input: each with its meaning, its limits and a message that says what is wrong."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate

ID = validate.Regexp(
    r"^[a-z0-9][a-z0-9-]{1,63}\Z", error="an id is 2 to 64 small letters, digits and dashes, not starting with a dash"
)
CODE = validate.Regexp(r"^[a-z0-9][a-z0-9_-]{0,63}\Z", error="a code is up to 64 small letters, digits, _ and -")
PATH = validate.Regexp(
    r"^(?=.{1,120}\Z)[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*){0,9}\Z",
    error="a place is a path like 350104.013.002.007: up to 10 segments of small letters, digits and dashes",
)
POWER = validate.Regexp(
    r"^(\*|[a-z]+(\.[a-z_]+)+|[a-z]+\.\*)\Z",
    error="a power is written like issue.dispatch, or issue.* for all of one kind",
)
QUALIFIER = validate.OneOf(("exact", "at_least", "about", "below"), error="must be exact, at_least, about or below")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
#: Largest value of a measure.
LARGEST_VALUE = 10**13


def _clean(value: str) -> None:
    if value != value.strip():
        raise ValidationError("must not begin or end with blanks")
    if _CONTROL.search(value):
        raise ValidationError("must not contain control characters")


def day(value: str) -> None:
    """Check a day; raises `ValidationError`."""
    try:
        if len(value) != 10 or date.fromisoformat(value).year < 1900:
            raise ValueError
    except ValueError:
        raise ValidationError(f"{value!r} is not a day from 1900 on, written like 2025-03-04") from None


def _maybe(check: Any) -> Any:
    """The check, but empty text passes."""

    def check_unless_empty(value: str) -> None:
        if value:
            check(value)

    return check_unless_empty


def text(about: str, longest: int = 100, required: bool = True) -> fields.String:
    """Text of limited length for people to read; empty unless required."""
    least = 1 if required else 0
    length = validate.Length(least, longest, error=f"must have {least} to {longest} characters")
    more: dict[str, Any] = {"required": True} if required else {"load_default": ""}
    return fields.String(validate=[length, _clean], metadata={"description": about}, **more)


def string(about: str, check: Any, required: bool = True) -> fields.String:
    """A string of a pattern; empty unless required."""
    if required:
        return fields.String(required=True, validate=check, metadata={"description": about})
    return fields.String(load_default="", validate=_maybe(check), metadata={"description": about})


def number(about: str, least: int, most: int) -> fields.Integer:
    """A required whole number; text and fractions are refused."""
    between = validate.Range(least, most, error=f"must be a whole number from {least} to {most}")
    return fields.Integer(required=True, strict=True, validate=between, metadata={"description": about})


def filter_by(about: str, check: Any) -> fields.String:
    """A filter of a query; left out when it is not given."""
    return fields.String(validate=check, metadata={"description": about})


def qualifier() -> fields.String:
    """How exact a number is (X04)."""
    return fields.String(
        load_default="exact", validate=QUALIFIER, metadata={"description": "exact, at_least, about or below"}
    )
