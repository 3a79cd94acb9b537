"""What the city's lists say on a day, and an entry with all its versions."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from services.registry.entry.adopting import KIND
from services.registry.entry.state import ENTRY, entry_id
from shared.domain.answers import ACTIONS, COUNT, TEXT, many, shape
from shared.domain.city import City
from shared.domain.city import Entry as Version
from shared.domain.errors import NotFoundError
from shared.domain.fields import CODE, DAY
from shared.domain.reader import Reader
from shared.domain.view import Row
from shared.domain.words import _, said, term

_VERSION = {
    **dict.fromkeys(("entry_id", "kind", "code", "zh", "en", "since", "until"), TEXT),
    "version": COUNT,
    "data": {"type": "object"},
}


def _shown(kind: str, entry: Version) -> Row:
    shown: Row = msgspec.to_builtins(entry)
    return shown | {"kind": kind, "entry_id": entry_id(kind, entry.code)}


def _actions(read: Reader, open_: bool) -> list[str]:
    return ["adopt_entry", *(["retire_entry"] if open_ else [])] if read.may("registry.profile") else []


@ENTRY.query(answer=shape(rows=many(shape(**_VERSION, actions=ACTIONS)), actions=ACTIONS))
def find_entries(
    read: Reader,
    *,
    kind: Annotated[str, KIND, "list"],
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """The entries of a list that hold on a day, in the order of their rank."""
    city = City(read.rows, on) if on else read.city
    actions = {"actions": _actions(read, True)}
    rows = [_shown(kind, entry) | actions for entry in city.entries(kind).values()]
    return {"rows": rows, "actions": _actions(read, False)}


@ENTRY.query(answer=shape(**_VERSION, versions=many(shape(**_VERSION)), actions=ACTIONS))
def get_entry(
    read: Reader, *, kind: Annotated[str, KIND, "list"], code: Annotated[str, CODE, "code"]
) -> dict[str, Any]:
    """An entry with all its versions, the oldest first."""
    versions = [_shown(kind, entry) for entry in read.city.versions(kind).get(code, ())]
    if not versions:
        raise NotFoundError(
            _("{code} is not on the city's list {list}"),
            {"code": said(_("unknown"))},
            code=code,
            list=term("kinds", kind),
        )
    return versions[-1] | {"versions": versions, "actions": _actions(read, not versions[-1]["until"])}
