"""Catalogue entries: what the city says of itself, each code with its words, its data and the days it holds (A03, A12, A13, C13)."""

from services.registry.entry import adopting, checks, rows, state  # noqa: F401  # what they declare, in the order in which it is offered
