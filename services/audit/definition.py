"""The definition of the audit service."""

from __future__ import annotations

from services.audit.key import SIGNING_KEY
from services.audit.ledger import LEDGER_VIEWS
from services.audit.proofs import PROOFS
from services.audit.security import SECURITY_ACT, SECURITY_ACTS, WATCH, NoteAct
from shared.domain.privacy import READ_WITHHELD
from shared.following.definition import Definition

#: The services whose logs the ledger covers, besides the audit service's own.
SOURCES = ("registry", "issues", "volunteers", "funding")

POWERS = {
    READ_WITHHELD: "Read in the ledger what is withheld from everybody else.",
    WATCH: "Read who signed in, failed, and did what to accounts.",
}

DEFINITION = Definition(
    name="audit",
    deciders=(SIGNING_KEY, SECURITY_ACT),
    views=(*LEDGER_VIEWS, SECURITY_ACTS),
    sources=SOURCES,
    by_hand=PROOFS,
    powers=POWERS,
    command_schemas={"note_act": NoteAct},
    inner=frozenset({"note_act"}),
    durable=True,
)
