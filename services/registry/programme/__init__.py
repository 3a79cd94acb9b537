"""Programmes: what a post leads, its prongs and measures, and the units that take part in batches (A02, B02, B05, B06, B23, C27).

The programmes are catalogue entries of the kind `programmes`: a project of the secretary, a year of three batches, a named mechanism
with its prongs. A unit joins in a batch, takes the steps one after the other, is accepted by its checklist, and may fall back.
"""

from services.registry.programme import leading, rows, state, units  # noqa: F401  # what they declare, in the order in which it is offered
