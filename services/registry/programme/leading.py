"""A post leads a programme: started, reported on by whoever holds the post, ended (B02, B05, B51)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from services.registry.programme.state import (
    PROGRAMME,
    Programme,
    ProgrammeEnded,
    ProgrammeReported,
    ProgrammeStarted,
)
from shared.domain.catalogue import Programme as Rules
from shared.domain.catalogue import data_of
from shared.domain.city import City, every
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, code_of, id_of, line, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.words import Said, _, said, term


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return derived_id("programme", ask["kind"], ask["lead_post_id"], ask["title"])


@PROGRAMME.command("programme.lead", new=_id, compares=True, alone=True, place=lambda ask, by: by.place)
def start_programme(
    programme: Programme,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, code_of("programmes"), "which programme of the city"],
    lead_post_id: Annotated[str, id_of("post"), "post that leads it; who holds the post leads it"],
    title: Annotated[str, line(200), "name in Chinese"],
    aim: Annotated[str, text(1000), "what it is to reach, for everyone to read"],
    title_en: Annotated[str, line(200), "name in English"] = "",
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Have a post lead a programme of the city, each post one of a kind at a time (B02)."""
    entry = city.code("programmes", kind, "kind")
    rules: Rules = data_of("programmes", entry.data)
    post = city.holder(lead_post_id, "lead_post_id")
    by.require("programme.lead", post["place"])
    if rules.lead and post["role"] != rules.lead:
        raise BadInputError(
            _("{kind} is led by a post of the role {role}; {post} is none"),
            {"lead_post_id": said(_("of another kind"))},
            kind=term("programmes", kind),
            role=term("roles", rules.lead),
            post=post["title"] or lead_post_id,
        )
    since = since or programme.since or at[:10]
    if programme.status != "unknown":
        if (programme.aim, programme.title_en, programme.since) == (aim, title_en, since):
            return []
        raise IllegalStateError(
            _("{title} was started already by this post; what comes after it has another name"),
            {"title": said(_("used already"))},
            title=title,
        )
    if since > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; start it on that day"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    for other in every(city.rows, "programmes", {"kind": kind, "status": "running", "lead_post_id": lead_post_id}):
        raise IllegalStateError(
            _("this post leads {title} already; end that one first"),
            {"lead_post_id": said(_("leads one already"))},
            title=other["title"],
        )
    return [
        ProgrammeStarted(
            programme_id=programme.id,
            kind=kind,
            kind_version=entry.version,
            lead_post_id=lead_post_id,
            organisation_id=post["organisation_id"],
            place=post["place"],
            title=title,
            title_en=title_en,
            aim=aim,
            since=since,
        )
    ]


def _not_the_lead(programme: Programme, by: Mandate) -> Said | None:
    return None if by.post_id == programme.lead_post_id else said(_("who holds the post that leads it reports on it"))


@PROGRAMME.command("programme.report", when=("running",), only=_not_the_lead)
def report_programme(
    programme: Programme,
    *,
    by: Mandate,
    at: str,
    report: Annotated[str, text(2000), "how it stands, for everyone to read"],
) -> list[Event]:
    """Say how a programme stands, from the post that leads it, whoever held it before (B02)."""
    if programme.last_report == report:
        return []
    return [ProgrammeReported(programme_id=programme.id, report=report, person_id=by.actor)]


@PROGRAMME.command("programme.lead", when=("running",))
def end_programme(
    programme: Programme,
    *,
    by: Mandate,
    at: str,
    result: Annotated[str, text(2000), "what came of it, for everyone to read"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End a programme with what came of it; its units stay as they are then."""
    until = until or at[:10]
    if not programme.since <= until <= at[:10]:
        raise IllegalStateError(
            _("it can end from {since}, when it began, up to {today}"),
            {"until": said(_("must be from {since} to {today}"), since=programme.since, today=at[:10])},
            since=programme.since,
            today=at[:10],
        )
    return [ProgrammeEnded(programme_id=programme.id, until=until, result=result)]
