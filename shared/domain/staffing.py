"""What a city says of its staff and members: who works where, what they can be, and how they are graded."""

from __future__ import annotations

from typing import Annotated

import msgspec

from shared.domain.fields import CODE, YES, choice, code_of, number
from shared.domain.lists import POWER, Item
from shared.domain.structures import group, many


class Seat(Item, frozen=True, kw_only=True):
    """What one person is to hold in each community: a post of each of these roles (B35, B36)."""

    roles: Annotated[list[str], many(code_of("roles"), 1, 10), "roles that the same person holds"]
    count: Annotated[int, number(1, 1000), "how many such persons"] = 1


class Staffing(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to work in each place of a kind: so many seats, and workers by its households, 4 + N (B35)."""

    of: Annotated[str, code_of("place_kinds"), "kind of the places"]
    seats: Annotated[list[Seat], many(group(Seat), 1, 50), "whom each has"]
    workers: Annotated[list[str], many(code_of("roles"), 1, 50), "roles of the workers besides"]
    per_households: Annotated[int, number(1, 100_000), "households for which there is one worker"]
    rounding: Annotated[str, choice("nearest", "up"), "how a part of a worker is made whole"] = "nearest"
    tolerance: Annotated[int, number(0, 1000), "workers too few or too many that are let pass"] = 0


class Merit(Item, frozen=True, kw_only=True):
    """What gives points towards a grade (B39)."""

    points: Annotated[int, number(0, 10_000), "points for each unit"]
    most: Annotated[int, number(1, 1000), "units that count at most"]
    years: Annotated[bool, YES, "whether the units are whole years of service"] = False


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """A level of a type of post (B39)."""

    track: Annotated[str, CODE, "type of post"]
    level: Annotated[int, number(1, 100), "level"]
    least: Annotated[int, number(0, 1_000_000), "points that it needs"]
    coefficient: Annotated[int, number(1, 100_000), "coefficient of pay, in thousandths"]


class GradeTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of types of posts, levels and points, by which workers are graded: 三岗十八级 (B39)."""

    rule: Annotated[str, choice("points", words="grade rule"), "how it is read"] = "points"
    tracks: Annotated[list[Item], many(group(Item), 1, 20), "types of posts"]
    merits: Annotated[list[Merit], many(group(Merit), 1, 50), "what gives points"]
    grades: Annotated[list[Grade], many(group(Grade), 1, 200), "levels of each type of post, the lowest first"]
    workers: Annotated[list[str], many(code_of("roles"), 1, 50), "roles of those who are graded"]


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """What persons can be, one code at a time: category of a Party member, full-time or part-time, a document of a file (B34, B40)."""

    classes: Annotated[list[Item], many(group(Item), 1, 200), "what one can be"]
    power: Annotated[str, POWER, "power of who says it"] = "person.classify"
