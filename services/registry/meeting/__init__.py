"""Meetings of bodies: called with notice and agenda, held with a quorum, resolved, minuted, carried out (A36, B03, B08, B45, C46).

What a kind of meeting needs is an entry of the list `meetings`: who calls it, whom it must invite, who must come and who chairs, how much
notice it has, who has a voice, its quorum and majority. A meeting that was held is evidence of what its body owes in a period.
"""

from services.registry.meeting.calling import call_meeting, call_off_meeting
from services.registry.meeting.holding import carry_out_resolution, hold_meeting, keep_minutes, resolve_item
from services.registry.meeting.rows import MEETINGS
from services.registry.meeting.state import MEETING

__all__ = [
    "MEETING",
    "MEETINGS",
    "call_meeting",
    "call_off_meeting",
    "carry_out_resolution",
    "hold_meeting",
    "keep_minutes",
    "resolve_item",
]
