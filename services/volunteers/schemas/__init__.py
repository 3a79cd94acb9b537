"""What callers may send: shape only, the rules are in the domain."""

from services.volunteers.schemas.commands import COMMANDS
from services.volunteers.schemas.queries import QUERIES

__all__ = ["COMMANDS", "QUERIES"]
