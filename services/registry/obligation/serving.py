"""What a body owes is done, with evidence, or waived by a body above (D15, E05)."""

from __future__ import annotations

from typing import Annotated, Any

from services.registry.meeting.state import HELD, MEETING, Meeting, came
from services.registry.obligation.state import (
    EVIDENCE,
    OBLIGATION,
    Evidence,
    EvidenceUsed,
    Obligation,
    ObligationMet,
    ObligationServed,
    ObligationWaived,
)
from shared.domain.command import on
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, id_of, line, number, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.period import days_between
from shared.domain.signature import holds
from shared.domain.words import Said, _, said


def _evidence_id(obligation: Obligation, ask: Any) -> str:
    """One piece of evidence of one rule and body, however it is typed."""
    told = "".join(str(ask["meeting_id"] or ask["evidence"]).casefold().split())
    return derived_id("evidence", obligation.rule, obligation.organisation_id, told)


@OBLIGATION.command("obligation.meet", when=("owed", "missed"), again=("met", "late"))
def meet_obligation(
    obligation: Obligation,
    *,
    by: Mandate,
    at: str,
    used: Annotated[Evidence, holds(EVIDENCE, _evidence_id)],
    meeting: Annotated[Meeting | None, holds(MEETING, "meeting_id")] = None,
    done_on: Annotated[str, DAY, "day on which it was done; empty: that of the meeting"] = "",
    evidence: Annotated[
        str, line(200), "what shows it: number of the minutes, link to the record; counts once; empty: the meeting"
    ] = "",
    meeting_id: Annotated[str, id_of("meeting"), "meeting that shows it; empty: none"] = "",
    note: Annotated[str, text(500), "what was done, for everyone to read"] = "",
    count: Annotated[int, number(1, 100_000), "minutes that it took, where minutes are owed"] = 1,
    persons: Annotated[int, number(0, 100_000), "how many persons came, where they are counted"] = 0,
) -> list[Any]:
    """Record that the body did once what it owes, with evidence; acts too close together do not count twice (D15, E05).

    Where persons are counted, it counts only with as many as the rule asks for (A31, E26). Where a meeting is owed, only one that was
    held by the body itself, or that it asked for or came to, shows it (A36, D36, E05).
    """
    if meeting is not None:
        _met(obligation, meeting, done_on)
        done_on, persons = meeting.day, came(meeting)
    evidence = evidence or meeting_id
    if obligation.meeting and meeting is None:
        raise IllegalStateError(
            _("this is done by a meeting of the kind {kind}; name the one that was held"),
            {"meeting_id": said(_("is missing"))},
            kind=obligation.meeting,
        )
    if missing := [name for name, given in (("done_on", done_on), ("evidence", evidence)) if not given]:
        raise BadInputError(
            _("say on which day it was done and what shows it"), {name: said(_("is missing")) for name in missing}
        )
    if used.obligation_id == obligation.id:
        return []
    if used.obligation_id:
        raise IllegalStateError(
            _("this evidence counts for another period already; each act needs its own"),
            {"evidence": said(_("used already"))},
        )
    if obligation.status not in ("owed", "missed"):
        raise IllegalStateError(_("what is owed in {period} is done already"), period=obligation.period)
    if done_on > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; record it when it is done"),
            {"done_on": said(_("must not be in the future"))},
            day=done_on,
        )
    if not obligation.since <= done_on < obligation.until:
        raise IllegalStateError(
            _("{day} lies outside the period from {since} to before {until}; it counts for the period it lies in"),
            {"done_on": said(_("outside the period"))},
            day=done_on,
            since=obligation.since,
            until=obligation.until,
        )
    _spaced(obligation, done_on)
    _enough(obligation, count, persons)
    served = ObligationServed(
        obligation_id=obligation.id,
        done_on=done_on,
        evidence=evidence,
        note=note,
        number=len(obligation.days) + 1,
        count=count,
        persons=persons,
    )
    met = (
        [ObligationMet(obligation_id=obligation.id, late=obligation.status == "missed" and at[:10] >= obligation.until)]
        if obligation.done + count >= obligation.amount
        else []
    )
    return [served, *met, on(EVIDENCE, used.id, EvidenceUsed(evidence=evidence, obligation_id=obligation.id))]


def _met(obligation: Obligation, meeting: Meeting, done_on: str) -> None:
    """Raise unless a meeting of the right kind was held by the body that owes it, or by another with it there."""
    if meeting.status not in HELD:
        raise IllegalStateError(
            _("only a meeting that was held with its quorum shows it"), {"meeting_id": said(_("was not held"))}
        )
    if done_on not in ("", meeting.day):
        raise BadInputError(
            _("the meeting was held on {day}"),
            {"done_on": said(_("must be {expected}"), expected=meeting.day)},
            day=meeting.day,
        )
    if obligation.meeting not in ("", meeting.kind):
        raise IllegalStateError(
            _("this is done by a meeting of the kind {kind}; name the one that was held"),
            {"meeting_id": said(_("of another kind"))},
            kind=obligation.meeting,
        )
    if obligation.organisation_id not in (meeting.organisation_id, meeting.asking_organisation_id, *meeting.attended):
        raise IllegalStateError(
            _("the body that owes it was not at this meeting"), {"meeting_id": said(_("of another body"))}
        )


def _spaced(obligation: Obligation, done_on: str) -> None:
    for day in obligation.days:
        if abs(days_between(day, done_on)) < obligation.spacing:
            raise IllegalStateError(
                _("it was done on {day}; another one counts only {spacing} days apart"),
                {"done_on": said(_("too close to another one"))},
                day=day,
                spacing=obligation.spacing,
            )


def _enough(obligation: Obligation, count: int, persons: int) -> None:
    if obligation.unit == "times" and count != 1:
        raise BadInputError(_("each time is recorded on its own"), {"count": said(_("must be {expected}"), expected=1)})
    if persons < obligation.persons:
        raise IllegalStateError(
            _("it counts with {least} persons at least, not with {persons}"),
            {"persons": said(_("too few"))},
            least=obligation.persons,
            persons=persons,
        )


def _waives_own(obligation: Obligation, by: Mandate) -> Said | None:
    own = by.organisation_id == obligation.organisation_id
    return said(_("nobody waives what their own body owes; a body above decides")) if own else None


@OBLIGATION.command("obligation.waive", when=("owed", "missed"), again=("waived",), only=_waives_own)
def waive_obligation(
    obligation: Obligation,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(500), "why it need not be done this time, for everyone to read"],
) -> list[Event]:
    """Let a body off what it owes in one period; never by the body itself."""
    if obligation.status == "waived":
        if obligation.reason == reason:
            return []
        raise IllegalStateError(_("it was waived already: {reason}"), reason=obligation.reason)
    return [ObligationWaived(obligation_id=obligation.id, reason=reason)]
