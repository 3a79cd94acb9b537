"""Programmes as rows: who leads which, how far its batches are on a day, and what stands under each prong (A02, B02, B06, B23)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from services.registry.census import below
from services.registry.programme.state import (
    PARTICIPATION,
    PROGRAMME,
    Participation,
    Programme,
    ProgrammeReported,
    UnitAccepted,
    UnitFellBack,
    UnitLeft,
    rules_of,
)
from services.registry.programme.units import checklist_of
from services.registry.subjects import SUBJECT, held_on
from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, YES, many, row_of, shape
from shared.domain.catalogue import Batch, data_of
from shared.domain.catalogue import Programme as Rules
from shared.domain.city import every
from shared.domain.city import held_on as post_held_on
from shared.domain.city_rows import NEVER
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, PLACE, choice, code_of, id_of
from shared.domain.listing import Listing, Under
from shared.domain.reader import Reader
from shared.domain.view import Row, View, state_of

#: Reports shown with a programme, the latest.
SHOWN = 50


def _reports(row: Row, programme: Programme, event: Event, record: Any) -> Row:
    """What was reported last, by whom."""
    told = row.get("told", [])
    if isinstance(event, ProgrammeReported):
        said = {"report": event.report, "person_id": event.person_id, "day": record.occurred[:10]}
        told = [*told[1 - SHOWN :], said]
    return {"told": told}


def _periods(row: Row, unit: Participation, event: Event, record: Any) -> Row:
    """The periods in which it took part, and those in which it was accepted."""
    day = record.occurred[:10]
    part, accepted = row.get("part", []), row.get("accepted", [])
    if isinstance(event, UnitAccepted):
        accepted = [*accepted, {"since": day, "until": ""}]
    elif isinstance(event, UnitFellBack | UnitLeft) and accepted and not accepted[-1]["until"]:
        ended = event.until if isinstance(event, UnitLeft) else day
        accepted = [*accepted[:-1], accepted[-1] | {"until": ended}]
    if isinstance(event, UnitLeft):
        part = [*part[:-1], part[-1] | {"until": event.until}]
    elif not part or part[-1]["until"]:
        part = [*part, {"since": unit.since, "until": ""}]
    return {"part": part, "accepted": accepted}


PROGRAMMES = View.of(PROGRAMME, "programmes", ("place", ("kind", "status"), "lead_post_id", "since"), _reports)
PARTICIPATIONS = View.of(
    PARTICIPATION,
    "participations",
    ("place", ("programme_id", "batch"), ("kind", "status"), "subject", "since"),
    _periods,
)
_LED = {"lead_person_id": TEXT}
_PROGRAMME = row_of(
    PROGRAMME,
    optional=dict.fromkeys(("organisation", "organisation_en", "post", "post_en"), TEXT),
    told=many(shape(report=TEXT, person_id=TEXT, day=TEXT)),
    lead_person_id=TEXT,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)
_PERIOD = many(shape(since=TEXT, until=TEXT))
_UNIT = row_of(
    PARTICIPATION,
    optional=dict.fromkeys(("organisation", "organisation_en"), TEXT),
    part=_PERIOD,
    accepted=_PERIOD,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)


def _led(read: Reader, row: Row) -> Row:
    """The row with who leads it today: the holder of the leading post, "" while it is vacant."""
    post = read.city.post(row["lead_post_id"])
    holder = post["person_id"] if post and not post["abolished"] and post_held_on(post, read.today) else ""
    return row | {"lead_person_id": holder}


_PROGRAMMES = Listing(PROGRAMME, PROGRAMMES, _PROGRAMME, lambda read, rows: (_led(read, row) for row in rows))


@_PROGRAMMES.list("place", "since")
def find_programmes(
    place__under: Under = "",
    kind: Annotated[str, code_of("programmes"), "of this programme of the city"] = "",
    lead_post_id: Annotated[str, id_of("post"), "led by this post"] = "",
    status: Annotated[str, choice("running", "ended"), "in this state"] = "",
) -> None:
    """What is led by which post, by whom today, and how it stands (B02)."""


_PROGRAMMES.one("A programme with who leads it today and what was reported last, by whom (B02).")


_UNITS = Listing(PARTICIPATION, PARTICIPATIONS, _UNIT)


@_UNITS.list("place", "since")
def find_participations(
    place__under: Under = "",
    programme_id: Annotated[str, id_of("programme"), "of this programme"] = "",
    kind: Annotated[str, code_of("programmes"), "of this programme of the city"] = "",
    batch: Annotated[str, CODE, "of this batch"] = "",
    subject: Annotated[str, SUBJECT, "of this place or body"] = "",
    status: Annotated[str, choice("joined", "accepted", "fallen", "left"), "in this state"] = "",
) -> None:
    """The units of programmes, with the days on which each took part and was accepted (B06, B23)."""


_UNITS.one("A unit of a programme with the steps that it took, each on its evidence (C27).")


_COUNTS = dict.fromkeys(("target", "units", "accepted", "items", "holding"), COUNT)


@PROGRAMME.query(
    answer=shape(
        programme_id=TEXT,
        day=TEXT,
        batches=many(shape(code=TEXT, zh=TEXT, en=TEXT, complete=YES, **_COUNTS)),
        stages=many(shape(code=TEXT, zh=TEXT, en=TEXT, units=COUNT, people=COUNT)),
        **_COUNTS,
    ),
    as_of=True,
)
def programme_figures(
    read: Reader,
    *,
    programme_id: Annotated[str, id_of("programme"), "the programme"],
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """How many units each batch has on a day, how many of them are accepted, and how many there should be (B06, B23, B25).

    A batch is `complete` once it has units, as many as it should have, and all are accepted. `items` and `holding` are the items of its
    units' checklists today, and `stages` says how many units have taken a step until today, with how many residents.
    """
    day = on or read.today

    programme = read.row("programmes", programme_id, "programme", "programme_id")
    rules = rules_of(state_of(PROGRAMME, programme), read.city)
    rows = [
        row
        for row in every(read.rows, "participations", {"programme_id": programme_id})
        if any(held_on(one, day) for one in row["part"])
    ]
    listed = rules.batches or [Batch(code="", zh="全部", en="all")]
    batches = [_batch(read, one, [row for row in rows if row["batch"] == one.code], day) for one in listed]
    stages = []
    for stage in rules.stages:
        steps = [step for row in rows for step in row["steps"] if step["stage"] == stage.code]
        people = sum(step["people"] for step in steps)
        named = {"code": stage.code, "zh": stage.zh, "en": stage.en}
        stages.append(named | {"units": len(steps), "people": people})
    whole = {name: sum(one[name] for one in batches) for name in _COUNTS}
    return {"programme_id": programme_id, "day": day, "batches": batches, "stages": stages} | whole


def _batch(read: Reader, batch: Batch, rows: list[Row], day: str) -> Row:
    accepted = sum(any(held_on(one, day) for one in row["accepted"]) for row in rows)
    checked: list[Row] = []
    if batch.checklist:
        found = read.rows.get_many("checklists", [checklist_of(batch.checklist, row["subject"]) for row in rows])
        checked = list(found.values())
    return {
        "code": batch.code,
        "zh": batch.zh,
        "en": batch.en,
        "target": batch.target,
        "units": len(rows),
        "accepted": accepted,
        "items": sum(one["of"] for one in checked),
        "holding": sum(one["holding"] for one in checked),
        "complete": bool(rows) and accepted == len(rows) and accepted >= batch.target,
    }


#: List of mechanisms to the view, the field and the filter of what there is of each; of other lists other services know.
_COUNTED: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "links": ("links", "kind", {"status": "linked"}),
    "schemes": ("standings", "scheme", {"status": "standing"}),
    "checklists": ("checklists", "template", {"status": "passed"}),
    "obligations": ("obligations", "rule", {"status": "met"}),
    "regulations": ("regulations", "kind", {"status": "adopted"}),
    "selections": ("selections", "kind", {"status": "closed"}),
    "programmes": ("programmes", "kind", {"status": "running"}),
    "organisation_types": ("organisations", "type", {"ended": NEVER}),
    "roles": ("posts", "role", {"abolished": ""}),
    "place_kinds": ("places", "kind", {}),
}


@PROGRAMME.query(
    answer=shape(
        kind=TEXT,
        place=TEXT,
        zh=TEXT,
        en=TEXT,
        running=COUNT,
        prongs=many(
            shape(
                code=TEXT,
                zh=TEXT,
                en=TEXT,
                measures=many(shape(code=TEXT, zh=TEXT, en=TEXT)),
                mechanisms=many(shape({"count": COUNT}, list=TEXT, code=TEXT, zh=TEXT, en=TEXT)),
                count=COUNT,
            )
        ),
    ),
    as_of=True,
)
def programme_prongs(
    read: Reader,
    *,
    kind: Annotated[str, code_of("programmes"), "programme of the city"],
    place: Annotated[str, PLACE, "a place and everything below it; empty: the whole city"] = "",
) -> dict[str, Any]:
    """What stands under each prong of a programme today: measures, and mechanisms with how many there are of each (A02, A44, C01).

    A mechanism that another service counts has no `count` here; `count` of a prong is the sum over those that have one.
    """

    entry = read.city.code("programmes", kind, "kind")
    rules: Rules = data_of("programmes", entry.data)
    prongs = []
    for prong in rules.prongs:
        mechanisms = [_mechanism(read, one, place) for one in prong.groups]
        measures = [{"code": one.code, "zh": one.zh, "en": one.en} for one in rules.measures if one.prong == prong.code]
        prongs.append(
            {"code": prong.code, "zh": prong.zh, "en": prong.en, "measures": measures, "mechanisms": mechanisms}
            | {"count": sum(one.get("count", 0) for one in mechanisms)}
        )
    running = read.rows.count("programmes", below(place) | {"kind": kind, "status": "running"})
    return {"kind": kind, "place": place, "zh": entry.zh, "en": entry.en, "running": running, "prongs": prongs}


def _mechanism(read: Reader, named: str, place: str) -> Row:
    """A mechanism by its name (`links.support`), with how many there are at a place and below it."""
    listed, _dot, code = named.partition(".")
    entry = read.city.entries(listed).get(code)
    found: Row = {"list": listed, "code": code, "zh": entry.zh if entry else code, "en": entry.en if entry else code}
    if listed not in _COUNTED:
        return found
    view, field, where = _COUNTED[listed]
    return found | {"count": read.rows.count(view, {**below(place), **where, field: code})}
