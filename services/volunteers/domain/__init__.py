"""What volunteers may do, one file an aggregate."""

from services.volunteers.domain import activity, patrol, report_in, team, volunteer, wish
from services.volunteers.domain.activity import ACTIVITY
from services.volunteers.domain.patrol import PATROL
from services.volunteers.domain.report_in import REPORT_IN
from services.volunteers.domain.team import TEAM
from services.volunteers.domain.volunteer import VOLUNTEER
from services.volunteers.domain.wish import WISH

__all__ = [
    "ACTIVITY",
    "PATROL",
    "REPORT_IN",
    "TEAM",
    "VOLUNTEER",
    "WISH",
    "activity",
    "patrol",
    "report_in",
    "team",
    "volunteer",
    "wish",
]
