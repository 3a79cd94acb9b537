"""A statement as it was published, and where it was posted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from services.funding.facts import (
    STATEMENT_FACTS,
    UPCASTERS,
    Posting,
    StatementCarried,
    StatementDisclosed,
    StatementFact,
    StatementPosted,
)
from shared.domain.decider import Decider
from shared.domain.event import Codec


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger of a project held at a time; amounts are fen. Of one that was carried over only the postings are known."""

    id: str
    status: str = "unknown"  # unknown, disclosed
    project_id: str = ""
    place: str = ""
    number: int = 0
    title: str = ""
    title_en: str = ""
    as_of: str = ""
    as_of_version: int = 0
    budget_fen: int = 0
    income: dict[str, int] = {}
    spending: dict[str, int] = {}
    returned: dict[str, int] = {}
    held: dict[str, int] = {}
    receipts: int = 0
    payments: int = 0
    postings: tuple[Posting, ...] = ()


def evolve(statement: Statement, event: StatementFact) -> Statement:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case StatementDisclosed():
            told = msgspec.structs.asdict(event)
            del told["statement_id"], told["person_id"]
            return Statement(id=statement.id, status="disclosed", **told)
        case StatementPosted():
            posting = Posting(channel=event.channel, spot=event.spot, posted_on=event.posted_on)
            return replace(statement, postings=(*statement.postings, posting))
        case StatementCarried():
            return Statement(
                id=statement.id,
                status="disclosed",
                project_id=event.project_id,
                place=event.place,
                postings=event.postings,
            )


def _carried(statement: Statement, given: Mapping[str, Any]) -> StatementCarried | None:
    project = given["project"]
    postings = project.former.statements.get(statement.id)
    if postings is None:
        return None
    return StatementCarried(project_id=project.id, statement_id=statement.id, place=project.place, postings=postings)


STATEMENT: Decider[Statement] = Decider(
    "statement",
    Codec((*STATEMENT_FACTS, StatementCarried), UPCASTERS),
    Statement,
    lambda id: Statement(id=id),
    evolve,
    lambda statement: statement.place,
    former=_carried,
)
