"""Short numbers that people say, write down and type: `2611-0487-3`, the month, a serial number, and a digit that checks both.

The check digit (Damm, 2004) finds each wrong digit and each swap of two neighbours.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from shared.domain.fields import look

#: Digits of a serial number at least.
_LEAST = 4
_TABLE = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
_TYPED = re.compile(r"\d{1,20}")


def check_digit(digits: str) -> str:
    """The digit that checks others."""
    found = "0"
    for digit in digits:
        found = _TABLE[int(found)][int(digit)]
    return found


def number_of(day: str, serial: int) -> str:
    """The number of the month of a day (ISO date) and a serial number."""
    month, counted = f"{day[2:4]}{day[5:7]}", f"{serial:0{_LEAST}d}"
    return f"{month}-{counted}-{check_digit(month + counted)}"


@dataclass(frozen=True)
class Typed:
    """What somebody typed: the whole `number`, or the serial numbers that it may be a part of; `wrong`: a digit is mistyped."""

    number: str = ""
    serials: tuple[int, ...] = ()
    wrong: bool = False


def read(typed: str) -> Typed:
    """A number however it is typed: in any width, with any dashes, blanks or none, whole or a part of it; nothing for other text."""
    apart = "".join(" " if unicodedata.category(one) in ("Pd", "Zs") or one in "-_./·" else one for one in typed)
    parts = [look(part) for part in apart.split()]
    if not parts or not all(_TYPED.fullmatch(part) and part.isascii() for part in parts):
        return Typed()
    digits = "".join(parts)
    if len(digits) > 4 + _LEAST and len(parts) != 2:
        serial = int(digits[4:-1])
        wrong = check_digit(digits) != "0" or not 1 <= int(digits[2:4]) <= 12
        return Typed(wrong=wrong) if wrong else Typed(f"{digits[:4]}-{serial:0{_LEAST}d}-{digits[-1]}")
    if len(parts) == 2:  # month and serial, or serial and check digit
        return Typed(serials=(int(parts[0]) if len(parts[1]) == 1 else int(parts[1]),))
    without_check = [int(digits[:-1])] if len(digits) > _LEAST else []
    return Typed(serials=tuple(dict.fromkeys([int(digits), *without_check])))
