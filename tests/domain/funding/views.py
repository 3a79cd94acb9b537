"""Views of the funding service folded over a history, as its follower does it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.funding.events import CODEC
from services.funding.views import VIEWS
from shared.domain.event import Event
from shared.domain.record import Record
from shared.domain.view import Row
from tests.domain.funding.facts import PLACE
from tests.kit import AT


def record_of(event: Event, position: int, at: str = AT) -> Record:
    """An event as it is read back from the log."""
    return Record(
        position=position,
        stream="project-p1",
        version=position,
        type=type(event).__name__,
        schema=event.schema,
        data=msgspec.Raw(CODEC.encode(event)),
        id=f"e{position}",
        time=at,
        occurred=at,
        actor="x",
        on_behalf_of="o-applicant",
        mandate="",
        command="",
        command_id=f"c{position}",
        correlation_id="",
        causation_id="",
        place=PLACE,
        digest="",
        commit_position=position,
        commit_size=1,
    )


def fold_views(history: Sequence[Event], at: str = AT) -> dict[tuple[str, str], Row]:
    """All rows after a history, by view and key."""
    rows: dict[tuple[str, str], Row] = {}
    for position, event in enumerate(history, 1):
        record = record_of(event, position, at)
        for view in VIEWS:
            for key in view.keys(event, record):
                row = view.fold(rows.get((view.name, key), {}), event, record)
                assert row is not None
                view.check(row)
                rows[view.name, key] = row
    return rows
