"""Kinds of fields, each with its limits and the message that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate

#: Most that one amount may be, in fen.
LARGEST_FEN = 10**13

ID = validate.Regexp(r"^[a-z0-9][a-z0-9-]{1,63}$(?!\n)", error="2 to 64 of a-z, 0-9 and -, not starting with -")
CODE = validate.Regexp(
    r"^[a-z0-9][a-z0-9_-]{0,39}$(?!\n)", error="1 to 40 of a-z, 0-9, _ and -, starting with a letter or digit"
)
PLACE = validate.Regexp(
    r"^[0-9a-z-]{1,20}(\.[0-9a-z-]{1,20}){0,15}$(?!\n)", error="a territory path such as 350104.013.002"
)
#: Control characters but for tab and line ends, and halves of characters that cannot be written down.
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def fen(description: str, *, least: int = 1, **options: Any) -> fields.Integer:
    """An amount of money: a whole number of fen, written as a number."""
    rule = validate.Range(least, LARGEST_FEN, error=f"{least} to {LARGEST_FEN} fen")
    return fields.Integer(strict=True, validate=rule, metadata={"description": description}, **options)


def code(codes: tuple[str, ...], description: str, **options: Any) -> fields.String:
    """One of a fixed list of codes."""
    rule = validate.OneOf(codes, error=f"one of {', '.join(codes)}")
    return fields.String(validate=rule, metadata={"description": description}, **options)


def _readable(text: str) -> None:
    if _UNREADABLE.search(text):
        raise ValidationError("must not hold control characters")


def _not_empty(text: str) -> None:
    if not text.strip():
        raise ValidationError("must not be empty")


def day(text: str) -> None:
    """A valid ISO date."""
    try:
        valid = date.fromisoformat(text).isoformat() == text
    except ValueError:
        valid = False
    if not valid:
        raise ValidationError("must be a day such as 2026-03-01")


def string(rule: Callable[[str], Any], description: str, **options: Any) -> fields.String:
    """Text under one rule."""
    return fields.String(validate=rule, metadata={"description": description}, **options)


def id_of(description: str, **options: Any) -> fields.String:
    """An opaque id; required unless said otherwise."""
    return string(ID, description, **({"required": True} | options))


def text(longest: int, description: str, **options: Any) -> fields.String:
    """Readable text that is not empty; required unless said otherwise."""
    rule = validate.And(validate.Length(max=longest, error=f"at most {longest} characters"), _readable, _not_empty)
    return string(rule, description, **({"required": True} | options))


def optional(longest: int, description: str) -> fields.String:
    """Readable text, empty if absent."""
    rule = validate.And(validate.Length(max=longest, error=f"at most {longest} characters"), _readable)
    return string(rule, description, load_default="")


def judged(key: Callable[[str], Any], description: str, **options: Any) -> fields.Dict:
    """Names mapped to yes or no."""
    return fields.Dict(
        keys=fields.String(validate=key),
        values=fields.Boolean(truthy={True}, falsy={False}),
        validate=validate.Length(max=200, error="at most 200"),
        metadata={"description": description},
        **options,
    )
