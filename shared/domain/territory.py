"""Places as paths: `350104.013.002.007` lies in `350104.013.002`; "" is the whole city."""

from __future__ import annotations

#: The key of the row that counts for the whole city; no place is called so.
EVERYWHERE = "*"


def lineage(place: str) -> list[str]:
    """A place and everything above it, from the bottom up: `a.b.c` gives `a.b.c`, `a.b`, `a`; none for ""."""
    parts = place.split(".") if place else []
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def ancestors(place: str) -> list[str]:
    """The places above one, from the top down."""
    return lineage(place)[:0:-1]


def within(place: str, area: str) -> bool:
    """Whether a place is an area or lies below it; everything lies within ""."""
    return not area or place == area or place.startswith(area + ".")


def depth(place: str) -> int:
    """How many parts a path has; 0 for ""."""
    return place.count(".") + 1 if place else 0
