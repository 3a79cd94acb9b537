"""The issue ledger's entrypoints, all of them derived from its declarations."""

from __future__ import annotations

from services.issues.definition import DEFINITION
from shared.service.service import Followed, serves


@serves(DEFINITION)
class IssueService(Followed):
    """Takes issues in, sees to it that somebody answers for each, and shows what became of them."""
