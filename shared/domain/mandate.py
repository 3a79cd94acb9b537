"""What a decision relies on: a person acting from a post."""

from __future__ import annotations

import msgspec

from shared.domain.errors import ForbiddenError
from shared.domain.territory import within
from shared.domain.words import _, said, term


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision relies on: a person acting from a post of an organisation, for a place and all below it."""

    actor: str
    role: str
    organisation_id: str = ""
    post_id: str = ""
    place: str = ""  # territory path; empty: the whole city
    powers: frozenset[str] = frozenset()
    title: str = ""  # of the post
    link: str = ""  # digest of the secret of the private link that the caller shows, or is given with what they report
    inherited: frozenset[str] = (
        frozenset()
    )  # those of the powers that every resident has, and the role does not give itself
    unchosen: tuple[Mandate, ...] = ()  # from the posts that a person holds who acts from none of them

    def may(self, power: str, place: str = "") -> bool:
        """Whether the mandate gives a power (`issue.dispatch`) at a place; `payment.review.*` asks for any of these."""
        service = power.partition(".")[0] + ".*"
        given = power in self.powers or service in self.powers or "*" in self.powers
        if not given and power.endswith(".*"):
            given = any(one.startswith(power[:-1]) for one in self.powers)
        return given and within(place, self.place)

    def for_others(self) -> Mandate:
        """The mandate to act for somebody else: what the role of the post gives, not what everybody may do for themselves."""
        return msgspec.structs.replace(self, powers=self.powers - self.inherited, inherited=frozenset())

    def require(self, power: str, place: str = "") -> None:
        """Raise `ForbiddenError` unless the mandate gives the power at the place."""
        if not self.may(power, place):
            if able := [one.title or one.post_id for one in self.unchosen if one.may(power, place)]:
                raise ForbiddenError(
                    _("choose the post to act from: {posts}"),
                    {"Linli-Post": said(_("needed: you hold several posts or act as a resident"))},
                    posts=", ".join(able),
                )
            given = {"role": term("roles", self.role or "nobody"), "power": term("power", power), "place": place}
            template = (
                _("{role} has no mandate for {power} at {place}") if place else _("{role} has no mandate for {power}")
            )
            raise ForbiddenError(template, {"power": power, "place": place}, **given)
