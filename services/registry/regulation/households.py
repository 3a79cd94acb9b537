"""Households take note of a document in force, each once, and are forgotten with it (A25, C26)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from services.registry.census import household_sum
from services.registry.regulation.state import (
    ACKNOWLEDGEMENT,
    REGULATION,
    Acknowledgement,
    HouseholdNoted,
    HouseholdsForgotten,
    Regulation,
    RegulationAcknowledged,
    rules_of,
)
from shared.domain.city import City
from shared.domain.command import On, on
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import PLACE, line
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.signature import Opener, holds
from shared.domain.territory import within
from shared.domain.words import Said, _, said


def _acknowledgement(regulation: Regulation, ask: Mapping[str, Any]) -> str:
    return derived_id("acknowledgement", regulation.id, ask["place"])


def _not_asked(regulation: Regulation, by: Mandate, city: City) -> Said | None:
    """Why no household acknowledges it, whoever asks."""
    if not rules_of(regulation, city).acknowledged:
        return said(_("households need not acknowledge such a document"))
    return said(_("it is not in force yet")) if city.day < regulation.since else None


@REGULATION.command(
    "regulation.acknowledge",
    when=("adopted",),
    otherwise=_("only a version in force is acknowledged; it is {status}"),
    where=lambda regulation, ask, by: ask["place"],
    unless=_not_asked,
    alone=True,
)
def acknowledge_regulation(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    city: City,
    opened: Opener,
    held: Annotated[Acknowledgement, holds(ACKNOWLEDGEMENT, _acknowledgement)],
    place: Annotated[str, PLACE, "the building whose households are counted"],
    household: Annotated[str, line(40), "the household, like 302; sealed, counted once, nobody reads it"],
) -> list[Event | On]:
    """Say for a household that it has taken note of a version in force: once each (A25, C26)."""
    if why := _not_asked(regulation, by, city):
        raise IllegalStateError(why)
    counted = household_sum(city.rows, place, at[:10]) if city.rows.get("households", place) else {"value": 0}
    if not within(place, regulation.place) or not counted["value"]:
        raise BadInputError(
            _("at {place} no households are counted for whom this document is"),
            {"place": said(_("no building of the document's place with counted households"))},
            place=place,
        )
    named = _plain(household)
    if any(_plain(opened(one) or "") == named for one in held.households):
        raise IllegalStateError(
            _("this household has acknowledged it already; each does so once"),
            {"household": said(_("has done so already"))},
        )
    if len(held.households) >= counted["value"]:
        raise IllegalStateError(
            _("all {count} households that are counted here have acknowledged it"), count=counted["value"]
        )
    noted = HouseholdNoted(acknowledgement_id=held.id, regulation_id=regulation.id, place=place, household=household)
    done = RegulationAcknowledged(regulation_id=regulation.id, place=place, households=regulation.acknowledged + 1)
    return [done, on(ACKNOWLEDGEMENT, held.id, noted)]


def _plain(household: str) -> str:
    """A household however it is typed: 302, 302 室."""
    return "".join(household.casefold().split()).removesuffix("室")


@REGULATION.command(
    "regulation.draft",
    when=("replaced", "ended"),
    erases=lambda regulation: f"regulation:{regulation.id}",
)
def forget_households(regulation: Regulation, *, by: Mandate, at: str) -> list[Event]:
    """Make it unreadable for ever which households acknowledged a version of the past; how many they were stays (X09)."""
    return [] if regulation.forgotten else [HouseholdsForgotten(regulation_id=regulation.id)]
