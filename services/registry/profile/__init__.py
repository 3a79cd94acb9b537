"""The city's profile: one document for people that adopts and retires many catalogue entries at once (A03, A12, A13, C13)."""

from services.registry.profile import adopting, rows, state  # noqa: F401  # what they declare, in the order in which it is offered
