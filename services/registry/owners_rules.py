"""Whether owners have decided, by article 278 of the Civil Code: whole numbers over a roll that is frozen; pure, without any state.

Two thirds of the area and two thirds of the heads must take part. Of those who took part, more than half of both, or for the three grave
matters three quarters of both, must be for it. A head is an owner, whatever number of units is theirs; all units that are not sold or not
handed over are one head, with all their area.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from shared.domain.fields import ID, line, number
from shared.domain.words import _

#: Who holds the units that are not sold or not handed over; they are one head.
UNSOLD = "unsold"
#: Units of one roll at most; area of one unit at most, in hundredths of a square metre.
MOST_UNITS, LARGEST_UNIT = 20_000, 10**9
#: Matter to the number of its item, and the majority that it needs: so many parts of a whole, `above`: more than these.
_HALF, _THREE_QUARTERS = (1, 2, True), (3, 4, False)
MATTERS: Mapping[str, tuple[int, tuple[int, int, bool]]] = {
    "rules_of_procedure": (1, _HALF),
    "covenant": (2, _HALF),
    "committee": (3, _HALF),
    "manager": (4, _HALF),
    "use_of_fund": (5, _HALF),
    "raising_of_fund": (6, _THREE_QUARTERS),
    "rebuilding": (7, _THREE_QUARTERS),
    "change_of_use": (8, _THREE_QUARTERS),
    "other": (9, _HALF),
}
#: What an owner can say; who is silent does not take part.
CHOICES = ("for", "against", "abstain")


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of the roll; `owner` is any sign that is the same for all units of one owner."""

    unit: Annotated[str, line(64), _("number of the unit")]
    area: Annotated[int, number(1, LARGEST_UNIT), _("area in hundredths of a square metre")]
    owner: Annotated[
        str, ID, _("sign of the owner, the same for all their units; empty: not sold or not handed over")
    ] = UNSOLD


class Weight(msgspec.Struct, frozen=True):
    """An area in hundredths of a square metre, and a number of heads."""

    area: int = 0
    heads: int = 0


class Tally(msgspec.Struct, frozen=True):
    """What was said: of all on the roll, those who took part, and of these those for and against."""

    all: Weight
    part: Weight
    pro: Weight
    contra: Weight


def weights(roll: Iterable[Unit]) -> dict[str, int]:
    """The area of each head, by the sign of the owner."""
    found: dict[str, int] = {}
    for one in roll:
        found[one.owner] = found.get(one.owner, 0) + one.area
    return found


def tally(roll: Iterable[Unit], ballots: Mapping[str, str]) -> Tally:
    """The sums of a vote. Raises `KeyError` for a ballot of nobody on the roll."""
    areas = weights(roll)

    def sum_of(owners: Iterable[str]) -> Weight:
        counted = [areas[owner] for owner in owners]
        return Weight(sum(counted), len(counted))

    said = {choice: sum_of(one for one, given in ballots.items() if given == choice) for choice in CHOICES}
    return Tally(sum_of(areas), sum_of(ballots), said["for"], said["against"])


def quorate(found: Tally) -> bool:
    """Whether two thirds of the area and two thirds of the heads took part."""
    return 3 * found.part.area >= 2 * found.all.area and 3 * found.part.heads >= 2 * found.all.heads


def carried(found: Tally, matter: str) -> bool:
    """Whether enough took part, and enough of these are for it, by area and by heads."""
    _item, (part, whole, above) = MATTERS[matter]

    def enough(pro: int, of: int) -> bool:
        return pro * whole > of * part if above else pro * whole >= of * part

    return quorate(found) and enough(found.pro.area, found.part.area) and enough(found.pro.heads, found.part.heads)


def digest(roll: Iterable[Unit]) -> str:
    """The digest of a roll (SHA-256, hexadecimal), the same in whatever order its units are named."""
    lines = sorted(msgspec.json.encode([one.unit, one.area, one.owner]) for one in roll)
    return hashlib.sha256(b"\n".join(lines)).hexdigest()
