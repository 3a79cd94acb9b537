"""The funding service: every command and query is declared beside what it is about."""

from __future__ import annotations

from services.funding.definition import DEFINITION
from shared.service.service import Followed, serves


@serves(DEFINITION)
class FundingService(Followed):
    """Projects, receipts, payments and statements. Numbers are public, names of persons need `money.read`. Amounts are fen."""
