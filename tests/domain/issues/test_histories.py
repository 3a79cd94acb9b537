"""Whatever is asked in whatever order: somebody answers, nothing ends without follow-up, view and state agree (X08, X13)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.issues import domain
from services.issues.events import CODEC, FollowUpRecorded, IssueClosed, IssueReopened, IssueResolved
from services.issues.views import VIEWS
from shared.domain.errors import LinliError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.record import Record
from tests.domain.issues.city import COMPOUND, GRID, ISSUE_ID, ORGANISATIONS, POSTS

CASES = next(view for view in VIEWS if view.name == "cases")
WHO = st.sampled_from(
    [
        Mandate(actor=post["person_id"], role=post["role"], post_id=post["post_id"], powers=frozenset({"*"}))
        for post in POSTS.values()
    ]
)
POST = st.sampled_from(sorted(POSTS))
FIGURES = next(view for view in VIEWS if view.name == "figures")
#: Facts that are in both the state and the row of the case.
SHARED = (
    "status",
    "place",
    "organisation_id",
    "person_id",
    "post_id",
    "level",
    "tier",
    "duty",
    "due",
    "outcome",
    "because",
    "followed",
    "tries",
    "reopened",
)


class Histories(RuleBasedStateMachine):
    """One issue that anybody may do anything to."""

    @initialize()
    def start(self) -> None:
        self.issue = domain.ISSUE.initial(ISSUE_ID)
        self.row: dict[str, Any] = {}
        self.history: list[Event] = []
        self.hour = 0
        self.figures: dict[str, dict[str, Any]] = {}

    def ask(self, decide: Any, by: Mandate, **ask: Any) -> None:
        self.hour += 1
        at = f"2025-03-{4 + self.hour // 24:02d}T{self.hour % 24:02d}:00:00+08:00"
        try:
            events = decide(self.issue, by=by, at=at, **ask)
        except LinliError:
            return
        for event in events:
            self.apply(CODEC.decode(type(event).__name__, event.schema, CODEC.encode(event)), at)
        with suppress(LinliError):
            assert decide(self.issue, by=by, at=at, **ask) == [], "the command repeated writes something"

    def apply(self, event: Event, at: str) -> None:
        self.issue = domain.ISSUE.evolve(self.issue, event)
        self.history.append(event)
        number = len(self.history)
        record = Record(
            position=number,
            stream=f"issue-{ISSUE_ID}",
            version=number,
            type=type(event).__name__,
            schema=1,
            data=msgspec.Raw(CODEC.encode(event)),
            id=str(number),
            time=at,
            occurred=at,
            actor="",
            on_behalf_of="",
            mandate="",
            command="",
            command_id="",
            correlation_id="",
            causation_id="",
            place=COMPOUND,
            digest="",
            commit_position=number,
            commit_size=1,
        )
        row = CASES.fold(self.row, event, record)
        assert row is not None
        CASES.check(row)
        self.row = row
        for key in FIGURES.keys(event, record):
            self.figures[key] = FIGURES.fold(self.figures.get(key, {}), event, record) or {}

    @rule(by=WHO)
    def report(self, by: Mandate) -> None:
        self.ask(domain.report, by, place=COMPOUND, category="a.b", description="x", channel="phone", accountable=GRID)

    @rule(by=WHO, tier=st.sampled_from(["compound", "street"]))
    def triage(self, by: Mandate, tier: str) -> None:
        self.ask(domain.triage, by, severity="hard", tier=tier, reason="r", organisations=ORGANISATIONS.get)

    @rule(by=WHO, post=POST, days=st.integers(0, 5))
    def dispatch(self, by: Mandate, post: str, days: int) -> None:
        row = POSTS[post]
        self.ask(
            domain.dispatch, by, post_id=post, post=row, organisations=ORGANISATIONS.get, duty="d", working_days=days
        )

    @rule(by=WHO)
    def accept(self, by: Mandate) -> None:
        self.ask(domain.accept, by)

    @rule(by=WHO, days=st.integers(1, 20))
    def extend(self, by: Mandate, days: int) -> None:
        self.ask(domain.extend, by, reason="r", working_days=days)

    @rule(by=WHO, post=POST)
    def escalate(self, by: Mandate, post: str) -> None:
        due = self.issue.due
        self.ask(domain.escalate, by, to_post=post, post=POSTS[post], organisations=ORGANISATIONS.get, reason="r")
        assert self.issue.due == due

    @rule(by=WHO, outcome=st.sampled_from(["a", "b"]))
    def resolve(self, by: Mandate, outcome: str) -> None:
        self.ask(domain.resolve, by, outcome=outcome)

    @rule(by=WHO)
    def finish(self, by: Mandate) -> None:
        self.ask(domain.finish, by, project_id="project-1", outcome="works")

    @rule(by=WHO, result=st.sampled_from(["satisfied", "not_satisfied", "unreachable"]))
    def follow_up(self, by: Mandate, result: str) -> None:
        self.ask(domain.record_follow_up, by, result=result, note="n")

    @rule(by=WHO)
    def close(self, by: Mandate) -> None:
        self.ask(domain.close, by, because="b")

    @rule(by=WHO)
    def reopen(self, by: Mandate) -> None:
        self.ask(domain.reopen, by, reason="r")

    @invariant()
    def somebody_answers(self) -> None:
        issue = self.issue
        if issue.status != "unknown":
            assert issue.organisation_id and issue.post_id and issue.person_id
            assert ORGANISATIONS[issue.organisation_id]["level"] == issue.level
            assert POSTS[issue.post_id]["organisation_id"] == issue.organisation_id

    @invariant()
    def a_dispatched_issue_has_duty_and_time_limit(self) -> None:
        if self.issue.status in ("dispatched", "accepted"):
            assert self.issue.duty and self.issue.due

    @invariant()
    def nothing_is_closed_without_an_answer_to_this_round(self) -> None:
        if self.history and isinstance(self.history[-1], IssueClosed):
            ends = [number for number, fact in enumerate(self.history) if isinstance(fact, IssueResolved)]
            after = self.history[ends[-1] :]
            assert any(isinstance(fact, FollowUpRecorded) and fact.result != "not_satisfied" for fact in after)
            assert not any(isinstance(fact, IssueReopened) for fact in after)

    @invariant()
    def the_row_says_what_the_state_says(self) -> None:
        if self.row:
            assert {name: self.row[name] for name in SHARED} == {name: getattr(self.issue, name) for name in SHARED}
            assert self.row["open"] == (self.issue.status in domain.OPEN)

    @invariant()
    def every_partition_counts_the_issue_once(self) -> None:
        if self.history:
            assert sorted(self.figures) == ["*", "350104", "350104.013", "350104.013.002", COMPOUND]
            for row in self.figures.values():
                assert row["by_level"] == {self.issue.level: 1}
                assert row["by_status"] == {"open" if self.issue.status in domain.OPEN else self.issue.status: 1}
                assert row["by_channel"] == {"phone": 1}
                contained = self.issue.contained
                assert row["contained"] == ({} if contained is None else {"yes" if contained else "no": 1})
                assert row["reopened"] == ({"issues": 1} if self.issue.reopened else {})

    @invariant()
    def a_snapshot_is_the_state(self) -> None:
        again = msgspec.json.decode(msgspec.json.encode(self.issue), type=domain.Issue)
        assert again == self.issue


Histories.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestHistories = Histories.TestCase
