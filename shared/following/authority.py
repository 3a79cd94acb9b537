"""Who may do what: mandates from the registry's posts, as every service keeps them in local views.

The registry publishes `ProfileAdopted` (which role has which powers), `OrganisationEstablished`, `PersonAppointed` and
`AppointmentEnded`; each service folds them here and decides alone (C13). Deny by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.domain.errors import ForbiddenError
from shared.domain.mandate import Mandate
from shared.domain.record import Record
from shared.domain.view import Row, View
from shared.following.context import Context
from shared.views import ViewStore

REGISTRY = "registry"


#: Powers of those who hold no post. Everything else is given by the city's profile.
ANONYMOUS = frozenset({"issue.report"})
RESIDENT = frozenset({"issue.report", "issue.judge", "volunteer.register", "volunteer.join", "wish.ask", "wish.claim"})
#: Powers of the operator who founds a city before anybody is appointed and keeps the machines running.
OPERATOR = frozenset({"registry.*", "operations.*", "accounts.*"})


def _fields(event: Any) -> Mapping[str, Any]:
    return event if isinstance(event, Mapping) else msgspec.structs.asdict(event)


def _profile_key(event: Any, record: Record) -> str | None:
    return "profile" if record.type == "ProfileAdopted" else None


def _profile(row: Row, event: Any, record: Record) -> Row:
    fields = _fields(event)
    return {
        "powers": {role: sorted(powers) for role, powers in fields["powers"].items()},
        "profile": fields["profile_id"],
    }


def _organisation_key(event: Any, record: Record) -> str | None:
    return _fields(event)["organisation_id"] if record.type == "OrganisationEstablished" else None


def _organisation(row: Row, event: Any, record: Record) -> Row:
    fields = _fields(event)
    return {name: fields[name] for name in ("organisation_id", "type", "name", "level", "place", "parent_id")}


def _post_key(event: Any, record: Record) -> str | None:
    return _fields(event)["post_id"] if record.type in ("PersonAppointed", "AppointmentEnded") else None


def _post(row: Row, event: Any, record: Record) -> Row:
    fields = _fields(event)
    if record.type == "AppointmentEnded":
        return row | {"until": fields["until"]}
    return {
        name: fields[name] for name in ("post_id", "person_id", "organisation_id", "role", "place", "since", "until")
    }


def authority_views(source: str = REGISTRY) -> tuple[View, ...]:
    """The views that every service needs to know who may do what."""
    return (
        View("authority_profile", source, _profile_key, _profile),
        View("authority_organisations", source, _organisation_key, _organisation, ("place", "level", "parent_id")),
        View("authority_posts", source, _post_key, _post, ("person_id", "organisation_id", "role")),
    )


def held_on(post: Mapping[str, Any], day: str) -> bool:
    """Whether a post row is held on a day (ISO date); `until` is the first day after."""
    return post["since"] <= day and (not post["until"] or day < post["until"])


def mandate_of(context: Context, views: ViewStore, day: str) -> Mandate:
    """The mandate a context claims, as the registry's facts give it on a day (ISO date).

    Raises `ForbiddenError` when the person does not hold the post on that day.
    """
    if context.kind == "operator":
        return Mandate(actor=context.actor, role="operator", powers=OPERATOR)
    if context.kind == "service":
        return Mandate(actor=context.actor, role="service", powers=frozenset({"*"}))
    if context.kind == "anonymous":
        return Mandate(actor="", role="anonymous", powers=ANONYMOUS)
    if not context.post:
        return Mandate(actor=context.actor, role="resident", powers=RESIDENT)
    post = views.get("authority_posts", context.post)
    if post is None or post["person_id"] != context.actor or not held_on(post, day):
        raise ForbiddenError(f"the post {context.post} is not yours on {day}", {"post": context.post})
    profile = views.get("authority_profile", "profile") or {"powers": {}}
    return Mandate(
        actor=context.actor,
        role=post["role"],
        organisation_id=post["organisation_id"],
        post_id=post["post_id"],
        place=post["place"],
        powers=RESIDENT | frozenset(profile["powers"].get(post["role"], ())),
    )


__all__ = ["Mandate", "authority_views", "held_on", "mandate_of"]
