"""The definition of the audit service."""

from __future__ import annotations

from services.audit.ledger import LEDGER_VIEWS
from services.audit.proofs import PROOFS
from shared.following.definition import Definition

#: The services whose logs the ledger covers, besides the audit service's own.
SOURCES = ("registry", "issues", "volunteers", "funding")

DEFINITION = Definition(name="audit", views=LEDGER_VIEWS, sources=SOURCES, by_hand=PROOFS, durable=True)
