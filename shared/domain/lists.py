"""Lists of a city whose entries are plain: a code with its words, and perhaps a rank, days or one thing more."""

from __future__ import annotations

from typing import Annotated

import msgspec

from shared.domain.fields import CODE, DAY, YES, Pattern, choice, code_of, line, number
from shared.domain.parameters import LONGEST_WINDOW
from shared.domain.structures import many
from shared.domain.words import _

_POWER = r"(\*|[a-z]+\.\*|[a-z]+(\.[a-z0-9_-]+)+)"
#: A power, or all powers of one kind.
POWER = Pattern(
    pattern=_POWER,
    reason=_("must be a power like issue.dispatch, or issue.* for all of one kind"),
    control="power",
    refers="power",
    facets={"type": "string", "pattern": f"^{_POWER}$", "example": "issue.dispatch"},
)


#: Place in an order, from 1.
RANK = number(1, 1000)


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """A code with its words and no data."""


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A code with its rank in an order; of levels, 1 is the topmost (A03, C06)."""

    rank: Annotated[int, RANK, "place in the order, from 1"]


class Severity(Ranked, frozen=True, kw_only=True):
    """How grave a matter is, and which tier should solve it: small, hard, big (C14)."""

    tier: Annotated[str, code_of("tiers"), "widest tier that should solve it; empty: triage says which"] = ""


class Category(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a case is about; of some nobody but staff with the power may read."""

    confidential: Annotated[bool, YES, "whether cases of it are for staff only: quarrels, violence, debts"] = False


class ActivityKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of activity; some can be announced only where a checklist has unlocked it (B32)."""

    needs: Annotated[str, CODE, "what the place must have unlocked by a checklist; empty: nothing"] = ""


class DaysOff(msgspec.Struct, frozen=True, kw_only=True):
    """Days on which the city does not work besides those that the state announces; time limits in working days skip them."""

    first: Annotated[str, DAY, "first day"]
    last: Annotated[str, DAY, "last day; empty: only the first"] = ""


class YearCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """The calendar of a year as the state announced it; its code is the year. Limits counted before it came are counted again."""

    off: Annotated[list[str], many(DAY), "free days besides weekends"] = []
    worked: Annotated[list[str], many(DAY), "weekend days worked in exchange"] = []


class ReviewBody(msgspec.Struct, frozen=True, kw_only=True):
    """A body that reviews payments: only organisations of its type review as it (D34)."""

    type: Annotated[str, code_of("organisation_types"), "type of the organisations that review as this body"]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A number that rules use: days, thresholds in fen, counts."""

    value: Annotated[int, number(0, 10**13), "the number"]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How late a command may be entered; its code is the command's name, or the power that several commands ask for (X02)."""

    days: Annotated[int, number(0, LONGEST_WINDOW), "days that it may be dated back; 0: it is recorded when it happens"]


class Festival(msgspec.Struct, frozen=True, kw_only=True):
    """A festival of the year, by the lunar or the solar calendar, or a solar term (D41)."""

    calendar: Annotated[str, choice("lunar", "solar", "term", words="year"), "calendar that it is reckoned by"] = (
        "lunar"
    )
    month: Annotated[int, number(0, 12), "month; 0 for a solar term"] = 0
    day: Annotated[
        int,
        number(1, 31),
        "day, the last one where the lunar month is shorter; of a solar term its number, 1 小寒 to 24 冬至",
    ]


class IndicatorKind(msgspec.Struct, frozen=True, kw_only=True):
    """What documents state as a number: in which unit, and what is counted of what (B38, B52)."""

    unit: Annotated[str, choice("percent", "years", "count", words="indicator unit"), "unit"]
    means: Annotated[str, line(400), "what is counted of what, in Chinese, for everyone to read"]
    means_en: Annotated[str, line(800), "the same in English"]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a checklist."""

    code: Annotated[str, CODE, "code"]
    zh: Annotated[str, line(200), "in Chinese"]
    en: Annotated[str, line(400), "in English"]
