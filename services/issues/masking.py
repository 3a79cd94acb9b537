"""Numbers that identify somebody are masked in texts that anyone may read (X09)."""

from __future__ import annotations

import re

_IDENTITY_NUMBER = re.compile(r"(?<!\d)(\d{4})\d{10}(\d{3}[\dXx])(?!\d)")
_MOBILE_NUMBER = re.compile(r"(?<!\d)(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)")


def without_numbers(text: str) -> str:
    """The text with mobile and identity numbers masked, as it is recorded."""
    return _MOBILE_NUMBER.sub(r"\1****\2", _IDENTITY_NUMBER.sub(r"\1**********\2", text))
