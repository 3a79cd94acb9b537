"""The clock of a service: each day is recorded once and whole, one after the other, whatever breaks and whoever else ticks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from shared.domain.city import City
from shared.domain.clock import CLOCK, Rule, rows_of
from shared.domain.command import GIVEN
from shared.domain.decider import Decider
from shared.domain.errors import ConcurrencyError, IllegalStateError, UnavailableError
from shared.domain.event import Event
from shared.domain.fields import DAY
from shared.domain.mandate import Mandate
from shared.domain.view import View
from shared.domain.words import _
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.following.node import ServiceRuntime
from shared.following.performing import perform
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.log.sqlite import SqliteStorage
from shared.service.clock import Clock
from shared.service.service import Followed, serves
from shared.views import ViewStore
from shared.views.sqlite import SqliteViews
from tests.component.city import city, wait_for
from tests.green import green

AT = "2026-03-01T09:00:00+08:00"


class BookLent(Event, frozen=True, kw_only=True):
    book_id: str
    due: str


class BookReminded(Event, frozen=True, kw_only=True):
    book_id: str
    day: str


class Book(msgspec.Struct, frozen=True):
    id: str
    status: str = "unknown"  # unknown, lent
    due: str = ""  # or reminded last


def evolve(book: Book, event: BookLent | BookReminded) -> Book:
    if isinstance(event, BookLent):
        return Book(book.id, "lent", event.due)
    return Book(book.id, book.status, event.day)


BOOK = Decider("book", (BookLent, BookReminded), Book, Book, evolve, lambda book: "")


@BOOK.command("operations.lend", new=GIVEN, late=10_000)
def lend_book(book: Book, *, by: Mandate, at: str, due: Annotated[str, DAY, "when it is due"]) -> list[Event]:
    """Lend a book."""
    return [BookLent(book_id=book.id, due=due)]


def remind(book: Book, *, by: Mandate, at: str, city: City) -> list[Event]:
    if book.due >= city.day:
        raise IllegalStateError(_("the book is not due yet"))
    return [BookReminded(book_id=book.id, day=city.day)]


BOOKS = View.of(BOOK, "books", ("due",))
DAILY = rows_of("books", lambda day: {"due__lt": day})
#: A reader is reminded on each day on which a book is overdue, so that days that were missed are seen.
RULE = Rule("remind", BOOK, DAILY, remind, lambda row: row["due"])
DEFINITION = Definition("library", (BOOK,), (BOOKS,), clock=(RULE,))


@serves(DEFINITION)
class LibraryService(Followed):
    """A library."""


class Library:
    """Nodes over one log and one view store, and days that pass."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.today = folder, "2026-03-01"
        self.stopping = threading.Event()

    def node(self, definition: Definition = DEFINITION) -> ServiceRuntime:
        log = EventLog("library", SqliteStorage(self.folder / "log.sqlite"))
        return ServiceRuntime(definition, log, SqliteViews(self.folder / "views.sqlite", definition.all_views))

    def clock(self, holder: str = "one", retry: float = 0.01) -> Clock:
        return Clock(self.stopping, holder, lambda: self.today, retry)

    def lend(self, node: ServiceRuntime, id: str, due: str = "2026-03-01") -> None:
        context = CallContext(kind="operator", actor="op", command_id=f"lend-{id}", occurred=AT)
        ask = {"book_id": id, "due": due}
        perform(node, DEFINITION.commands["lend_book"], context, node.mandate(context), ask)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    yield Library(tmp_path)


def reminded(node: ServiceRuntime) -> list[tuple[str, str]]:
    """Books with the days on which their readers were reminded, in the order of the log."""
    decode = DEFINITION.codec.decode
    events = [decode(record.type, record.schema, record.data) for record in node.log.read(0)]
    return [(event.book_id, event.day) for event in events if isinstance(event, BookReminded)]


def ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def test_a_city_that_begins_begins_with_today(library: Library) -> None:
    node = library.node()
    library.lend(node, "b1", "2026-01-01")
    assert library.clock().catch_up(node) == ordinal("2026-03-01")
    assert reminded(node) == [("b1", "2026-03-01")]
    assert node.status()["clock"] == "2026-03-01"


def test_days_that_the_city_was_off_are_recorded_one_after_the_other(library: Library) -> None:
    node = library.node()
    library.clock().catch_up(node)
    library.lend(node, "b1")
    library.lend(node, "b2", "2026-03-08")
    library.today = "2026-03-11"
    assert library.clock().catch_up(library.node()) == ordinal("2026-03-11")
    days = [(date(2026, 3, 2) + timedelta(number)).isoformat() for number in range(10)]
    assert [day for book, day in reminded(node) if book == "b1"] == days
    assert [day for book, day in reminded(node) if book == "b2"] == ["2026-03-09", "2026-03-10", "2026-03-11"]
    assert [day for _, day in reminded(node)] == sorted(day for _, day in reminded(node))


def test_the_same_day_is_recorded_once(library: Library) -> None:
    node = library.node()
    library.lend(node, "b1")
    library.today = "2026-03-02"
    library.clock().catch_up(node)
    library.clock().catch_up(library.node())
    assert reminded(node) == [("b1", "2026-03-02")]


class Killed(BaseException):
    """The process ended here."""


def test_a_kill_between_act_and_checkpoint_doubles_nothing(library: Library) -> None:
    node = library.node()
    for number in range(3):
        library.lend(node, f"b{number}")
    library.today = "2026-03-02"

    class Dying:
        """A view store whose process is killed when the clock's checkpoint is to move."""

        def __init__(self, store: ViewStore) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def save(self, changes: Any, checkpoints: Any = None) -> None:
            if CLOCK in (checkpoints or {}):
                raise Killed
            self._store.save(changes, checkpoints)

    node.views = Dying(node.views)
    with pytest.raises(Killed):
        library.clock().catch_up(node)
    assert len(reminded(node)) == 3
    after = library.node()
    assert after.views.checkpoint(CLOCK) == 0
    assert library.clock().catch_up(after) == ordinal("2026-03-02")
    assert sorted(reminded(after)) == [(f"b{number}", "2026-03-02") for number in range(3)]


