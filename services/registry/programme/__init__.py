"""Programmes: what a post leads, its prongs and measures, and the units that take part in batches (A02, B02, B05, B06, B23, C27).

The programmes are catalogue entries of the kind `programmes`: a project of the secretary, a year of three batches, a named mechanism
with its prongs. A unit joins in a batch, takes the steps one after the other, is accepted by its checklist, and may fall back.
"""

from __future__ import annotations

from services.registry.programme.leading import end_programme, report_programme, start_programme
from services.registry.programme.rows import PARTICIPATIONS, PROGRAMMES
from services.registry.programme.state import PARTICIPATION, PROGRAMME
from services.registry.programme.units import accept_unit, advance_unit, fall_back, join_programme, leave_programme

__all__ = [
    "PARTICIPATION",
    "PARTICIPATIONS",
    "PROGRAMME",
    "PROGRAMMES",
    "accept_unit",
    "advance_unit",
    "end_programme",
    "fall_back",
    "join_programme",
    "leave_programme",
    "report_programme",
    "start_programme",
]
