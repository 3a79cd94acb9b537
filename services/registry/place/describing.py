"""What a place is like, by the city's list of attributes: who lives there, when it was built, in what state it is (A42, C02, C51)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from services.registry.entry.state import Entry, entries, in_force
from services.registry.place.state import PLACE, QUALIFIER, Place, PlaceDescribed, Qualifier
from services.registry.subjects import there
from shared.domain.catalogue import Attribute, data_of
from shared.domain.city import City
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, code_of, line
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.words import Said, _, said

#: What parts codes that are chosen together.
_APART = re.compile(r"[\s,，、;；]+")


@PLACE.command("registry.place", id_kind=PATH, when=("registered",))
def describe_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    held: Annotated[Mapping[str, Entry], entries(attributes="attribute")],
    attribute: Annotated[str, code_of("attributes"), "in which respect: one of the city's attributes"],
    value: Annotated[
        str, line(400), "what it is: codes of its choices, a whole number in its unit, a text, or id of an organisation"
    ],
    source: Annotated[str, line(400), "where it is known from: the document, or who says so"],
    qualifier: Annotated[Qualifier, QUALIFIER, "how exact a number is"] = "exact",
    since: Annotated[str, DAY, "day from which it holds, not ahead; empty: today"] = "",
    until: Annotated[str, DAY, "first day on which it holds no longer; empty: open"] = "",
) -> list[Event]:
    """Say what a place is like in one respect from a day on, with its source; the same day again is a correction (A42, C02, C51)."""
    entry = in_force(city, held, "attributes", attribute, "attribute")
    rules: Attribute = data_of("attributes", entry.data)
    there(city, "place", rules.of, place.id, "place")
    since = since or at[:10]
    if since > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; what a place is like is known from today on at the latest"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    if until and until <= since:
        raise BadInputError(
            _("it holds from {since} on and cannot end on {until}"),
            {"until": said(_("must be later than the first day"))},
            since=since,
            until=until,
        )
    if qualifier != "exact" and rules.kind != "number":
        raise BadInputError(
            _("only a number is more or less exact; {attribute} is none"),
            {"qualifier": said(_("must be exact"))},
            attribute=attribute,
        )
    chosen = _chosen(rules, attribute, value)
    if rules.kind == "number" and not (value.isascii() and value.isdecimal() and len(value) <= 13):
        raise BadInputError(
            _("{attribute} is a whole number of {unit}, not {value}"),
            {"value": said(_("must be a whole number, digits only"))},
            attribute=attribute,
            unit=rules.unit,
            value=value,
        )
    if rules.kind == "organisation" and city.organisation(value) is None:
        raise BadInputError(
            _("there is no organisation {id}; register the unit first, as dissolved if it is no more"),
            {"value": said(_("unknown"))},
            id=value,
        )
    described = PlaceDescribed(
        place=place.id,
        attribute=attribute,
        version=entry.version,
        value="" if chosen else value,
        codes=chosen,
        unit=rules.unit,
        qualifier=qualifier,
        source=source,
        since=since,
        until=until,
    )
    return [] if place.described.get(attribute, {}).get(since) == described else [described]


def _chosen(rules: Attribute, attribute: str, value: str) -> list[str]:
    """The codes that a value names in the order of the entry; none where nothing is chosen.

    Raises `BadInputError` for a code that the attribute does not have, or more than it takes.
    """
    if rules.kind != "choice":
        return []
    known = [one.code for one in rules.choices]
    named = {code for code in _APART.split(value) if code}
    wrong: Said | None = None
    if strange := sorted(named - set(known)):
        wrong = said(_("not one of its choices: {codes}"), codes=", ".join(strange))
    elif not 1 <= len(named) <= rules.most:
        wrong = said(_("must name 1 to {most}"), most=rules.most)
    if wrong:
        raise BadInputError(
            _("{attribute} is one of {known}"), {"value": wrong}, attribute=attribute, known=", ".join(known)
        )
    return [code for code in known if code in named]
