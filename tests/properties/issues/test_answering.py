"""Registry and issues together: whatever is done in whatever order, every open case has one living holder of its post."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.issues.issue.state import OPEN
from shared.domain.city import City, every, held_on
from shared.domain.errors import LinliError
from shared.domain.identity import new_id
from shared.following.context import CallContext
from tests.kit.city import COMMUNITY, COMPOUND, DISTRICT, OTHER_COMPOUND, PLACES, STREET, document
from tests.kit.town import Town

BEGINS = date(2025, 3, 3)
#: Organisation to its level, place and parent.
BODIES = {
    "street": ("street", STREET, ""),
    "community": ("community", COMMUNITY, "street"),
    "one": ("compound", COMPOUND, "community"),
    "two": ("compound", OTHER_COMPOUND, "community"),
}
#: Post to its organisation, role and the post that it goes with.
POSTS = {
    "s-1": ("street", "taker", ""),
    "s-2": ("street", "taker", ""),
    "c-1": ("community", "taker", ""),
    "c-2": ("community", "clerk", ""),
    "k-1": ("one", "taker", ""),
    "k-2": ("two", "taker", ""),
    "k-3": ("one", "taker", "k-1"),
}
PERSONS = tuple(f"p-{number}" for number in range(9))
WHERE = st.sampled_from([DISTRICT, STREET, COMMUNITY, COMPOUND, OTHER_COMPOUND])
POST, PERSON = st.sampled_from(sorted(POSTS)), st.sampled_from(PERSONS)
#: A case, by turns.
CASE = st.integers(0, 5)
AHEAD = st.sampled_from([0, 0, 0, 1, 2])


class Answering(RuleBasedStateMachine):
    """A small city of two services."""

    def __init__(self) -> None:
        super().__init__()
        self.day, self.minute = BEGINS, 0
        self.patch = pytest.MonkeyPatch()
        for module in ("node", "follow"):
            self.patch.setattr(f"shared.following.{module}.today", lambda: self.day.isoformat())
        self.folder = tempfile.TemporaryDirectory()
        self.town = Town(Path(self.folder.name), ("registry", "issues"))
        for place in self.town.places.values():
            place.node.log.clock = self.now
        self.cases: list[str] = []

    def teardown(self) -> None:
        self.town.close()
        self.folder.cleanup()
        self.patch.undo()

    @initialize()
    def found(self) -> None:
        profile = document(
            ("taker",),
            profile_id="answering",
            city="榕江区",
            levels=[{"code": code, "zh": code, "en": code} for code in ("street", "community", "compound")],
            roles=[{"code": code, "zh": code, "en": code} for code in ("taker", "clerk")],
            powers={"taker": ["issue.*"], "clerk": ["issue.accept", "issue.resolve"]},
            parameters={"untaken_days": 1, "follow_up_tries": 1},
        )
        self.must("adopt_profile", **profile)
        for place, (kind, name) in PLACES.items():
            self.must("register_place", place=place, kind=kind, name=name, parent=place.rpartition(".")[0])
        for id, (level, place, parent) in BODIES.items():
            body = {"organisation_id": id, "type": "party", "name": id, "level": level, "place": place}
            self.must("establish_organisation", parent_id=parent, **body)
        for person in PERSONS:
            self.must("register_person", person_id=person, name=person, place=DISTRICT)
        for number, (id, (body, role, base)) in enumerate(POSTS.items()):
            named = {"post_id": id, "organisation_id": body, "role": role, "title": id}
            self.must("establish_post", ex_officio_post_id=base, **named)
            self.must("appoint_person", post_id=id, person_id=PERSONS[4 if base else number])
        for steps, place in enumerate((COMPOUND, OTHER_COMPOUND, COMMUNITY, DISTRICT, COMPOUND)):
            self.report(place)
            for _ in range(steps):
                self.go_on(len(self.cases) - 1, "k-1" if place == COMPOUND else "c-1")

    # what is done

    def call(self, service: str, method: str, context: dict[str, Any], ask: dict[str, Any]) -> dict[str, Any]:
        self.minute += 1
        return self.town.call(service, method, CallContext(occurred=self.now(), command_id=new_id(), **context), ask)

    def now(self) -> str:
        """The present moment of the town."""
        return f"{self.day.isoformat()}T{8 + self.minute // 60 % 12:02d}:{self.minute % 60:02d}:00+08:00"

    def must(self, method: str, **ask: Any) -> None:
        self.call("registry", method, {"kind": "operator", "actor": "founder"}, ask)

    def act(self, method: str, **ask: Any) -> None:
        """An act of the registry, which may refuse it."""
        try:
            self.must(method, **ask)
        except LinliError:
            return

    def give(self, method: str, case: int, by: str, **ask: Any) -> None:
        """A command on a case, by the holder of a post or, as "", of the accountable post, or by its reporter."""
        if not self.cases:
            return
        id = self.cases[case % len(self.cases)]
        post = self.row(id)["post_id"] if by == "" else by
        holder = (self.rows.get("city_posts", post) or {}).get("person_id", "")
        acting: dict[str, Any] = {"kind": "person", "actor": holder, "post": post}
        if by == "reporter":
            acting = {"kind": "person", "actor": "p-resident"}
        try:
            self.call("issues", method, acting, {"issue_id": id} | ask)
        except LinliError:
            return

    @property
    def rows(self) -> Any:
        return self.town.places["issues"].node.views

    def row(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.rows.get("cases", id)
        return found

    @rule(place=WHERE)
    def report(self, place: str) -> None:
        ask = {"place": place, "category": "order.litter", "description": "乱扔垃圾"}
        done = self.call("issues", "report_issue", {"kind": "person", "actor": "p-resident"}, ask)
        self.cases.append(done["id"])

    @rule(case=CASE, to=POST)
    def go_on(self, case: int, to: str) -> None:
        """The next step, by whoever answers for it."""
        status = self.row(self.cases[case % len(self.cases)])["status"]
        match status:
            case "reported":
                self.give("triage_issue", case, "", severity="big", reason="r")
            case "triaged":
                self.give("dispatch_issue", case, "", post_id=to, duty="d", working_days=2)
            case "dispatched":
                self.give("accept_issue", case, "")
            case "accepted":
                self.give("resolve_issue", case, "", outcome="o")
            case "resolved":
                self.give("record_follow_up", case, "reporter", result="not_satisfied", note="n")

    @rule(case=CASE, by=st.just("") | POST, severity=st.sampled_from(["small", "big"]))
    def triage(self, case: int, by: str, severity: str) -> None:
        self.give("triage_issue", case, by, severity=severity, reason="r")

    @rule(case=CASE, by=st.just("") | POST, to=POST)
    def dispatch(self, case: int, by: str, to: str) -> None:
        self.give("dispatch_issue", case, by, post_id=to, duty="d", working_days=2)

    @rule(case=CASE, by=st.just("") | POST, to=POST)
    def escalate(self, case: int, by: str, to: str) -> None:
        self.give("escalate_issue", case, by, to_post=to, reason="r")

    @rule(case=CASE, method=st.sampled_from(["accept_issue", "return_issue", "resolve_issue"]))
    def handle(self, case: int, method: str) -> None:
        words = {"accept_issue": {}, "return_issue": {"reason": "r"}, "resolve_issue": {"outcome": "o"}}
        self.give(method, case, "", **words[method])

    @rule(case=CASE, by=POST | st.just("reporter"), result=st.sampled_from(["satisfied", "not_satisfied"]))
    def follow_up(self, case: int, by: str, result: str) -> None:
        self.give("record_follow_up", case, by, result=result, note="n")

    @rule(case=CASE, by=POST)
    def close(self, case: int, by: str) -> None:
        self.give("close_issue", case, by, because="b")

    @rule(case=CASE, by=POST | st.just("reporter"), method=st.sampled_from(["reopen_issue", "withdraw_issue"]))
    def reopen_or_withdraw(self, case: int, by: str, method: str) -> None:
        self.give(method, case, by, reason="r")

    @rule(case=CASE, post=st.just("") | POST, ahead=AHEAD)
    def leave(self, case: int, post: str, ahead: int) -> None:
        """Mostly whoever answers for a case."""
        post = post or self.row(self.cases[case % len(self.cases)])["post_id"]
        holder = (self.rows.get("city_posts", post) or {}).get("person_id", "")
        until = (self.day + timedelta(ahead)).isoformat()
        self.act("end_appointment", post_id=post, person_id=holder or "p-0", until=until)

    @rule(post=POST, person=PERSON, days=st.none() | st.integers(1, 3))
    def appoint(self, post: str, person: str, days: int | None) -> None:
        until = "" if days is None else (self.day + timedelta(days)).isoformat()
        self.act("appoint_person", post_id=post, person_id=person, until=until)

    @rule(post=st.sampled_from(["k-2", "c-2", "s-2"]), body=st.sampled_from(["", "two"]))
    def abolish(self, post: str, body: str) -> None:
        self.act("abolish_post", post_id=post, reason="r")
        if body:
            self.act("dissolve_organisation", organisation_id=body, reason="r")

    @rule(person=st.sampled_from(PERSONS[:3]))
    def erase(self, person: str) -> None:
        self.act("erase_person", person_id=person, reason="r")

    @rule(role=st.sampled_from(["taker", "clerk"]), able=st.booleans())
    def change_a_role(self, role: str, able: bool) -> None:
        """A city changes what a role may do; that nobody takes in issues any more is refused."""
        powers = {"taker": ["issue.*"], "clerk": ["issue.accept", "issue.resolve"]}[role] if able else ["money.read"]
        data = {"powers": powers, "intake": int(role == "taker")}
        self.act("adopt_entry", kind="roles", code=role, zh=role, en=role, data=data)

    @rule(days=st.integers(1, 3))
    def days_pass(self, days: int) -> None:
        for _ in range(days):
            self.day += timedelta(1)
            self.minute = 0
            self.town.tick(self.day.isoformat())

    # what holds

    @invariant()
    def every_open_case_has_one_living_holder_of_its_post(self) -> None:
        day = self.day.isoformat()
        registry = self.town.places["registry"].node.views
        for id in self.cases:
            case = self.row(id)
            if case["status"] in OPEN:
                post, person = registry.get("posts", case["post_id"]), registry.get("persons", case["person_id"])
                assert held_on(post, day) and not post["abolished"], f"{id}: nobody holds {case['post_id']}"
                assert post["person_id"] == case["person_id"], f"{id}: somebody else holds {case['post_id']}"
                assert person is not None and not person["erased"]
                assert post["organisation_id"] == case["organisation_id"]
                assert self.role_acts(post["role"]), f"{id}: {case['post_id']} can do nothing with it"
                assert BODIES[case["organisation_id"]][0] == case["level"]
        context = CallContext(kind="person", actor=self._staff(), post=self._taker(), occurred=f"{day}T21:00:00+08:00")
        assert not self.cases or not self._holderless(context)

    def role_acts(self, role: str) -> bool:
        """Whether the registry lets a role do anything with issues."""
        city = City(self.town.places["registry"].node.views, self.day.isoformat())
        return city.entries("roles")[role].data["powers"] != ["money.read"]

    def _taker(self) -> str:
        """A post that takes in issues and is held: there always is one."""
        views, day = self.town.places["registry"].node.views, self.day.isoformat()
        return next((row["post_id"] for row in every(views, "posts", {"role": "taker"}) if held_on(row, day)), "")

    def _staff(self) -> str:
        found = self.town.places["registry"].node.views.get("posts", self._taker())
        return str(found["person_id"]) if found else ""

    def _holderless(self, context: CallContext) -> list[Any]:
        rows: list[Any] = self.town.call("issues", "find_issues", context, {"holderless": True})["rows"]
        return rows

    @invariant()
    def who_lost_a_post_does_not_keep_the_one_that_goes_with_it(self) -> None:
        views, day = self.town.places["registry"].node.views, self.day.isoformat()
        branch, base = views.get("posts", "k-3"), views.get("posts", "k-1")
        if branch and held_on(branch, day):
            assert held_on(base, day) and base["person_id"] == branch["person_id"]


def test_every_open_case_has_one_living_holder_whatever_happens() -> None:
    """Also at the top: the last who takes in issues is not let go (X13) (part of A11)."""
    bounds = settings(
        max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(Answering, settings=bounds)
