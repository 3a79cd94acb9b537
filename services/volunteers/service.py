"""The volunteers service: everything it does follows from its declarations."""

from __future__ import annotations

from services.volunteers.definition import DEFINITION
from shared.service.service import Followed, serves


@serves(DEFINITION)
class VolunteerService(Followed):
    """Report-in, roles, teams, activities and attendance, patrols, and small wishes."""
