"""Posts are established and abolished (A11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from services.registry.entry.state import Entry, entries, in_force
from services.registry.organisation.state import ORGANISATION, Organisation
from services.registry.post.state import POST, Post, PostAbolished, PostEstablished
from shared.domain.catalogue import ANONYMOUS, RESIDENT
from shared.domain.city import City
from shared.domain.command import CHOSEN
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import DAY, code_of, id_of, line, text
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.territory import within
from shared.domain.words import Said, _, said, term


@POST.command("registry.post", new=CHOSEN, place=lambda ask, by: ask["place"] or by.place)
def establish_post(
    post: Post,
    *,
    by: Mandate,
    at: str,
    city: City,
    organisation: Annotated[Organisation, holds(ORGANISATION, "organisation_id")],
    ex_officio: Annotated[Post | None, holds(POST, "ex_officio_post_id")],
    codes: Annotated[Mapping[str, Entry], entries(roles="role")],
    organisation_id: Annotated[str, id_of("organisation"), "the organisation"],
    role: Annotated[str, code_of("roles"), "role; gives the powers"],
    title: Annotated[str, line(100), "title in Chinese"],
    title_en: Annotated[str, line(200), "title in English"] = "",
    place: Annotated[str, PATH, "place that the powers reach; empty: that of the organisation"] = "",
    ex_officio_post_id: Annotated[str, id_of("post"), "only the holder of this other post can hold it"] = "",
) -> list[Event]:
    """Establish a post of an organisation, for its place or one below; its role gives the powers (A11, C13)."""
    if organisation.status == "unknown":
        raise NotFoundError(
            _("there is no organisation {organisation}; establish it first"),
            {"organisation_id": said(_("unknown"))},
            organisation=organisation_id,
        )
    place = place or organisation.place
    by.require("registry.post", place)
    established = PostEstablished(
        post_id=post.id,
        organisation_id=organisation_id,
        role=role,
        title=title,
        title_en=title_en,
        place=place,
        ex_officio_post_id=ex_officio_post_id,
    )
    if post.status != "unknown":
        if all(getattr(post, name) == value for name, value in _said(established).items()):
            return []
        raise IllegalStateError(
            _("{post} is established already as {title}; an id names one post"),
            {"post_id": said(_("established already"))},
            post=post.id,
            title=post.title,
        )
    if organisation.until:
        raise IllegalStateError(
            _("{organisation} was dissolved on {day} and gets no new posts"),
            {"organisation_id": said(_("dissolved"))},
            organisation=organisation.name,
            day=organisation.until,
        )
    if not within(place, organisation.place):
        raise IllegalStateError(
            _("{place} is outside {area}, the place of {organisation}"),
            {"place": said(_("must be within the organisation's place"))},
            place=place,
            area=organisation.place,
            organisation=organisation.name,
        )
    _check_role(city, codes, role, organisation)
    if ex_officio is not None and (ex_officio.status == "unknown" or ex_officio.id == post.id):
        raise NotFoundError(
            _("the post {post}, whose holder is to hold this one, is not another established post"),
            {"ex_officio_post_id": said(_("unknown"))},
            post=ex_officio_post_id,
        )
    return [established]


def _said(established: PostEstablished) -> dict[str, str]:
    fields: dict[str, str] = msgspec.to_builtins(established)
    return {name: value for name, value in fields.items() if name != "post_id"}


def _check_role(city: City, codes: Mapping[str, Entry], role: str, organisation: Organisation) -> None:
    if role in (RESIDENT, ANONYMOUS):
        raise BadInputError(
            _("{role} is the role of those who act from no post"),
            {"role": said(_("is no role of a post"))},
            role=term("roles", role),
        )
    level = in_force(city, codes, "roles", role, "role").data.get("level", "")
    if level and level != organisation.level:
        raise IllegalStateError(
            _("the role {role} is one of the level {level}, {organisation} is of {other}"),
            {"role": said(_("is of another level"))},
            role=role,
            level=level,
            organisation=organisation.name,
            other=organisation.level,
        )


def _is_held(post: Post, by: Mandate, city: City) -> Said | None:
    held = post.person_id and (not post.until or post.until > city.day)
    return said(_("it is held; end that appointment first")) if held else None


@POST.command("registry.post", when=("standing",), again=("abolished",), unless=_is_held)
def abolish_post(
    post: Post,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(400), "why"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End a post that nobody holds."""
    until = until or post.abolished or at[:10]
    if post.abolished:
        if post.abolished == until:
            return []
        raise IllegalStateError(
            _("the post {post} was abolished on {day} already"), post=post.title, day=post.abolished
        )
    if until > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; abolish the post on that day"),
            {"until": said(_("must not be in the future"))},
            day=until,
        )
    if post.person_id and (not post.until or post.until > until):
        raise IllegalStateError(
            _("the post {post} is held by {person} on {day}; end that appointment first"),
            {"until": said(_("it is held; end that appointment first"))},
            post=post.title,
            person=post.person_id,
            day=until,
        )
    if post.free > until:
        raise IllegalStateError(
            _("the post {post} was held until {day}; it can be abolished then or later"),
            {"until": said(_("must not be before {day}"), day=post.free)},
            post=post.title,
            day=post.free,
        )
    return [
        PostAbolished(
            post_id=post.id, organisation_id=post.organisation_id, place=post.place, until=until, reason=reason
        )
    ]
