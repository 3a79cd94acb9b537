"""Selections as rows: everybody reads how far one is, who stands and the result; what is known of candidates is for staff of the place."""

from __future__ import annotations

from typing import Annotated, Any

from services.registry.selection.state import SELECTION, Selection
from shared.domain.answers import ACTIONS, COUNT, OTHERS, PLACE_NAMES, TEXT, fields_of, row_of
from shared.domain.event import Event
from shared.domain.fields import choice, code_of, id_of
from shared.domain.listing import Listing, Under
from shared.domain.reader import Reader
from shared.domain.view import Row, View


def _more(row: Row, selection: Selection, event: Event, record: Any) -> Row:
    """The day it was opened, and whether it gave the body a term."""
    return {"opened_on": row.get("opened_on") or record.occurred[:10], "won": int(bool(selection.elected))}


SELECTIONS = View.of(
    SELECTION, "selections", ("place", ("kind", "status"), "organisation_id", "opened_on", "won"), _more
)
_ROW = row_of(
    SELECTION,
    "candidates",
    optional={"candidates": fields_of(Selection)["candidates"], "organisation": TEXT, "organisation_en": TEXT},
    opened_on=TEXT,
    won=COUNT,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)


def _shown(read: Reader, row: Row) -> Row:
    if read.staff(row["place"]):
        return row
    return {name: value for name, value in row.items() if name != "candidates"}


_LISTED = Listing(SELECTION, SELECTIONS, _ROW, lambda read, rows: (_shown(read, row) for row in rows))


@_LISTED.list("-opened_on", "place")
def find_selections(
    place__under: Under = "",
    kind: Annotated[str, code_of("selections"), "of this kind"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this body"] = "",
    status: Annotated[
        str, choice("opened", "recommending", "voting", "counted", "closed", "cancelled"), "in this state"
    ] = "",
) -> None:
    """Selections with how far they are and their results (A18)."""


_ONE = _ROW | {"properties": _ROW["properties"] | {"others": OTHERS}, "required": [*_ROW["required"], "others"]}


@SELECTION.query(answer=_ONE)
def get_selection(read: Reader, *, selection_id: Annotated[str, id_of("selection"), "the selection"]) -> dict[str, Any]:
    """A selection with who stands, the votes and the result; staff of the place read what was done and skipped for whom (A17)."""
    return _shown(read, read.thing("selections", selection_id, SELECTION))
