"""Selections: candidates are looked for, named, judged, accepted and elected; the result fills posts (A10, A16–A20, D06, D13)."""

from services.registry.selection import candidates, rows, state, voting  # noqa: F401  # what they declare, in the order in which it is offered
