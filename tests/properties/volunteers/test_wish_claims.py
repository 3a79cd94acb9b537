"""Claims made at the same moment never give two claimants: the log resolves."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.volunteers.volunteer import Volunteer
from services.volunteers.wish.asking import ask_wish, publish_wish
from services.volunteers.wish.claiming import (
    EXPIRED,
    claim_wish,
    confirm_wish,
    dispute_wish,
    fulfil_wish,
    release_expired,
    release_wish,
)
from services.volunteers.wish.facts import WishClaimed, WishConfirmed, WishFulfilled, WishReleased
from services.volunteers.wish.rows import RELEASES, WISHES
from services.volunteers.wish.state import WISH, Wish
from shared.domain.city import City
from shared.domain.city_rows import city_views
from shared.domain.errors import DomainError, IllegalStateError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.following.context import CallContext
from shared.following.execute import execute, load
from shared.log import EventLog, Receipt
from shared.log.memory import MemoryStorage
from tests.domain.volunteers.people import person
from tests.kit.city import COMPOUND
from tests.kit.rows import MemoryRows
from tests.kit.rows import city as plain_city

ID = "w-1"


def city(day: str = "2025-03-04") -> City:
    """The small city, in which nobody has claimed anything yet."""
    rows = MemoryRows((*city_views(), WISHES, RELEASES))
    rows.rows |= plain_city(day).rows.rows  # type: ignore[attr-defined]  # rows in memory
    return City(rows, day)


STAFF = Mandate(actor="staff", role="worker", post_id="s", powers=frozenset({"wish.*"}))
CLOCK = Mandate(actor="clock:claims_expire", role="service", powers=frozenset({"*"}))
REGISTERED = Volunteer("p-0", "registered", place=COMPOUND)
PEOPLE = [f"p-{number}" for number in range(5)]
_numbers = count()


def do(log: EventLog, by: Mandate, decide: Callable[..., list[Event]], day: str = "2025-03-04", **ask: Any) -> Receipt:
    """Carry out a declared command, checked as the service checks it, or a decision of the clock."""
    name = getattr(decide, "command", decide.__name__)
    declared = WISH.commands.get(name)

    def checked(state: Wish, **given: Any) -> list[Event]:
        if declared is not None:
            declared.check(state, by, ask)
        return decide(state, **given)

    context = CallContext(
        kind="person", actor=by.actor, command_id=f"c-{next(_numbers)}", occurred=f"{day}T09:00:00+08:00"
    )
    given = {"context": context, "mandate": by, "command": name, "seal": lambda subject, text: text}
    return execute(log, WISH, ID, checked, **given, **ask)


def claim(log: EventLog, id: str, day: str = "2025-03-04", days: int = 0, decide: Any = claim_wish) -> Receipt:
    return do(log, person(id), decide, day, claimant=REGISTERED, city=city(day), days=days)


def open_wish() -> EventLog:
    log = EventLog("volunteers", MemoryStorage())
    asked = {"place": COMPOUND, "wish": "s", "wisher": "s", "contact": "", "wisher_id": "wisher"}
    do(log, person("wisher"), ask_wish, city=city(), **asked)
    do(log, STAFF, publish_wish, open=lambda sealed: "", title="t", title_en="t")
    return log


def facts(log: EventLog) -> list[tuple[str, Event]]:
    return [
        (record.occurred[:10], WISH.codec.decode(record.type, record.schema, record.data))
        for record in log.read_stream(WISH.stream(ID))
    ]


class Claims(RuleBasedStateMachine):
    """Several people claim between each other's reading and writing; others release, fulfil, confirm, and days pass."""

    @initialize()
    def publish(self) -> None:
        self.log, self.day = open_wish(), date(2025, 3, 4)

    @rule(days=st.integers(1, 5))
    def days_pass(self, days: int) -> None:
        self.day += timedelta(days=days)

    @rule(people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=5, unique=True), days=st.integers(1, 4))
    def claim_at_the_same_moment(self, people: list[str], days: int) -> None:
        """Each one reads the wish, then all those behind them claim, then the one who read first writes."""
        before, _ = load(self.log, WISH, ID)
        won: list[str] = []
        refused: list[str] = []

        def attempt(rest: list[str]) -> None:
            first, *others = rest
            waiting = iter([others] if others else [])

            def read_then_write(state: Wish, **arguments: Any) -> list[Event]:
                events = claim_wish(state, **arguments)
                for behind in waiting:
                    attempt(behind)
                return events

            read_then_write.command = "claim_wish"  # type: ignore[attr-defined]  # what it is checked as
            try:
                if claim(self.log, first, self.day.isoformat(), days, read_then_write).events:
                    won.append(first)
            except IllegalStateError as error:
                refused.append(first)
                assert "claimed" in error.message or before.status in ("fulfilled", "confirmed")

        attempt(people)
        free = before.status == "published" or (before.status == "claimed" and before.expires <= self.day.isoformat())
        assert len(won) == (1 if free else 0)
        own = before.claimant if before.status == "claimed" and not free else ""
        if free:
            assert load(self.log, WISH, ID)[0].claimant == won[0]
            own = won[0]
        assert all(one == own or one in refused for one in people[:1])

    @rule()
    def the_clock_comes(self) -> None:
        do(self.log, CLOCK, release_expired, self.day.isoformat())
        state, _ = load(self.log, WISH, ID)
        assert state.status != "claimed" or self.day.isoformat() < state.expires

    @rule(
        id=st.sampled_from([*PEOPLE, "staff", "wisher"]),
        what=st.sampled_from([release_wish, fulfil_wish, confirm_wish, dispute_wish]),
    )
    def somebody_else_acts(self, id: str, what: Callable[..., list[Event]]) -> None:
        by = STAFF if id == "staff" else person(id)
        ask = {"note": "call"} if what in (fulfil_wish, confirm_wish) else {"reason": "r"}
        with contextlib.suppress(DomainError):
            do(self.log, by, what, self.day.isoformat(), **ask)

    @invariant()
    def never_two_claimants(self) -> None:
        """Read from the facts alone: a claim begins only when nobody holds one, and only its holder ends it in success."""
        holder, expires = "", ""
        for day, event in facts(self.log):
            match event:
                case WishClaimed():
                    assert not holder, f"{event.person_id} claimed while {holder} held the claim"
                    holder, expires = event.person_id, event.expires
                    assert day < expires
                case WishReleased():
                    assert event.person_id == holder
                    if event.reason == EXPIRED:
                        assert day >= expires
                    holder = ""
                case WishFulfilled():
                    assert event.person_id == holder
                case WishConfirmed():
                    assert holder


