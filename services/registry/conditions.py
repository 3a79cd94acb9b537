"""Conditions of what a subject can be by a scheme: checklists passed, bodies that there are, links that it has or must not have."""

from __future__ import annotations

from shared.domain.catalogue import SchemeCode
from shared.domain.city import City, every
from shared.domain.errors import IllegalStateError
from shared.domain.territory import ancestors
from shared.domain.words import _, said


def check_conditions(city: City, chosen: SchemeCode, subject: str, place: str) -> None:
    """Raise `IllegalStateError` for the first condition of a code that a subject does not meet (E17–E20, E33)."""
    if not city.unlocked(subject, chosen.needs):
        raise IllegalStateError(
            _("{code} presupposes a passed checklist that unlocks {needs}; {subject} has passed none"),
            {"code": said(_("its checklist is not passed"))},
            code=chosen.code,
            needs=chosen.needs,
            subject=subject,
        )
    for type in chosen.bodies:
        bodies = every(city.rows, "city_organisations", {"type": type, "place": [place, *ancestors(place)]})
        if all(body["until"] for body in bodies):
            raise IllegalStateError(
                _("{code} presupposes a body of the type {type} at {subject} or above it; there is none"),
                {"code": said(_("a body is missing"))},
                code=chosen.code,
                type=type,
                subject=subject,
            )
    for attribute in chosen.described:
        if city.rows.get("attributes", f"{place}/{attribute}") is None:
            raise IllegalStateError(
                _("{code} is decided on what {place} is like; nobody has recorded {attribute} of it"),
                {"code": said(_("an attribute is missing"))},
                code=chosen.code,
                place=place,
                attribute=attribute,
            )
    for kind in chosen.linked:
        if not _links(city, kind, subject):
            raise IllegalStateError(
                _("{code} presupposes a link of the kind {kind}; {subject} has none"),
                {"code": said(_("a link is missing"))},
                code=chosen.code,
                kind=kind,
                subject=subject,
            )
    for kind in chosen.unlinked:
        if _links(city, kind, subject):
            raise IllegalStateError(
                _("{code} is for who has no link of the kind {kind}; {subject} has one"),
                {"code": said(_("end the link first"))},
                code=chosen.code,
                kind=kind,
                subject=subject,
            )


def _links(city: City, kind: str, subject: str) -> int:
    held = {"kind": kind, "status": "linked"}
    return sum(city.rows.count("links", held | {end: subject}) for end in ("near", "far"))
