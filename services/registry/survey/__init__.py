"""Surveys: households are asked about a place or a body, one answer each, and what is counted never says who (B26, D09, D38, D39).

The kinds are catalogue entries of the list `surveys`: satisfaction with a facility by quarter, consent to works with what is told at
the door, members found from door to door. Households are sealed and answers of fewer than the kind's least are not shown.
"""

from services.registry.survey import asking, forgetting, rows, state  # noqa: F401  # what they declare, in the order in which it is offered