def test_whoever_acts_there_are_never_two_claimants() -> None:
    """(part of C42, X07)"""
    bounds = settings(max_examples=60, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(Claims, settings=bounds)


def test_two_claims_at_the_same_moment_give_one_winner_and_a_clear_refusal() -> None:
    """(part of C42, X07)"""
    log = open_wish()
    raced = False

    def slow(state: Wish, **arguments: Any) -> list[Event]:
        nonlocal raced
        events = claim_wish(state, **arguments)
        if not raced:
            raced = True
            claim(log, "p-2")
        return events

    slow.command = "claim_wish"  # type: ignore[attr-defined]  # what it is checked as
    try:
        claim(log, "p-1", decide=slow)
        refused = None
    except IllegalStateError as error:
        refused = error
    assert refused is not None and "claimed already" in refused.message
    assert load(log, WISH, ID)[0].claimant == "p-2"


def test_forty_threads_claim_one_wish() -> None:
    """(X07) (part of C42)"""
    log, gate = open_wish(), threading.Barrier(40)
    won: list[str] = []
    refused: list[str] = []

    def attempt(id: str) -> None:
        gate.wait()
        try:
            claim(log, id)
            won.append(id)
        except IllegalStateError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=attempt, args=(f"p-{number}",)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and len(refused) == 39
    assert all("claimed already" in message for message in refused)
    assert [event.person_id for _, event in facts(log) if isinstance(event, WishClaimed)] == won
