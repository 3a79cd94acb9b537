"""What was done under each prong of a programme of the city: activities and teams of its kinds, those in its roles (A38, A44, C18, C45)."""

from __future__ import annotations

from typing import Annotated

from services.volunteers.activity.state import ACTIVITY
from shared.domain.answers import COUNT, TEXT, many, shape
from shared.domain.catalogue import Programme, data_of
from shared.domain.fields import DAY, PLACE, code_of
from shared.domain.reader import Reader
from shared.domain.view import Row

_COUNTS = dict.fromkeys(("activities", "sessions", "person_times", "persons", "minutes", "teams", "serving"), COUNT)
_LISTS = ("activity_kinds", "team_kinds", "volunteer_roles")
_NAMED = {"code": TEXT, "zh": TEXT, "en": TEXT}


@ACTIVITY.query(
    answer=shape(
        kind=TEXT,
        place=TEXT,
        zh=TEXT,
        en=TEXT,
        prongs=many(shape(**_NAMED, **_COUNTS, mechanisms=many(shape(list=TEXT, **_NAMED, **_COUNTS)))),
        **_COUNTS,
    )
)
def programme_activities(
    read: Reader,
    *,
    kind: Annotated[str, code_of("programmes"), "programme of the city"],
    place: Annotated[str, PLACE, "territory; empty: everywhere"] = "",
    since: Annotated[str, DAY, "from this day on"] = "",
    until: Annotated[str, DAY, "before this day"] = "",
) -> Row:
    """Activities and teams under each prong of a programme or campaign, with distinct persons of each and of the whole (A38, A44, C45).

    A person who served under two prongs counts once in the whole, and an activity whose kind two prongs name counts once, too. Teams
    are those that there are today, and `serving` the distinct persons who are in its roles today.
    """
    entry = read.city.code("programmes", kind, "kind")
    rules: Programme = data_of("programmes", entry.data)
    days = {"day__gte": since, "day__lt": until}
    where: Row = {name: value for name, value in {"place__under": place, **days}.items() if value}
    prongs = []
    for prong in rules.prongs:
        mechanisms = []
        for named in prong.groups:
            listed, _dot, code = named.partition(".")
            if listed in _LISTS:
                known = read.city.entries(listed).get(code)
                called = {"zh": known.zh if known else code, "en": known.en if known else code}
                mechanisms.append({"list": listed, "code": code} | called | _counts(read, where, [named]))
        told = {"code": prong.code, "zh": prong.zh, "en": prong.en, "mechanisms": mechanisms}
        prongs.append(told | _counts(read, where, prong.groups))
    whole = _counts(read, where, [named for prong in rules.prongs for named in prong.groups])
    return {"kind": kind, "place": place, "zh": entry.zh, "en": entry.en, "prongs": prongs} | whole


def _counts(read: Reader, where: Row, groups: list[str]) -> Row:
    """What was done of these mechanisms (`activity_kinds.service`), each counted once."""
    kinds: dict[str, list[str]] = {listed: [] for listed in _LISTS}
    for named in sorted(set(groups)):
        listed, _dot, code = named.partition(".")
        kinds.get(listed, []).append(code)
    chosen = where | {"kind": kinds["activity_kinds"]}
    times: dict[str, int] = {}
    minutes = sessions = activities = 0
    if kinds["activity_kinds"]:
        times = read.rows.count_by("attendances", "person_id", chosen)
        minutes = sum(length * n for length, n in read.rows.count_by("attendances", "minutes", chosen).items())
        held = read.rows.count_by("activities", "sessions", chosen | {"status": "held"})
        activities, sessions = sum(held.values()), sum(n * count for n, count in held.items())
    here = {name: value for name, value in where.items() if name == "place__under"}
    teams = read.rows.count("teams", here | {"kind": kinds["team_kinds"]}) if kinds["team_kinds"] else 0
    serving = {}
    if roles := kinds["volunteer_roles"]:
        serving = read.rows.count_by("roles", "person_id", here | {"role": roles})
    return {
        "serving": len(serving),
        "activities": activities,
        "sessions": sessions,
        "person_times": sum(times.values()),
        "persons": len(times),
        "minutes": minutes,
        "teams": teams,
    }
