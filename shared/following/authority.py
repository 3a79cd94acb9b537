"""Who may do what: mandates from the registry's posts and the powers that the city gives to roles (C13). Deny by default."""

from __future__ import annotations

import msgspec

from shared.domain.catalogue import ANONYMOUS, RESIDENT
from shared.domain.city import City, held_on
from shared.domain.errors import ForbiddenError
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from shared.domain.words import _, said
from shared.following.context import CallContext

#: Powers of the operator who founds a city before anybody is appointed and keeps the machines running.
OPERATOR = frozenset({"registry.*", "operations.*", "accounts.*"})


def mandate_of(context: CallContext, city: City) -> Mandate:
    """The mandate a context claims, as the registry's facts give it on the city's day.

    Raises `ForbiddenError` when the person does not hold the post on that day.
    """
    if context.kind == "operator":
        return Mandate(actor=context.actor, role="operator", powers=OPERATOR)
    if context.kind == "service":
        return Mandate(actor=context.actor, role="service", powers=frozenset({"*"}))
    if context.kind == "anonymous":
        return Mandate(actor="", role=ANONYMOUS, powers=city.powers(ANONYMOUS), link=context.link)
    if not context.post:
        held = tuple(_from_post(post, city) for post in city.posts_of(context.actor))
        powers = city.powers(RESIDENT)
        return Mandate(actor=context.actor, role=RESIDENT, powers=powers, unchosen=held, link=context.link)
    post = city.post(context.post)
    if post is None or post["person_id"] != context.actor or not held_on(post, city.day):
        raise ForbiddenError(
            _("the post {post} is not yours on {day}"), {"post": said(_("not yours"))}, post=context.post, day=city.day
        )
    mandate = _from_post(post, city)
    return msgspec.structs.replace(mandate, link=context.link) if context.link else mandate


def _from_post(post: Row, city: City) -> Mandate:
    everybodys, given = city.powers(RESIDENT), city.powers(post["role"])
    return Mandate(
        actor=post["person_id"],
        role=post["role"],
        organisation_id=post["organisation_id"],
        post_id=post["post_id"],
        place=post["place"],
        powers=everybodys | given,
        title=post["title"],
        inherited=everybodys - given,
    )
