"""What callers may send: one schema for each command and query."""

from services.funding.schemas.commands import COMMANDS
from services.funding.schemas.queries import QUERIES

__all__ = ["COMMANDS", "QUERIES"]
