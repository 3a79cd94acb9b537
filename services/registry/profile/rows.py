"""The profile as it holds today, and each version as it was adopted."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from services.registry.profile.document import LISTS
from services.registry.profile.state import PROFILE, ProfileAdopted, ProfilePublished
from shared.domain.answers import COUNT, TEXT, by_code, fields_of, many, shape
from shared.domain.catalogue import KINDS, Checklist, Obligation, whole
from shared.domain.city import City
from shared.domain.city import Entry as Version
from shared.domain.errors import NotFoundError
from shared.domain.event import Event
from shared.domain.fields import number
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import OWN, Row, View
from shared.domain.words import _, said


def _profile_keys(event: Event, record: Record) -> tuple[str, ...]:
    if isinstance(event, ProfileAdopted | ProfilePublished):
        return "current", f"version-{event.version:09d}"
    return ()


def _profile(row: Row, event: Event, record: Record, key: str) -> Row:
    """The document adopted last (`current`) and every version that ever was."""
    fields: Row = msgspec.to_builtins(event)
    return {"checklists": [], "obligations": []} | fields | {"adopted": record.occurred}


PROFILES = View("profiles", OWN, _profile_keys, _profile)

_CODED = {"code": TEXT, "zh": TEXT, "en": TEXT}
#: What lists say of their codes.
_OF_LISTS = {name: part for kind in LISTS for name, part in fields_of(KINDS[kind].data).items()}


@PROFILE.query(
    answer=shape(
        **dict.fromkeys(("key", "profile_id", "city", "effective", "adopted"), TEXT),
        version=COUNT,
        levels=many(shape(**_CODED)),
        roles=many(shape({"intake": COUNT, "beside": many(TEXT)}, level=TEXT, **_CODED)),
        powers=by_code(many(TEXT)),
        code_lists=by_code(by_code(shape(_OF_LISTS, zh=TEXT, en=TEXT))),
        parameters=by_code(COUNT),
        checklists=many(shape(**fields_of(Checklist), **_CODED)),
        obligations=many(shape(**fields_of(Obligation), **_CODED)),
    )
)
def get_profile(
    read: Reader, *, version: Annotated[int, number(0, 10**6), "version as it was adopted; 0: what holds today"] = 0
) -> dict[str, Any]:
    """The city's profile as it holds today, entries adopted one by one included, or a version as it was adopted."""
    row = read.rows.get("profiles", f"version-{version:09d}" if version else "current")
    if row is None and version:
        raise NotFoundError(
            _("the city has no version {version} of a profile"), {"version": said(_("unknown"))}, version=version
        )
    if row is None:
        row = _of_entries(read.city)
    return row if version else row | _in_force(read.city)


def _of_entries(city: City) -> Row:
    """What stands in for the document where a city adopted each entry by itself; raises `NotFoundError` where it has none at all."""
    first = min((entry.since for entry in city.entries("levels").values()), default="")
    if not first:
        raise NotFoundError(_("the city has adopted no profile yet"))
    return {"key": "current", "profile_id": "", "city": "", "version": 0, "effective": first, "adopted": ""}


def _in_force(city: City) -> Row:
    """The parts of a profile as the entries of the day have them."""
    found = {kind: city.entries(kind) for kind in KINDS}

    def words(entry: Version) -> Row:
        return {"zh": entry.zh, "en": entry.en}

    def listed(kind: str, leave: str = "") -> list[Row]:
        return [
            {
                "code": code,
                **words(entry),
                **{name: value for name, value in whole(kind, entry.data).items() if name != leave},
            }
            for code, entry in found[kind].items()
        ]

    return {
        "levels": listed("levels", "rank"),
        "roles": listed("roles", "powers"),
        "powers": {code: entry.data["powers"] for code, entry in found["roles"].items()},
        "code_lists": {
            kind: {code: words(entry) | entry.data for code, entry in found[kind].items()} for kind in LISTS
        },
        "parameters": {code: entry.data["value"] for code, entry in found["parameters"].items()},
        "checklists": listed("checklists"),
        "obligations": listed("obligations"),
    }
