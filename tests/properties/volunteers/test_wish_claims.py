"""Claims made at the same moment never give two claimants: the log resolves (C42, X07)."""

import contextlib
import threading
from datetime import date, timedelta
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.volunteers.domain import wish as w
from services.volunteers.domain.wish import WISH
from services.volunteers.events import CODEC, WishClaimed, WishConfirmed, WishFulfilled, WishReleased
from shared.domain.errors import DomainError, IllegalStateError
from shared.domain.mandate import Mandate
from shared.following.authority import RESIDENT
from shared.following.context import Context
from shared.following.execute import execute, load
from shared.log import EventLog
from shared.log.memory import MemoryStorage

PLACE, ID = "350104.013.002.007", "w-1"
STAFF = Mandate(actor="staff", role="worker", post_id="s", powers=frozenset({"wish.*"}))
PEOPLE = [f"p-{number}" for number in range(5)]
_numbers = count()


def do(log: EventLog, by: Mandate, decide, day: str = "2025-03-04", **ask):
    context = Context(kind="person", actor=by.actor, command_id=f"c-{next(_numbers)}", occurred=f"{day}T09:00:00+08:00")
    return execute(log, WISH, ID, decide, context=context, mandate=by, command=decide.__name__, **ask)


def person(id: str) -> Mandate:
    return Mandate(actor=id, role="resident", powers=RESIDENT)


def open_wish() -> EventLog:
    log = EventLog("volunteers", MemoryStorage())
    do(log, person("wisher"), w.ask, place=PLACE, text="s", wisher="s", wisher_id="wisher")
    do(log, STAFF, w.publish, title="t", title_en="t")
    return log


def facts(log: EventLog) -> list:
    return [
        (record.occurred[:10], CODEC.decode(record.type, record.schema, record.data))
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

            def claim(state, **arguments):
                events = w.claim(state, **arguments)
                for behind in waiting:
                    attempt(behind)
                return events

            try:
                if do(self.log, person(first), claim, self.day.isoformat(), registered=True, days=days).events:
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

    @rule(
        id=st.sampled_from([*PEOPLE, "staff", "wisher"]),
        what=st.sampled_from(["release", "fulfil", "confirm", "dispute"]),
    )
    def somebody_else_acts(self, id: str, what: str) -> None:
        by = STAFF if id == "staff" else person(id)
        ask = {"release": {"reason": "r"}, "fulfil": {}, "confirm": {"note": "call"}, "dispute": {"reason": "r"}}[what]
        with contextlib.suppress(DomainError):
            do(self.log, by, getattr(w, what), self.day.isoformat(), **ask)

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
                    if event.reason == "expired":
                        assert day >= expires
                    holder = ""
                case WishFulfilled():
                    assert event.person_id == holder
                case WishConfirmed():
                    assert holder


TestClaims = Claims.TestCase
TestClaims.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


def test_two_claims_at_the_same_moment_give_one_winner_and_a_clear_refusal():
    log = open_wish()
    raced = False

    def slow(state, **arguments):
        nonlocal raced
        events = w.claim(state, **arguments)
        if not raced:
            raced = True
            do(log, person("p-2"), w.claim, registered=True)
        return events

    try:
        do(log, person("p-1"), slow, registered=True)
        refused = None
    except IllegalStateError as error:
        refused = error
    assert refused is not None and "claimed already" in refused.message
    assert load(log, WISH, ID)[0].claimant == "p-2"


def test_forty_threads_claim_one_wish():
    log, gate = open_wish(), threading.Barrier(40)
    won: list[str] = []
    refused: list[str] = []

    def claim(id: str) -> None:
        gate.wait()
        try:
            do(log, person(id), w.claim, registered=True)
            won.append(id)
        except IllegalStateError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=claim, args=(f"p-{number}",)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and len(refused) == 39
    assert all("claimed already" in message for message in refused)
    assert [event.person_id for _, event in facts(log) if isinstance(event, WishClaimed)] == won
