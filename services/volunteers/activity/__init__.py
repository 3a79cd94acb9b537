"""Activities of volunteers (C38, C39, C44)."""

from services.volunteers.activity import attendance, holding, prongs, rows
from services.volunteers.activity.rows import ACTIVITIES, ACTIVITY_SUMS, ATTENDANCES, FOLLOWS, PARTICIPANTS
from services.volunteers.activity.state import ACTIVITY

__all__ = [
    "ACTIVITIES",
    "ACTIVITY",
    "ACTIVITY_SUMS",
    "ATTENDANCES",
    "FOLLOWS",
    "PARTICIPANTS",
    "attendance",
    "holding",
    "prongs",
    "rows",
]
