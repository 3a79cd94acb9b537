"""The kinds of fields that callers may send to the issue ledger, with their limits and messages."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from shared.domain.calendar import LONGEST


def text(description: str, longest: int, **more: Any) -> fields.String:
    """A text of limited length."""
    least = 1 if more.get("required") else 0
    rule = validate.Length(min=least, max=longest, error=f"must have {least} to {longest} characters")
    return fields.String(validate=rule, metadata={"description": description}, **more)


def identifier(description: str, **more: Any) -> fields.String:
    """An opaque id."""
    rule = validate.Regexp(r"^[a-z0-9][a-z0-9-]{1,63}\Z", error="must be 2 to 64 small letters, digits and hyphens")
    return fields.String(validate=rule, metadata={"description": description}, **more)


def place(description: str = "territory path, e.g. 350104.013.002.007", **more: Any) -> fields.String:
    """A territory path."""
    rule = validate.Regexp(
        r"^(?=.{1,200}\Z)[0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*\Z", error="must be codes joined by dots, like 350104.013.002"
    )
    return fields.String(validate=rule, metadata={"description": description}, **more)


def category(**more: Any) -> fields.String:
    """A code of the city's list of categories."""
    rule = validate.Regexp(
        r"^(?=.{1,64}\Z)[a-z0-9_-]+(\.[a-z0-9_-]+)*\Z",
        error="must be small codes joined by dots, like facility.streetlight",
    )
    return fields.String(
        validate=rule,
        metadata={"description": "code of the city's list; the part before the first dot is its class"},
        **more,
    )


def code(description: str, codes: tuple[str, ...], **more: Any) -> fields.String:
    """One of a few codes."""
    return fields.String(
        validate=validate.OneOf(codes, error=f"must be one of {', '.join(codes)}"),
        metadata={"description": description},
        **more,
    )


def level(**more: Any) -> fields.String:
    """A level of the city's profile."""
    return text("code of a level of the city's profile", 64, **more)


class _Date(fields.Date):
    """An ISO date that stays text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        day = super()._deserialize(value, attr, data, **more)
        if day.isoformat() != value:
            raise ValidationError("must be a date like 2025-03-04")
        return value


def date(description: str, **more: Any) -> _Date:
    """An ISO date."""
    return _Date(
        format="iso",
        error_messages={"invalid": "must be a date like 2025-03-04"},
        metadata={"description": description},
        **more,
    )


def working_days() -> fields.Integer:
    """A time limit as a number of working days; 0: not given."""
    return fields.Integer(
        load_default=0,
        strict=True,
        validate=validate.Range(min=1, max=LONGEST, error=f"must be 1 to {LONGEST}"),
        metadata={"description": "time limit in working days from today, instead of a date"},
    )


def order(default: str, *orders: str) -> fields.String:
    """The field a list is sorted by."""
    both = tuple(sign + order for order in orders for sign in ("", "-"))
    return code("field to sort by, with - before it: descending", both, load_default=default)
