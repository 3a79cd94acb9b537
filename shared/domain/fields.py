"""Kinds of fields, each said once: what may be sent, the limits, the reason of a refusal, and how a form asks for it.

A decision names the kind of each argument: `reason: Annotated[str, text(1000), "why more time is needed"]`. From that follow the
schema of the API, the form of the portal and the values that property tests try. One rule holds for every text: Unicode NFC, line ends
as LF, no control characters, no marks that change the direction of writing, and nothing invisible where something must be said.
Fields of several values are in `shared.domain.structures`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from shared.domain.calendar import LOCAL, LONGEST
from shared.domain.words import Said, _, said

#: Largest amount of money in one field, in fen.
LARGEST_FEN = 10**13
#: Characters that show nothing although they count as letters, marks or symbols: fillers, joiners, variation selectors.
_BLANKS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
#: Marks that change the direction of what follows.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class FieldError(ValueError):
    """A value is refused; `reason` is a sentence, or maps the parts of the value to theirs."""

    def __init__(self, reason: Said | Mapping[Any, Any]) -> None:
        super().__init__(str(reason))
        self.reason = reason


def refusal(template: str, **given: Any) -> FieldError:
    """Why a value is refused."""
    return FieldError(said(template, **given))


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of field. `control` says how a form asks for it, `facets` are its JSON Schema."""

    control: str = "line"
    facets: Mapping[str, Any] = field(default_factory=dict)
    #: For an id: what it names (`post`, `person`, `place` …), so that a form can offer a choice; for a code: the city's list.
    refers: str = ""

    def load(self, value: Any) -> Any:
        """The value as a decision gets it; raises `FieldError`."""
        raise NotImplementedError


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise refusal(_("must be text"))
    return unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))


def visible(text: str) -> bool:
    """Whether a text shows anything."""
    return any(map(_shows, text))


def _shows(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZC" and character not in _BLANKS


def look(text: str) -> str:
    """A name as it looks: what is alike in it is not told apart by whoever reads it (NFKC, without case, blanks and the invisible)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(filter(_shows, folded))


def _readable(text: str, invisible: bool, lines: bool) -> None:
    if text.isprintable() and _BLANKS.isdisjoint(text):
        return
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Cs", "Zl", "Zp") and not (lines and character in "\n\t"):
            raise refusal(
                _("must not contain control characters") if lines else _("must be one line without control characters")
            )
        if character in _DIRECTIONS:
            raise refusal(_("must not contain marks that change the direction of writing"))
        if (category == "Cf" or character in _BLANKS) and not invisible:
            raise refusal(_("must not contain invisible characters"))


@dataclass(frozen=True, kw_only=True)
class Text(Kind):
    """A text for people: of several lines, or of one line that stands for something and is compared."""

    longest: int
    lines: bool = True

    def load(self, value: Any) -> str:
        text = _text(value).strip()
        _readable(text, invisible=self.lines, lines=self.lines)
        if text and not visible(text):
            raise refusal(_("must not be blank"))
        if len(text) > self.longest:
            raise refusal(_("must have at most {longest} characters"), longest=self.longest)
        return text


def text(longest: int) -> Text:
    """A text of several lines, of at most so many characters."""
    return Text(longest=longest, control="lines", facets={"type": "string", "maxLength": longest})


def line(longest: int) -> Text:
    """A name or title: one line, compared with others, so that it holds nothing invisible."""
    return Text(longest=longest, lines=False, facets={"type": "string", "maxLength": longest})


@dataclass(frozen=True, kw_only=True)
class Pattern(Kind):
    """A string of one pattern."""

    pattern: str
    reason: str
    longest: int = 0  # characters; 0: what the pattern allows
    #: For an id: it may name what this city does not know, such as an organisation that comes from elsewhere.
    elsewhere: bool = False

    def load(self, value: Any) -> str:
        text = _text(value)
        if (self.longest and len(text) > self.longest) or not re.fullmatch(self.pattern, text):
            raise refusal(self.reason)
        return text


def _pattern(
    pattern: str, reason: str, control: str = "line", refers: str = "", example: str = "", longest: int = 0
) -> Pattern:
    facets: dict[str, Any] = {"type": "string", "pattern": f"^{pattern}$"}
    facets |= {"maxLength": longest} if longest else {}
    facets |= {"example": example} if example else {}
    return Pattern(pattern=pattern, reason=reason, control=control, refers=refers, facets=facets, longest=longest)


_ID = r"[a-z0-9][a-z0-9-]{1,63}"
_ID_REASON = _("must be 2 to 64 small letters, digits and hyphens, not starting with a hyphen")


#: Of a document that lies elsewhere.
DIGEST = Pattern(
    control="line",
    facets={"type": "string", "maxLength": 64},
    pattern="([0-9a-f]{64})?",
    reason=_("must be a SHA-256 of 64 small hexadecimal digits"),
)


def id_of(what: str, elsewhere: bool = False) -> Pattern:
    """The id of something (`post`, `person`, `issue`): a form can offer which there are, and what the service does not know is refused.

    `elsewhere` lets it name what this city has not.
    """
    return replace(_pattern(_ID, _ID_REASON, "pick", what), elsewhere=elsewhere)


#: An id of nothing in particular.
ID = _pattern(_ID, _ID_REASON)
_CODE = r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*"
_CODE_REASON = _("must be a code: up to 64 small letters, digits, _ and -, parts joined by dots")
#: A code of no particular list.
CODE = _pattern(_CODE, _CODE_REASON, longest=64)


def code_of(list_name: str) -> Pattern:
    """A code of one of the city's lists; whether it is on the list is checked by the decision, with the city of the day."""
    return _pattern(_CODE, _CODE_REASON, "code", list_name, longest=64)


#: A territory path of at most ten parts and 120 characters.
PLACE = _pattern(
    r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*){0,9}",
    _("must be a territory path like 350104.013.002.007: up to 10 parts of small letters, digits and hyphens"),
    "place",
    "place",
    "350104.013.002.007",
    longest=120,
)


