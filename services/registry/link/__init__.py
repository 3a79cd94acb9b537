"""Links: two things belong together from a day on, confirmed by both ends where the kind says so, with what is done (A27, A34, E14, E19).

The kinds are catalogue entries of the kind `links`: units that support a compound, paired organisations, cadres posted to a community or
stationed in a compound, the hub of a cluster with its N compounds. A kind has a cap for either end, and a target for the near one.
"""

from services.registry.link import linking, rows, state  # noqa: F401  # what they declare, in the order in which it is offered
