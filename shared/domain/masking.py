"""Numbers that identify somebody are masked in every text that anyone may read (X09).

Numbers of telephones are found as people write them (+86, 0086, full-width, circled and Chinese digits, dots, extensions, behind `tel`),
numbers of identity cards, also in groups, by their date and check digit, so that the number of a work order stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from shared.domain.privacy import texts_in


class _Narrow(dict[int, int | str]):
    """Digits of every script, circle and height as the plain ones, one for one, so that positions stay."""

    def __missing__(self, code: int) -> int | str:
        digit = unicodedata.digit(chr(code), None) if code > 127 else None
        self[code] = code if digit is None else str(digit)
        return self[code]


_NARROW = _Narrow(str.maketrans("＋－．（）＿　ｘＸ", "+-.()_ xX"))
_SPOKEN = "零〇○一幺壹二两贰三叁四肆五伍六陆七柒八捌九玖"
_AS_DIGITS = str.maketrans(_SPOKEN, "00011122233445566778899")
#: As many digits in Chinese characters as the number of a mobile telephone has: it was spelt out.
_SPELT_OUT = re.compile(rf"(?<![{_SPOKEN}])[{_SPOKEN}]{{11}}(?![{_SPOKEN}])")
_DIGIT = re.compile(r"\d")
_APART = r"[\s._\-–—·•‧\u200b-\u200d\u2060\u00ad]{0,2}"  # between the groups of a number
_LONG = re.compile(rf"(?<!\d)(?:\d(?:{_APART}\d){{16}}{_APART}[\dXx]|\d{{15}})(?!\d)")
#: A mobile telephone beside a letter or with unusual signs in between, which the library takes for a part of something else.
_MOBILE = re.compile(
    rf"(?<![A-Za-z\d])[A-Za-z]{{0,12}}(1[3-9]\d{_APART}\d{{4}}{_APART}\d{{4}})[A-Za-z]{{0,12}}(?![A-Za-z\d])"
)
_EXTENSION = re.compile(r"\s*(?:转|轉|分机|ext\.?|[xX#])\s*:?\s*\d{1,6}(?!\d)")
_COUNTRY = re.compile(r"(?:\+|00)?86(?=\D*1\d{2}|\D*0?[2-9]\d)")
#: First two digits of identity numbers: the provinces.
_CODES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
_PROVINCES = frozenset(_CODES.split())
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def _is_identity(number: str) -> bool:
    """Whether digits are an identity number: a province, a day of birth and, of 18, the right check digit (GB 11643)."""
    long = len(number) == 18
    born = number[6:14] if long else "19" + number[6:12]
    try:
        date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        return False
    if number[:2] not in _PROVINCES or not "1880" <= born[:4] < "2200":
        return False
    summed = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return not long or _CHECKS[summed % 11] == number[-1].upper()


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """Where numbers of persons stand in a text, and what is written instead."""
    for match in _LONG.finditer(text):
        number = re.sub(_APART, "", match[0])
        if _is_identity(number):
            yield match.start(), match.end(), f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}"
    from phonenumbers import Leniency, PhoneNumberMatcher  # few texts have so many digits, and it takes long to load

    for phone in PhoneNumberMatcher(text, "CN", leniency=Leniency.VALID):
        digits = re.sub(r"\D", "", _COUNTRY.sub("", phone.raw_string, count=1))
        extension = _EXTENSION.match(text, phone.end)
        yield phone.start, extension.end() if extension else phone.end, f"{digits[:3]}****{digits[-4:]}"
    for mobile in _MOBILE.finditer(text):
        yield mobile.start(1), mobile.end(1), f"{mobile[1][:3]}****{mobile[1][-4:]}"


def _narrowed(text: str) -> str:
    """The text with plain digits, sign by sign."""
    if text.isascii():
        return text
    return _SPELT_OUT.sub(lambda spelt: spelt[0].translate(_AS_DIGITS), text.translate(_NARROW))


def masked(text: str) -> str:
    """The text with numbers of telephones and identity cards masked, as it is recorded; masking twice changes nothing."""
    narrow = _narrowed(text)
    if len(_DIGIT.findall(narrow)) < 7:
        return text
    parts, done = [], 0
    for start, end, instead in sorted(_found(narrow), key=lambda one: (one[0], -one[1])):
        if start >= done:
            parts += [text[done:start], instead]
            done = end
    return "".join((*parts, text[done:]))


#: Values in which no further text is found.
_PLAIN = frozenset((str, int, bool, float, type(None)))


def with_masked_texts(value: Any) -> Any:
    """A fact, or a part of one, with its texts for everybody masked; the very same if there is nothing to mask."""
    if isinstance(value, list | tuple):
        parts = [with_masked_texts(part) for part in value]
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else type(value)(parts)
    if not isinstance(value, msgspec.Struct):
        return value
    changed: dict[str, Any] = {}
    texts = texts_in(type(value))
    for name in value.__struct_fields__:
        part = getattr(value, name)
        if type(part) in _PLAIN and name not in texts:
            continue
        written = masked(part) if isinstance(part, str) and name in texts else with_masked_texts(part)
        if written is not part and written != part:
            changed[name] = written
    return replace(value, **changed) if changed else value
