"""Organisations move in the tree: with their id, their posts and what is below them (D43)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from services.registry.organisation.standing import check_above, check_name
from services.registry.organisation.state import ORGANISATION, Organisation, OrganisationMoved
from shared.domain.catalogue import OrganisationType, data_of
from shared.domain.city import City
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, id_of, text
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.words import _, said


@ORGANISATION.command(
    "registry.organisation",
    when=("standing",),
    otherwise=_("a dissolved organisation stays where it was in the tree"),
    alone=True,
)
def move_organisation(
    organisation: Organisation,
    *,
    by: Mandate,
    at: str,
    city: City,
    parent: Annotated[Organisation | None, holds(ORGANISATION, "new_parent_id")],
    reason: Annotated[str, text(400), "the decision that it rests on, for everyone to read"],
    new_parent_id: Annotated[
        str,
        id_of("organisation"),
        "organisation of a higher level that it is under from then on; empty: it is a topmost one",
    ] = "",
    since: Annotated[str, DAY, "first day there, not ahead; empty: today"] = "",
) -> list[Event]:
    """Place an organisation under another one of a higher level; its id, its posts and the bodies below it stay as they are (D43)."""
    since = since or (organisation.moved if organisation.parent_id == new_parent_id else "") or at[:10]
    if organisation.parent_id == new_parent_id:
        if since in (organisation.moved, at[:10]):
            return []
        raise IllegalStateError(
            _("{organisation} is there since {day} already"),
            {"new_parent_id": said(_("must be another one"))},
            organisation=organisation.name,
            day=organisation.moved or organisation.since,
        )
    earliest = organisation.moved or organisation.since
    if not earliest < since <= at[:10]:
        raise IllegalStateError(
            _(
                "{organisation} is where it is since {since}; it can move after that day and up to {today}, not on {day}"
            ),
            {"since": said(_("must be after {since} and not after {today}"), since=earliest, today=at[:10])},
            organisation=organisation.name,
            since=earliest,
            today=at[:10],
            day=since,
        )
    if new_parent_id == organisation.id or organisation.id in city.bodies_above(new_parent_id):
        raise BadInputError(
            _("{organisation} cannot be under itself or under what is below it"),
            {"new_parent_id": said(_("must not be itself or below it"))},
            organisation=organisation.name,
        )
    rules: OrganisationType = data_of("organisation_types", city.code("organisation_types", organisation.type).data)
    moved = msgspec.structs.replace(organisation, parent_id=new_parent_id, since=since)
    check_above(city, moved, parent, rules.under, "new_parent_id")
    check_name(city, moved)
    return [
        OrganisationMoved(
            organisation_id=organisation.id,
            place=organisation.place,
            parent_id=new_parent_id,
            former=organisation.parent_id,
            since=since,
            reason=reason,
        )
    ]
