"""Links: two things belong together from a day on, confirmed by both ends where the kind says so, with what is done (A27, A34, E14, E19).

The kinds are catalogue entries of the kind `links`: units that support a compound, paired organisations, cadres posted to a community or
stationed in a compound, the hub of a cluster with its N compounds. A kind has a cap for either end, and a target for the near one.
"""

from __future__ import annotations

from services.registry.link.linking import confirm_link, decline_link, end_link, log_delivery, propose_link
from services.registry.link.rows import LINKS
from services.registry.link.state import (
    LINK,
    DeliveryLogged,
    Link,
    LinkConfirmed,
    LinkDeclined,
    LinkEnded,
    LinkProposed,
)

__all__ = [
    "LINK",
    "LINKS",
    "DeliveryLogged",
    "Link",
    "LinkConfirmed",
    "LinkDeclined",
    "LinkEnded",
    "LinkProposed",
    "confirm_link",
    "decline_link",
    "end_link",
    "log_delivery",
    "propose_link",
]
