"""The volunteers service: commands return the receipt, nothing is decided here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from services.volunteers import domain
from services.volunteers.definition import DEFINITION
from services.volunteers.domain.activity import KINDS as ACTIVITY_KINDS
from services.volunteers.domain.team import KINDS as TEAM_KINDS
from services.volunteers.domain.volunteer import ROLES
from services.volunteers.queries import Answer, VolunteerQueries
from shared.following.execute import load
from shared.service.service import Here, command


class VolunteerService(VolunteerQueries):
    """Report-in, roles, teams, activities and attendance, patrols, and small wishes."""

    name = DEFINITION.name
    here: Any = Here(DEFINITION)

    # -- volunteers, roles, report-in

    @command
    def register_volunteer(self, person_id: str, name: str, home: str) -> Answer:
        """Enter a person in the register of volunteers."""
        person_id = person_id or self.here.mandate.actor
        self.here.require("volunteer.register", home)
        sealed = self.here.personal.seal(person_id, name)
        return self.here.execute(domain.VOLUNTEER, person_id, domain.volunteer.register, name=sealed, home=home)

    @command
    def take_role(self, person_id: str, **ask: Any) -> Answer:
        """Serve a place in a role."""
        roles = self._codes("volunteer_roles", ROLES)
        return self.here.execute(domain.VOLUNTEER, person_id, domain.volunteer.take_role, roles=roles, **ask)

    @command
    def leave_role(self, person_id: str, **ask: Any) -> Answer:
        """Stop serving a place in a role."""
        return self.here.execute(domain.VOLUNTEER, person_id, domain.volunteer.leave_role, **ask)

    @command
    def survey_member(self, person_id: str, **ask: Any) -> Answer:
        """Put an in-service member on the survey list."""
        id = domain.report_in.report_id("member", person_id, "", "")
        return self.here.execute(domain.REPORT_IN, id, domain.report_in.survey, person_id=person_id, **ask)

    @command
    def report_in(self, kind: str, person_id: str, unit: str, place: str, since: str) -> Answer:
        """Report in: a member to the place they live in, a unit to a community."""
        person_id = "" if kind == "unit" else person_id or self.here.mandate.actor
        id = domain.report_in.report_id(kind, person_id, unit, place)
        ask = {"kind": kind, "person_id": person_id, "unit": unit, "place": place, "since": since}
        return self.here.execute(domain.REPORT_IN, id, domain.report_in.report_in, **ask)

    @command
    def confirm_report_in(self, report_id: str, **ask: Any) -> Answer:
        """Confirm one end of a report-in."""
        return self.here.execute(domain.REPORT_IN, report_id, domain.report_in.confirm, **ask)

    # -- teams and patrols

    @command
    def form_team(self, team_id: str, **ask: Any) -> Answer:
        """Form a team for a place."""
        kinds = self._codes("team_kinds", TEAM_KINDS)
        return self.here.execute(domain.TEAM, team_id or self.here.new_id("team"), domain.team.form, kinds=kinds, **ask)

    @command
    def join_team(self, team_id: str, person_id: str) -> Answer:
        """Take a registered volunteer into a team."""
        person_id = person_id or self.here.mandate.actor
        registered = person_id in self._volunteers({person_id: ""})
        return self.here.execute(domain.TEAM, team_id, domain.team.join, person_id=person_id, registered=registered)

    @command
    def leave_team(self, team_id: str, person_id: str) -> Answer:
        """Let a volunteer leave a team."""
        person_id = person_id or self.here.mandate.actor
        return self.here.execute(domain.TEAM, team_id, domain.team.leave, person_id=person_id)

    @command
    def plan_patrol(self, patrol_id: str, team_id: str, **ask: Any) -> Answer:
        """Put a patrol on the rota."""
        patrol_id = patrol_id or self.here.new_id("patrol")
        team, _ = load(self.here.node.log, domain.TEAM, team_id)
        return self.here.execute(domain.PATROL, patrol_id, domain.patrol.plan, team=team, **ask)

    @command
    def log_patrol(self, patrol_id: str, team_id: str, findings: Iterable[Mapping[str, Any]], **ask: Any) -> Answer:
        """Log a patrol; its findings become issues."""
        patrol_id = patrol_id or self.here.new_id("patrol")
        team, _ = load(self.here.node.log, domain.TEAM, team_id)
        found = [
            {
                **finding,
                "finding_id": finding["finding_id"] or f"{patrol_id}-{number}",
                "place": finding["place"] or ask["place"],
            }
            for number, finding in enumerate(findings, 1)
        ]
        return self.here.execute(domain.PATROL, patrol_id, domain.patrol.log, team=team, findings=found, **ask)

    # -- activities

    @command
    def plan_activity(self, activity_id: str, **ask: Any) -> Answer:
        """Announce an activity."""
        kinds, id = self._codes("activity_kinds", ACTIVITY_KINDS), activity_id or self.here.new_id("activity")
        return self.here.execute(domain.ACTIVITY, id, domain.activity.plan, kinds=kinds, **ask)

    @command
    def record_attendance(self, activity_id: str, attendances: list[Mapping[str, Any]]) -> Answer:
        """Record who took part."""
        volunteers = self._volunteers({attendance["person_id"]: attendance["role"] for attendance in attendances})
        ask = {"attendances": attendances, "volunteers": volunteers}
        return self.here.execute(domain.ACTIVITY, activity_id, domain.activity.record_attendance, **ask)

    @command
    def withdraw_attendance(self, activity_id: str, **ask: Any) -> Answer:
        """Take back an attendance recorded by mistake."""
        return self.here.execute(domain.ACTIVITY, activity_id, domain.activity.withdraw_attendance, **ask)

    @command
    def hold_activity(self, activity_id: str, sessions: int) -> Answer:
        """Record that an activity took place."""
        return self.here.execute(domain.ACTIVITY, activity_id, domain.activity.hold, sessions=sessions)

    @command
    def cancel_activity(self, activity_id: str, reason: str) -> Answer:
        """Call an activity off."""
        return self.here.execute(domain.ACTIVITY, activity_id, domain.activity.cancel, reason=reason)

    # -- wishes

    @command
    def ask_wish(self, wish_id: str, place: str, wish: str, wisher: str, contact: str, wisher_id: str) -> Answer:
        """Ask for something small."""
        self.here.require("wish.ask", place)
        wish_id = wish_id or self.here.new_id("wish")
        wisher_id = wisher_id or ("" if self.here.mandate.post_id else self.here.mandate.actor)
        subject = domain.wish.subject(wish_id, wisher_id)
        said = {"text": wish, "wisher": wisher, "contact": contact}
        sealed = {name: self.here.personal.seal(subject, words) for name, words in said.items()}
        return self.here.execute(domain.WISH, wish_id, domain.wish.ask, place=place, wisher_id=wisher_id, **sealed)

    @command
    def publish_wish(self, wish_id: str, **ask: Any) -> Answer:
        """Publish a checked wish under a title that does not say who asked."""
        row = self.here.views.get("wishes", wish_id)
        name = self.here.personal.open(row["wisher"]) if row else ""
        return self.here.execute(domain.WISH, wish_id, domain.wish.publish, wisher_name=name or "", **ask)

    @command
    def reject_wish(self, wish_id: str, reason: str) -> Answer:
        """Decline to publish a wish."""
        return self.here.execute(domain.WISH, wish_id, domain.wish.reject, reason=reason)

    @command
    def withdraw_wish(self, wish_id: str, reason: str) -> Answer:
        """Take a wish back that nobody works on."""
        return self.here.execute(domain.WISH, wish_id, domain.wish.withdraw, reason=reason)

    @command
    def claim_wish(self, wish_id: str, days: int) -> Answer:
        """Promise to fulfil a wish."""
        actor = self.here.mandate.actor
        registered = bool(actor) and actor in self._volunteers({actor: ""})
        return self.here.execute(domain.WISH, wish_id, domain.wish.claim, registered=registered, days=days)

    @command
    def release_wish(self, wish_id: str, reason: str) -> Answer:
        """Give a claim back, or return an expired one."""
        return self.here.execute(domain.WISH, wish_id, domain.wish.release, reason=reason)

    @command
    def fulfil_wish(self, wish_id: str, note: str) -> Answer:
        """Record that the claimant did what was wished for."""
        return self.here.execute(domain.WISH, wish_id, domain.wish.fulfil, note=note)

    @command
    def dispute_wish(self, wish_id: str, reason: str) -> Answer:
        """Say that a wish is not fulfilled yet."""
        return self.here.execute(domain.WISH, wish_id, domain.wish.dispute, reason=reason)

    @command
    def confirm_wish(self, wish_id: str, note: str) -> Answer:
        """Confirm that a wish was fulfilled."""
        return self.here.execute(domain.WISH, wish_id, domain.wish.confirm, note=note)

    @command
    def erase_wisher(self, wish_id: str, reason: str) -> Answer:
        """Destroy the key of a wisher without an account."""
        receipt: Answer = self.here.execute(domain.WISH, wish_id, domain.wish.erase, reason=reason)
        self.here.personal.erase(domain.wish.subject(wish_id, ""))
        return receipt

    # -- what decisions need to know

    def _codes(self, list_name: str, default: Collection[str]) -> frozenset[str]:
        row = self.here.views.get(list_name, "codes")
        return frozenset(row["codes"] if row else default)

    def _volunteers(self, wanted: Mapping[str, str]) -> dict[str, Collection[str]]:
        """Which persons are registered, with their roles; whom the view does not know (so well) yet, the log does."""
        rows = self.here.views.find("volunteers", {"person_id": list(wanted)}, limit=len(wanted)).rows
        found: dict[str, Collection[str]] = {
            row["person_id"]: {role.partition("@")[0] for role in row["roles"]} for row in rows
        }
        for person_id, role in wanted.items():
            if person_id not in found or (role and role not in found[person_id]):
                volunteer, _ = load(self.here.node.log, domain.VOLUNTEER, person_id)
                if volunteer.registered:
                    found[person_id] = volunteer.role_codes
        return found
