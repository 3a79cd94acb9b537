"""Grades by a table: the sum of points decides the level, by whole numbers, so that anybody can compute it again (B39)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from shared.domain.staffing import GradeTable
from shared.domain.view import Row
from shared.domain.words import _, said


@dataclass(frozen=True)
class Result:
    """A sum of points, and what it makes: level, and coefficient of pay in thousandths. Level 0: fewer points than any level needs."""

    points: int
    level: int = 0
    coefficient: int = 0


def by_points(table: GradeTable, track: str, years: int, units: Mapping[str, int]) -> Result:
    """Each merit gives its points for each unit, up to the most that count; the highest level whose least points are reached."""
    points = sum(
        merit.points * min(merit.most, years if merit.years else units.get(merit.code, 0)) for merit in table.merits
    )
    reached = [one for one in table.grades if one.track == track and one.least <= points]
    best = max(reached, key=lambda one: one.least, default=None)
    return Result(points, best.level, best.coefficient) if best else Result(points)


#: How a table is read: name of the rule to its function. A rule is never changed; a new one gets a new name.
RULES: Mapping[str, Callable[[GradeTable, str, int, Mapping[str, int]], Result]] = {"points": by_points}


def grade_faults(data: Mapping[str, Any]) -> Row:
    """What is wrong with a table of grades, by its part: codes named twice, grades of no track, levels that do not rise."""
    wrong: Row = {}
    for part in ("tracks", "merits"):
        if len({one["code"] for one in data[part]}) < len(data[part]):
            wrong[part] = said(_("names something twice"))
    tracks = {one["code"]: [] for one in data["tracks"]}  # type: dict[str, list[tuple[int, int]]]
    for one in data["grades"]:
        if one["track"] not in tracks:
            wrong["grades"] = {one["track"]: said(_("is no track of the table"))}
            return wrong
        tracks[one["track"]].append((one["level"], one["least"]))
    for track, levels in tracks.items():
        if not levels:
            wrong["grades"] = {track: said(_("has no level"))}
        for (level, least), (higher, more) in pairwise(levels):
            if higher <= level or more <= least:
                wrong["grades"] = {track: said(_("levels and their points must rise from one to the next"))}
    return wrong
