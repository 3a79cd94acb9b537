"""A body calls a meeting in time, with an agenda and all who must be invited, or calls it off (A36, B03, C46, D12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec.structs import replace

from services.registry.meeting.state import MEETING, Item, Meeting, MeetingCalled, MeetingCalledOff, bodies_of
from services.registry.organisation.state import ORGANISATION, Organisation
from shared.domain.bodies import MeetingKind
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.command import CHOSEN
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, HOUR, code_of, id_of, line, text
from shared.domain.mandate import Mandate
from shared.domain.masking import masked
from shared.domain.period import plus_days
from shared.domain.signature import holds
from shared.domain.structures import group, many
from shared.domain.words import _, said, term

#: Items of one agenda, and bodies invited, at most.
MOST = 50


@MEETING.command("meeting.call", new=CHOSEN, compares=True, place="organisation")
def call_meeting(
    meeting: Meeting,
    *,
    by: Mandate,
    at: str,
    city: City,
    organisation: Annotated[Organisation, holds(ORGANISATION, "organisation_id")],
    kind: Annotated[str, code_of("meetings"), "which kind of meeting"],
    organisation_id: Annotated[str, id_of("organisation"), "body that calls it"],
    day: Annotated[str, DAY, "day"],
    agenda: Annotated[Sequence[Item], many(group(Item), 1, MOST), "what is to be discussed"],
    hour: Annotated[str, HOUR, "time of day, like 19:30; empty: not said"] = "",
    where: Annotated[str, line(200), "where exactly, for everyone to read"] = "",
    topic: Annotated[str, code_of("topics"), "topic of the city that it is about; empty: none"] = "",
    invited: Annotated[
        Sequence[str], many(id_of("organisation"), 0, MOST, distinct=True), "bodies that are invited"
    ] = (),
    asking_organisation_id: Annotated[str, id_of("organisation"), "body at whose request; empty: none"] = "",
) -> list[Event]:
    """Call a meeting of a body, with as much notice as its kind asks for (A36, B03, B08, C46, D12)."""
    agenda = [replace(one, title=masked(one.title)) for one in agenda]
    told = (kind, organisation_id, day, hour, where, topic, asking_organisation_id, tuple(agenda), tuple(invited))
    if meeting.status != "unknown":
        known = (
            "kind",
            "organisation_id",
            "day",
            "hour",
            "where",
            "topic",
            "asking_organisation_id",
            "agenda",
            "invited",
        )
        if told == tuple(getattr(meeting, name) for name in known):
            return []
        raise IllegalStateError(_("this meeting was called already; call it off and call another one"))
    entry = city.code("meetings", kind, "kind")
    rules: MeetingKind = data_of("meetings", entry.data)
    if organisation.type not in rules.callers or organisation.until:
        raise BadInputError(
            _("{organisation} does not call such meetings; bodies of these types do: {types}"),
            {"organisation_id": said(_("of another kind"))},
            organisation=organisation.name,
            types=", ".join(rules.callers),
        )
    _in_time(rules, day, at[:10])
    if rules.topics or topic:
        city.code("topics", topic, "topic")
    _invited(city, rules, tuple(invited))
    _asked(city, rules, asking_organisation_id)
    _spoken(city, rules, agenda)
    if rules.issues and (not where or any(not item.issue_id for item in agenda)):
        raise IllegalStateError(
            _("such a meeting is held on the spot: say where, and for each item which issue it is about"),
            {"agenda": said(_("is missing"))},
        )
    if rules.residents and any(one.origin != "residents" for one in agenda):
        raise IllegalStateError(
            _("what such a meeting discusses is put forward by residents"), {"agenda": said(_("not from residents"))}
        )
    return [
        MeetingCalled(
            meeting_id=meeting.id,
            kind=kind,
            kind_version=entry.version,
            organisation_id=organisation_id,
            place=organisation.place,
            day=day,
            hour=hour,
            where=where,
            topic=topic,
            asking_organisation_id=asking_organisation_id,
            agenda=agenda,
            invited_ids=list(invited),
        )
    ]


def _in_time(rules: MeetingKind, day: str, today: str) -> None:
    first = plus_days(today, rules.notice_days)
    if day < first:
        raise IllegalStateError(
            _("such a meeting is called {days} days before; the first day is {day}"),
            {"day": said(_("must not be before {day}"), day=first)},
            days=rules.notice_days,
            day=first,
        )


def _invited(city: City, rules: MeetingKind, invited: tuple[str, ...]) -> None:
    """Raise unless all invited bodies exist, and each type that must be invited is among them."""
    bodies = bodies_of(city, invited)
    if strange := [id for id in invited if id not in bodies]:
        raise BadInputError(_("there is no organisation {id}"), {"invited": said(_("unknown"))}, id=strange[0])
    if missing := [type for type in rules.invited if type not in bodies.values()]:
        raise IllegalStateError(
            _("a body of the type {type} must be invited"),
            {"invited": said(_("is missing"))},
            type=term("organisation_types", missing[0]),
        )


def _asked(city: City, rules: MeetingKind, asking: str) -> None:
    body = city.organisation(asking) or {"type": ""}
    if (rules.request or asking) and body["type"] != (rules.request or body["type"] or "-"):
        raise IllegalStateError(
            _("such a meeting is called at the request of a body of the type {type}"),
            {"asking_organisation_id": said(_("no such body"))},
            type=term("organisation_types", rules.request),
        )


def _spoken(city: City, rules: MeetingKind, agenda: Sequence[Item]) -> None:
    """Raise unless there is the post of who speaks to an item, and each item has one where the kind asks for it."""
    for item in agenda:
        if (rules.speakers or item.speaker_post_id) and city.post(item.speaker_post_id) is None:
            raise IllegalStateError(
                _("say who speaks to {title}: a post that there is"),
                {"agenda": said(_("nobody speaks to it"))},
                title=item.title,
            )


@MEETING.command("meeting.call", when=("called",), again=("called_off",))
def call_off_meeting(
    meeting: Meeting,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(1000), "why, for everyone to read"],
) -> list[Event]:
    """Call off a meeting that has not been held."""
    if meeting.status == "called_off":
        return []
    return [MeetingCalledOff(meeting_id=meeting.id, reason=reason)]
