"""Activities of volunteers (C38, C39, C44)."""

from services.volunteers.activity import attendance, holding, prongs, rows, state  # noqa: F401  # what they declare, in the order in which it is offered
