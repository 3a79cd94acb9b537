"""The definition of the audit service."""

from __future__ import annotations

from services.audit.ledger import LEDGER_VIEWS
from services.audit.proofs import PROOFS
from shared.domain.privacy import READ_WITHHELD
from shared.following.definition import Definition

#: The services whose logs the ledger covers, besides the audit service's own.
SOURCES = ("registry", "issues", "volunteers", "funding")

POWERS = {READ_WITHHELD: "Read in the ledger what is withheld from everybody else."}

DEFINITION = Definition(name="audit", views=LEDGER_VIEWS, sources=SOURCES, by_hand=PROOFS, powers=POWERS, durable=True)
