"""Obligations: what a body owes in each period, met by which acts, missed, waived (D15, E05, X05).

The rules are catalogue entries of the kind `obligations`: a report to the branch three times a year, a joint meeting each quarter, a
discussion each half-month, a visit each Friday, an activity at each festival. The clock says what is owed when a period begins and what
was missed when it has ended; everything in between are acts with evidence.
"""

from services.registry.obligation import owing, rows, serving, state  # noqa: F401  # what they declare, in the order in which it is offered
