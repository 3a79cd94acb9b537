"""Documents: rules, conventions, duty lists and policies of a body; each version is drafted, heard, adopted, posted, acknowledged (A25)."""

from services.registry.regulation import forgetting, households, making, responses, rows, state  # noqa: F401  # what they declare, in the order in which it is offered
