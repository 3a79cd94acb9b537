"""Whatever is asked in whatever order: somebody answers, nothing ends without follow-up, figures are partitions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.issues.issue.answering import raise_untaken
from services.issues.issue.extending import extend_issue
from services.issues.issue.facts import (
    FollowUpRecorded,
    IssueClosed,
    IssueDispatched,
    IssueExtended,
    IssueOverdue,
    IssueReopened,
    IssueResolved,
)
from services.issues.issue.handling import (
    accept_issue,
    dispatch_issue,
    escalate_issue,
    mark_overdue,
    return_issue,
    triage_issue,
)
from services.issues.issue.intake import report_issue
from services.issues.issue.outcome import close_issue, finish, record_follow_up, reopen_issue, resolve_issue
from services.issues.issue.rows import CASES, FIGURES
from services.issues.issue.state import ISSUE, OPEN, Issue
from shared.domain.errors import LinliError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from tests.domain.issues.facts import ISSUE_ID, mandate
from tests.kit.city import COMPOUND, ORGANISATIONS, POSTS
from tests.kit.rows import city, record_of

WHO = st.sampled_from([mandate(post, "*") for post in sorted(POSTS)])
POST = st.sampled_from(sorted(POSTS))


class Histories(RuleBasedStateMachine):
    """One issue that anybody may do anything to."""

    @initialize()
    def start(self) -> None:
        self.issue = ISSUE.initial(ISSUE_ID)
        self.row: Row = {}
        self.history: list[Event] = []
        self.who: list[str] = []
        self.hour = 0
        self.figures: dict[str, Row] = {}

    @property
    def at(self) -> str:
        return f"2025-03-{4 + self.hour // 24:02d}T{self.hour % 24:02d}:00:00+08:00"

    def ask(self, decide: Callable[..., Any], by: Mandate, **ask: Any) -> None:
        self.hour += 1
        at, command = self.at, ISSUE.commands.get(decide.__name__)

        def decided() -> list[Event]:
            if command is not None:
                command.check(self.issue, by, {"issue_id": ISSUE_ID} | ask)
            return list(decide(self.issue, by=by, at=at, **ask))

        try:
            events = decided()
        except LinliError:
            return
        for event in events:
            self.who.append(by.actor)
            self.apply(event, at)
        with suppress(LinliError):
            assert decided() == [], "the command repeated writes something"

    def apply(self, event: Event, at: str) -> None:
        name, data = type(event).__name__, ISSUE.codec.encode(event)
        self.history.append(ISSUE.codec.decode(name, event.schema, data))
        self.issue = ISSUE.evolve(self.issue, self.history[-1])
        record = record_of(name, data, len(self.history), ISSUE.stream(ISSUE_ID), len(self.history), at, COMPOUND)
        row = CASES.fold(self.row, event, record, ISSUE_ID)
        assert row is not None
        CASES.check(row)
        for key, by in FIGURES.moves(self.row, row).items():
            self.figures[key] = FIGURES.move(key, self.figures.get(key), by) or {}
        self.row = row

    @rule(by=WHO)
    def report(self, by: Mandate) -> None:
        asked = {"place": COMPOUND, "category": "order.litter", "description": "x", "channel": "phone"}
        self.ask(report_issue, by, city=city(), **asked)

    @rule(by=WHO, severity=st.sampled_from(["small", "big"]))
    def triage(self, by: Mandate, severity: str) -> None:
        self.ask(triage_issue, by, severity=severity, reason="r", city=city())

    @rule(by=WHO, post=POST, days=st.integers(0, 5))
    def dispatch(self, by: Mandate, post: str, days: int) -> None:
        self.ask(dispatch_issue, by, post_id=post, duty="d", working_days=days, city=city(self.at[:10]))

    @rule(by=WHO)
    def accept(self, by: Mandate) -> None:
        self.ask(accept_issue, by)

    @rule(by=WHO, days=st.integers(1, 20))
    def extend(self, by: Mandate, days: int) -> None:
        self.ask(extend_issue, by, reason="r", working_days=days, city=city(self.at[:10]))

    @rule(by=WHO, post=POST)
    def escalate(self, by: Mandate, post: str) -> None:
        due = self.issue.due
        self.ask(escalate_issue, by, to_post=post, reason="r", city=city())
        assert self.issue.due == due

    @rule(by=WHO, hours=st.integers(1, 100))
    def a_day_begins(self, by: Mandate, hours: int) -> None:
        self.hour += hours
        if self.issue.due < self.at[:10]:
            self.ask(mark_overdue, by, due=self.issue.due)

    @rule(by=WHO, outcome=st.sampled_from(["a", "b"]))
    def resolve(self, by: Mandate, outcome: str) -> None:
        self.ask(resolve_issue, by, outcome=outcome, because="", city=city())

    @rule(by=WHO)
    def finish(self, by: Mandate) -> None:
        self.ask(finish, by, project_id="project-1", city=city())

    @rule(by=WHO, result=st.sampled_from(["satisfied", "not_satisfied", "unreachable"]))
    def follow_up(self, by: Mandate, result: str) -> None:
        self.ask(record_follow_up, by, result=result, note="n", city=city(self.at[:10]))

    @rule(by=WHO)
    def close(self, by: Mandate) -> None:
        self.ask(close_issue, by, because="b", city=city())

    @rule(by=WHO)
    def reopen(self, by: Mandate) -> None:
        self.ask(reopen_issue, by, reason="r", city=city(self.at[:10]))

    @rule(by=WHO)
    def give_back(self, by: Mandate) -> None:
        self.ask(return_issue, by, reason="r", city=city(self.at[:10]))

    @rule(days=st.integers(1, 3))
    def nobody_acts(self, days: int) -> None:
        self.ask(
            raise_untaken, mandate("post-street", "*"), post_id=self.issue.post_id, days=days, city=city(self.at[:10])
        )

    @invariant()
    def who_resolved_it_does_not_follow_it_up(self) -> None:
        by = ""
        for fact, who in zip(self.history, self.who, strict=True):
            if isinstance(fact, IssueResolved):
                by = fact.person_id
            assert not isinstance(fact, FollowUpRecorded) or who != by

    @invariant()
    def somebody_answers(self) -> None:
        issue = self.issue
        if issue.status != "unknown":
            assert issue.organisation_id and issue.post_id and issue.person_id
            assert ORGANISATIONS[issue.organisation_id][0] == issue.level
            assert POSTS[issue.post_id][0] == issue.organisation_id

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
    def each_time_limit_is_missed_once_at_most(self) -> None:
        missed = False
        for fact in self.history:
            if isinstance(fact, IssueDispatched | IssueExtended | IssueReopened):
                missed = False
            if isinstance(fact, IssueOverdue):
                assert not missed
                missed = True
        assert missed == bool(self.issue.missed)
        assert not self.issue.missed or self.issue.missed == self.issue.due

    @invariant()
    def every_partition_counts_the_issue_once(self) -> None:
        issue = self.issue
        if not self.history:
            return
        assert sorted(self.figures) == ["*", "350104", "350104.013", "350104.013.002", COMPOUND]
        answers = [fact.result for fact in self.history if isinstance(fact, FollowUpRecorded)]
        for sums in self.figures.values():
            assert sums["by_level"] == {issue.level: 1}
            assert sums["by_status"] == {"open" if issue.status in OPEN else issue.status: 1}
            assert sums["by_channel"] == {"phone": 1}
            assert sums.get("contained", {}) == (
                {} if issue.contained is None else {"yes" if issue.contained else "no": 1}
            )
            assert sums.get("reopened", 0) == int(any(isinstance(fact, IssueReopened) for fact in self.history))
            assert sums.get("overdue", 0) == int(issue.status in OPEN and bool(issue.missed))
            assert sums.get("follow_ups", {}) == {result: answers.count(result) for result in answers}

    @invariant()
    def a_snapshot_is_the_state(self) -> None:
        assert msgspec.json.decode(msgspec.json.encode(self.issue), type=Issue) == self.issue


def test_whatever_is_asked_in_whatever_order() -> None:
    """(part of X03, X08, X13)"""
    bounds = settings(max_examples=60, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(Histories, settings=bounds)
