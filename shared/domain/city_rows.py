"""What every service keeps of the city: places, organisations, posts, persons, entries and what is unlocked, as the registry says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from shared.domain.former_profile import former_entries
from shared.domain.record import Record
from shared.domain.view import Row, View

REGISTRY = "registry"
#: The first day after of what has not ended: days compare as text.
NEVER = "9999-12-31"


def _fields(event: Any) -> Mapping[str, Any]:
    """The fields of a fact, whether it is our own or another service's."""
    if isinstance(event, Mapping):
        return event
    fields: Mapping[str, Any] = msgspec.to_builtins(event)
    return fields


def _keyed(field: str, *types: str) -> Any:
    def key(event: Any, record: Record) -> str | None:
        return str(_fields(event)[field]) if record.type in types else None

    return key


def _place(row: Row, event: Any, record: Record, key: str) -> Row:
    fields = _fields(event)
    if record.type == "PlaceEnded":
        return row | {"ended": fields["since"], "successors": list(fields["successors"]), "heir": fields["heir"]}
    if record.type == "PlaceRenamed":
        return row | {"name": fields["name"], "name_en": fields["name_en"]}
    return {name: fields.get(name, "") for name in ("place", "kind", "name", "name_en", "parent")}


def _organisation(row: Row, event: Any, record: Record, key: str) -> Row:
    fields = _fields(event)
    if record.type == "OrganisationDissolved":
        return row | {"until": fields["until"]}
    if record.type == "OrganisationMoved":
        former = [*row.get("former", ()), {"parent_id": row["parent_id"], "until": fields["since"]}]
        return row | {"parent_id": fields["parent_id"], "former": former}
    names = ("organisation_id", "type", "name", "name_en", "level", "place", "parent_id", "since")
    return {name: fields.get(name, "") for name in names} | {"until": ""}


_VACANT = {"person_id": "", "since": "", "until": ""}


def _post(row: Row, event: Any, record: Record, key: str) -> Row:
    fields = _fields(event)
    match record.type:
        case "PostEstablished":
            names = ("post_id", "organisation_id", "role", "title", "title_en", "place", "ex_officio_post_id")
            return {name: fields.get(name, "") for name in names} | _VACANT | {"abolished": ""}
        case "PostAbolished":
            return row | {"abolished": fields["until"]}
        case "PersonAppointed":
            return row | {name: fields[name] for name in ("person_id", "since", "until")}
        case _:
            withdrawn = fields["until"] == fields["since"]
            return row | (_VACANT if withdrawn else {"until": fields["until"]})


def _person(row: Row, event: Any, record: Record, key: str) -> Row:
    fields = _fields(event)
    return {
        "person_id": fields["person_id"],
        "place": fields.get("place", ""),
        "erased": int(record.type == "PersonErased"),
    }


def _unlocked(row: Row, event: Any, record: Record, key: str) -> Row:
    """One row a subject: what its passed checklists unlock, each with the day since when."""
    fields = _fields(event)
    others = {code: since for code, since in row.items() if code != fields["template"]}
    if record.type == "ChecklistFailed":
        return others
    return others | {fields["template"]: {"unlocks": fields["unlocks"], "since": record.occurred[:10]}}


def _entry_keys(event: Any, record: Record) -> Iterable[str]:
    fields = _fields(event)
    if record.type in ("EntryAdopted", "EntryRetired"):
        return (fields["kind"], "version")
    return (*former_entries(fields), "version") if record.type == "ProfileAdopted" else ()


def _entries(row: Row, event: Any, record: Record, key: str) -> Row:
    """One row a kind: every code with its versions, the oldest first; and one that says when anything changed last."""
    if key == "version":
        return {"position": record.position}
    fields = _fields(event)
    codes: dict[str, list[Row]] = dict(row.get("codes", {}))
    if record.type == "ProfileAdopted":
        adopted = former_entries(fields)[key]
        for code in set(codes) - set(adopted):
            codes[code] = _ended(codes[code], fields["effective"])
        for code, entry in adopted.items():
            codes[code] = _with_version(codes.get(code, []), entry | {"since": fields["effective"], "until": ""})
    elif record.type == "EntryRetired":
        codes[fields["code"]] = _ended(codes.get(fields["code"], []), fields["until"])
    else:
        entry = {name: fields[name] for name in ("version", "since", "until", "zh", "en", "data")}
        codes[fields["code"]] = _with_version(codes.get(fields["code"], []), entry)
    return {"codes": codes}


def _with_version(versions: list[Row], entry: Row) -> list[Row]:
    """The versions with one more, which holds from its day on; the one before ends then."""
    earlier = [one for one in versions if one["since"] < entry["since"]]
    return [*_ended(earlier, entry["since"]), entry]


def _ended(versions: list[Row], until: str) -> list[Row]:
    """The versions, of which none holds from a day on."""
    return [one | {"until": min(one["until"] or NEVER, until)} for one in versions]


_POST_FACTS = ("PostEstablished", "PostAbolished", "PersonAppointed", "AppointmentEnded")


def city_views(source: str = REGISTRY) -> tuple[View, ...]:
    """The views that every service needs to know the city."""
    return (
        View("city_entries", source, _entry_keys, _entries),
        View(
            "city_places",
            source,
            _keyed("place", "PlaceRegistered", "PlaceRenamed", "PlaceEnded"),
            _place,
            ("place", "parent", "kind"),
        ),
        View(
            "city_organisations",
            source,
            _keyed("organisation_id", "OrganisationEstablished", "OrganisationMoved", "OrganisationDissolved"),
            _organisation,
            ("organisation_id", "place", "parent_id", "level", "type"),
        ),
        View(
            "city_posts",
            source,
            _keyed("post_id", *_POST_FACTS),
            _post,
            ("post_id", ("place", "role"), ("person_id", "since"), "organisation_id", "role"),
        ),
        View("city_unlocked", source, _keyed("subject", "ChecklistPassed", "ChecklistFailed"), _unlocked),
        View(
            "city_persons",
            source,
            _keyed("person_id", "PersonRegistered", "PersonMoved", "PersonErased"),
            _person,
            ("person_id",),
        ),
    )
