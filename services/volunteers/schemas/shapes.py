"""The shapes that fields have: ids, codes, places, days, texts of limited length."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from services.volunteers.figures import DEEPEST
from shared.domain.calendar import LOCAL
from shared.views.port import LARGEST_PAGE

#: Most persons that one command may name.
MOST_PERSONS = 500
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")


def _day(text: str) -> None:
    try:
        if date.fromisoformat(text).isoformat() != text:
            raise ValueError
    except ValueError:
        raise ValidationError("must be a day like 2026-03-01") from None


class Moment(fields.String):
    """An RFC 3339 time with its offset; comes out in local time, so that times sort as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            if not _MOMENT.fullmatch(text):
                raise ValueError
            return datetime.fromisoformat(text).astimezone(LOCAL).isoformat(timespec="seconds")
        except (ValueError, OverflowError):
            raise ValidationError("must be a time with its offset, like 2026-03-01T09:00:00+08:00") from None


def _readable(text: str) -> None:
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text):
        raise ValidationError("must not have control characters or broken characters")


def _not_blank(text: str) -> None:
    if not text.strip():
        raise ValidationError("must not be blank")


def _distinct(values: list[Any]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("names something twice")


class Optional(fields.String):
    """A text that may be left out; empty text, as forms send it, means the same."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """The checked text, or the default when nothing was given."""
        return self.load_default if value == "" else super().deserialize(value, attr, data, **kwargs)


class Whole(fields.Integer):
    """A whole number, also as text; fractions are not cut off."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, bool | float):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


def _field(description: str, checks: list[Any], required: bool, default: Any, example: str = "") -> fields.String:
    metadata: dict[str, Any] = {"description": description} | ({"example": example} if example else {})
    if required:
        return fields.String(required=True, validate=checks, metadata=metadata)
    return Optional(load_default=default, allow_none=default is None, validate=checks, metadata=metadata)


def identifier(description: str, required: bool = True, default: Any = "") -> fields.String:
    """An id: small letters, digits and hyphens, 2 to 64."""
    error = "must be 2 to 64 small letters, digits and hyphens, not starting with a hyphen"
    pattern = r"^[a-z0-9][a-z0-9-]{1,63}$(?!\n)"
    return _field(description, [validate.Regexp(pattern, error=error)], required, default)


def code(description: str, required: bool = True, default: Any = "") -> fields.String:
    """A code of one of the city's lists."""
    error = "must be a code of 1 to 40 small letters, digits and underscores"
    return _field(description, [validate.Regexp(r"^[a-z0-9][a-z0-9_]{0,39}$(?!\n)", error=error)], required, default)


def place(description: str = "Territory path", required: bool = True, default: Any = "") -> fields.String:
    """A territory path of at most seven parts."""
    pattern = rf"^[A-Za-z0-9-]{{1,20}}(\.[A-Za-z0-9-]{{1,20}}){{0,{DEEPEST - 1}}}$(?!\n)"
    error = f"must be a territory path of at most {DEEPEST} parts, like 350104.013.002.007"
    return _field(description, [validate.Regexp(pattern, error=error)], required, default, "350104.013.002.007")


def text(description: str, longest: int, required: bool = True, default: str = "") -> fields.String:
    """A text of limited length (characters)."""
    checks: list[Any] = [validate.Length(max=longest, error=f"must have at most {longest} characters"), _readable]
    return _field(description, [*checks, _not_blank] if required else checks, required, default)


def day(description: str, required: bool = False, default: Any = "") -> fields.String:
    """An ISO date."""
    return _field(description, [_day], required, default, "2026-03-01")


def moment(description: str) -> Moment:
    """An RFC 3339 time with offset."""
    return Moment(required=True, metadata={"description": description, "example": "2026-03-01T09:00:00+08:00"})


def number(description: str, least: int, most: int, required: bool = True, default: int | None = None) -> Whole:
    """A whole number in a range."""
    check = validate.Range(least, most, error=f"must be {least} to {most}")
    if required:
        return Whole(required=True, validate=check, metadata={"description": description})
    return Whole(load_default=default, validate=check, metadata={"description": description})


def choice(description: str, *codes: str, required: bool = True, default: Any = None) -> fields.String:
    """One of a few codes."""
    return _field(description, [validate.OneOf(codes, error=f"must be one of {', '.join(codes)}")], required, default)


def persons(description: str, least: int = 1) -> fields.List[Any]:
    """Distinct person ids."""
    checks: list[Any] = [
        validate.Length(least, MOST_PERSONS, error=f"must name {least} to {MOST_PERSONS} persons"),
        _distinct,
    ]
    return fields.List(identifier("Person"), required=True, validate=checks, metadata={"description": description})


class Strict(Schema):
    """Unknown fields are refused."""

    class Meta:
        unknown = RAISE


class Paging(Strict):
    """One page of a list."""

    limit = number("Rows on a page", 1, LARGEST_PAGE, required=False, default=50)
    cursor = _field("Where the page before ended", [validate.Length(max=2000)], False, None)
    order = _field("Field to sort by; -field descends", [validate.Regexp(r"^-?[a-z_]{1,40}$(?!\n)")], False, "place")
    place__under = place("Only this territory and all below it", required=False, default=None)
