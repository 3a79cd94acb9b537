"""What a decision relies on: a person acting from a post."""

from __future__ import annotations

import msgspec

from shared.domain.errors import ForbiddenError


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision relies on: a person acting from a post of an organisation, for a place and all below it."""

    actor: str
    role: str
    organisation_id: str = ""
    post_id: str = ""
    place: str = ""  # territory path; empty: the whole city
    powers: frozenset[str] = frozenset()

    def may(self, power: str, place: str = "") -> bool:
        """Whether the mandate gives a power (`issue.dispatch`) at a place."""
        service = power.partition(".")[0] + ".*"
        given = power in self.powers or service in self.powers or "*" in self.powers
        return given and (not self.place or place == self.place or place.startswith(self.place + "."))

    def require(self, power: str, place: str = "") -> None:
        """Raise `ForbiddenError` unless the mandate gives the power at the place."""
        if not self.may(power, place):
            at = f" at {place}" if place else ""
            raise ForbiddenError(
                f"{self.role or 'nobody'} has no mandate for {power}{at}", {"power": power, "place": place}
            )
