"""Posts and who holds them: one person at a time, with dates; powers follow from them in every service (A11, C13)."""

from services.registry.post import going_with, holding, rows, standing, state, succession, vacancy  # noqa: F401  # what they declare, in the order in which it is offered
