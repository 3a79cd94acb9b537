"""The definition of the audit service."""

from __future__ import annotations

from services.audit.ledger import LEDGER_VIEWS
from services.audit.schemas import COMMANDS, QUERIES
from shared.domain.event import Codec
from shared.following.definition import Definition
from shared.following.parking import PARKING_EVENTS

#: The services whose logs the ledger covers, besides the audit service's own.
SOURCES = ("registry", "issues", "volunteers", "funding")

DEFINITION = Definition(
    name="audit",
    codec=Codec(PARKING_EVENTS),
    views=LEDGER_VIEWS,
    sources=SOURCES,
    commands=COMMANDS,
    queries=QUERIES,
    durable=True,
)