def test_a_kill_in_the_middle_of_a_day_loses_nothing(library: Library) -> None:
    node = library.node()
    for number in range(5):
        library.lend(node, f"b{number}")
    library.today, carry, left = "2026-03-02", node.carry, iter(range(3))

    def dying(*arguments: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return carry(*arguments)

    node.carry = dying  # type: ignore[method-assign]  # the process ends at the fourth
    with pytest.raises(Killed):
        library.clock().catch_up(node)
    assert len(reminded(node)) == 3
    library.clock().catch_up(library.node())
    assert sorted(reminded(node)) == [(f"b{number}", "2026-03-02") for number in range(5)]


def test_two_processes_that_tick_at_the_same_time_record_each_thing_once(library: Library) -> None:
    """As when a process was frozen for longer than its lease: only the command ids keep them apart."""
    nodes = [library.node(), library.node()]
    for number in range(20):
        library.lend(nodes[0], f"b{number:02d}")
    start, failed = threading.Barrier(2), []

    def tick(node: ServiceRuntime) -> None:
        start.wait()
        try:
            node.tick("2026-03-02")
        except ConcurrencyError as error:  # both were too fast for one another; the day is tried again
            failed.append(error)

    threads = [threading.Thread(target=tick, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) < 2
    assert sorted(reminded(nodes[0])) == [(f"b{number:02d}", "2026-03-02") for number in range(20)]


def test_only_one_process_ticks(library: Library) -> None:
    node, other = library.node(), library.node()
    library.lend(node, "b1")
    assert other.views.lease("clock", "other", 60)
    assert library.clock().catch_up(node) == 0
    assert reminded(node) == []
    other.views.lease("clock", "other", 0)
    assert library.clock().catch_up(node) == ordinal("2026-03-01")


def definition_with(decide: Any) -> Definition:
    return Definition("library", (BOOK,), (BOOKS,), clock=(Rule("remind", BOOK, DAILY, decide, RULE.period),))


def test_what_fails_keeps_the_day_open_and_nobody_else_waiting(library: Library) -> None:
    broken = {"b2"}

    def remind_some(book: Book, *, by: Mandate, at: str, city: City) -> list[Event]:
        if book.id in broken:
            raise KeyError("a mistake of the program")
        return remind(book, by=by, at=at, city=city)

    node = library.node(definition_with(remind_some))
    for number in range(1, 4):
        library.lend(node, f"b{number}")
    library.today = "2026-03-02"
    with pytest.raises(KeyError, match="a mistake"):
        library.clock().catch_up(node)
    assert sorted(reminded(node)) == [("b1", "2026-03-02"), ("b3", "2026-03-02")]
    assert node.status()["clock"] == ""
    broken.clear()
    thread = threading.Thread(target=library.clock().run, args=(node,))
    thread.start()
    wait_for(lambda: node.status()["clock"] == "2026-03-02", "the day to be whole")
    library.stopping.set()
    thread.join()
    assert sorted(reminded(node)) == [(f"b{number}", "2026-03-02") for number in range(1, 4)]


def test_a_refusal_is_no_failure(library: Library) -> None:
    """The thing has changed since its row was written."""

    def refused(book: Book, *, by: Mandate, at: str, city: City) -> list[Event]:
        raise IllegalStateError(_("the book is back"))

    node = library.node(definition_with(refused))
    library.lend(node, "b1")
    library.today = "2026-03-02"
    assert library.clock().catch_up(node) == ordinal("2026-03-02")


def test_a_log_that_is_away_ends_the_day_at_once(library: Library) -> None:
    asked: list[str] = []

    def away(book: Book, *, by: Mandate, at: str, city: City) -> list[Event]:
        asked.append(book.id)
        raise UnavailableError("the database does not answer")

    node = library.node(definition_with(away))
    library.lend(node, "b1")
    library.lend(node, "b2")
    library.today = "2026-03-02"
    with pytest.raises(UnavailableError):
        library.clock().catch_up(node)
    assert set(asked) == {"b1"}


def test_a_service_without_rules_has_no_clock(tmp_path: Path) -> None:
    definition = Definition("library", (BOOK,), (BOOKS,))
    node = ServiceRuntime(
        definition, EventLog("library", MemoryStorage()), SqliteViews(tmp_path / "views.sqlite", definition.all_views)
    )
    assert node.tick("2026-03-02") == 0
    assert node.status()["clock"] == ""


@green
def test_a_running_service_ticks_at_its_start_and_at_midnight(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path, LibraryService, LINLI_TODAY="2026-03-01") as here:
        here.call("library", "lend_book", {"book_id": "b1", "due": "2026-03-01"}, command_id="lend", occurred=AT)
        node = here.here("library").node
        wait_for(lambda: here.call("library", "status")["clock"] == "2026-03-01", "the first day")
        here.here("library").followers.clock._today = lambda: "2026-03-04"  # three midnights pass
        wait_for(lambda: here.call("library", "status")["clock"] == "2026-03-04", "the days after")
        assert reminded(node) == [("b1", f"2026-03-0{day}") for day in (2, 3, 4)]
    with city(amqp_uri, tmp_path, LibraryService, LINLI_TODAY="2026-03-05") as here:
        wait_for(lambda: here.call("library", "status")["clock"] == "2026-03-05", "the day of the restart")
        assert reminded(here.here("library").node)[-1] == ("b1", "2026-03-05")