#: A time of day, to the minute.
HOUR = _pattern("([01][0-9]|2[0-3]):[0-5][0-9]", _("must be a time of day like 19:30"), example="19:30")


@dataclass(frozen=True, kw_only=True)
class Day(Kind):
    """An ISO date that stays text; from 1900 to 2199."""

    def load(self, value: Any) -> str:
        text = _text(value)
        try:
            if date.fromisoformat(text).isoformat() == text and "1900" <= text < "2200":
                return text
        except ValueError:
            pass
        raise refusal(_("must be a day like 2026-03-01, from 1900 to 2199"))


DAY = Day(control="day", facets={"type": "string", "format": "date"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, kw_only=True)
class Moment(Kind):
    """An RFC 3339 time with its offset; comes out in local time, so that moments sort as text."""

    def load(self, value: Any) -> str:
        text = _text(value)
        try:
            if _MOMENT.fullmatch(text) and "1900" <= text < "2200":
                return datetime.fromisoformat(text).astimezone(LOCAL).isoformat(timespec="seconds")
        except (ValueError, OverflowError):
            pass
        raise refusal(_("must be a time with its offset, like 2026-03-01T09:00:00+08:00"))


MOMENT = Moment(
    control="moment", facets={"type": "string", "format": "date-time", "example": "2026-03-01T09:00:00+08:00"}
)


@dataclass(frozen=True, kw_only=True)
class Number(Kind):
    """A whole number in a range; neither text nor fractions."""

    least: int
    most: int

    def load(self, value: Any) -> int:
        if type(value) is not int:
            raise refusal(_("must be a whole number"))
        if not self.least <= value <= self.most:
            raise refusal(_("must be a whole number from {least} to {most}"), least=self.least, most=self.most)
        return value


def number(least: int, most: int, control: str = "number") -> Number:
    """A whole number from `least` to `most`."""
    return Number(
        least=least, most=most, control=control, facets={"type": "integer", "minimum": least, "maximum": most}
    )


def fen(least: int = 1) -> Number:
    """An amount of money in fen."""
    return number(least, LARGEST_FEN, "money")


FEN = fen()
#: A time limit in working days.
WORKING_DAYS = number(1, LONGEST)


@dataclass(frozen=True, kw_only=True)
class Choice(Kind):
    """One of a few codes that the program itself knows."""

    codes: tuple[str, ...]

    def load(self, value: Any) -> str:
        if value not in self.codes or not isinstance(value, str):
            raise refusal(_("must be one of {codes}"), codes=", ".join(self.codes))
        return value


def choice(*codes: str, words: str = "") -> Choice:
    """One of these codes; `words` names the group of their words, by default that of the field."""
    return Choice(codes=codes, control="choice", refers=words, facets={"type": "string", "enum": list(codes)})


@dataclass(frozen=True, kw_only=True)
class Yes(Kind):
    """Yes or no."""

    def load(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise refusal(_("must be true or false"))
        return value


YES = Yes(control="yes", facets={"type": "boolean"})
