"""Meetings of bodies: called with notice and agenda, held with a quorum, resolved, minuted, carried out (A36, B03, B08, B45, C46).

What a kind of meeting needs is an entry of the list `meetings`: who calls it, whom it must invite, who must come and who chairs, how much
notice it has, who has a voice, its quorum and majority. A meeting that was held is evidence of what its body owes in a period.
"""

from services.registry.meeting import calling, holding, rows, state  # noqa: F401  # what they declare, in the order in which it is offered
