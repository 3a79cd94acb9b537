"""Small wishes of residents in need (C41, C42)."""

from services.volunteers.wish import asking, claiming, relocating, rows, state  # noqa: F401  # what they declare, in the order in which it is offered
