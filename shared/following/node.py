"""One service at work, without any framework: its log, its views, its followers, and the waiting for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date
from functools import wraps
from typing import Any

import structlog

from shared.domain.calendar import today
from shared.domain.city import Catalogue, City
from shared.domain.clock import CLOCK
from shared.domain.command import On
from shared.domain.decider import Decider
from shared.domain.errors import (
    ConcurrencyError,
    CorruptionError,
    DomainError,
    NotFoundError,
    TimedOutError,
    UnavailableError,
)
from shared.domain.event import Event
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision, Policy
from shared.domain.record import Record
from shared.domain.signature import Needs, needs
from shared.domain.view import Rows
from shared.domain.words import _, term
from shared.following import cloudevents
from shared.following.authority import mandate_of
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.following.execute import execute
from shared.following.follow import Follower, GapError
from shared.following.parking import UNREADABLE
from shared.following.strays import Strays
from shared.following.whole import ShrunkError, known_of, require_whole
from shared.log import EventLog, Receipt
from shared.personal import Personal
from shared.views import ViewStore

#: Facts that are applied to views in one transaction, and asked of a source at a time.
BATCH = 200
#: Asks a source for its facts: `(source, after, limit)` to records, or raises `UnavailableError`.
Fetch = Callable[[str, int, int], list[Record]]
#: Seconds after which a wait looks whether another process of the service has applied what is waited for.
LOOK_EVERY = 0.1
#: Calls that wait for facts at length at a time, so that others find a worker.
WAITING = 8
#: Most bytes of data in one answer to a follower, unless a single fact has more.
LARGEST_FETCHED = 2_000_000
#: Seconds that a decision on all that the log says waits for the views to reflect it.
PATIENCE = 5.0

_log = structlog.get_logger()


def _behind(service: str, source: str, position: int) -> TimedOutError:
    template = _("{service} has not heard of {source} position {position} yet; try again")
    return TimedOutError(template, service=term("service", service), source=term("service", source), position=position)


class ServiceRuntime:
    """What a service process owns. Followers of one node are driven by one thread each."""

    def __init__(
        self,
        definition: Definition,
        log: EventLog,
        views: ViewStore,
        follower: type[Follower] = Follower,
        personal: Personal | None = None,
    ) -> None:
        self.definition = definition
        self.name = definition.name
        self.log = log
        self.views = views
        #: Seals and opens personal data; None where there are no keys, as in a replay.
        self.personal = personal
        self._catalogue = Catalogue()
        #: Messages that are no facts.
        self.strays = Strays(views)
        self._applied = threading.Condition()
        self.waiting = threading.Semaphore(WAITING)
        #: Names of the views of our own facts.
        self.own_views = frozenset(view.name for view in definition.all_views if view.source == self.name)
        #: Names of all views that facts are folded into.
        self.derived_views = frozenset(view.name for view in definition.all_views if view.source)
        #: Set while somebody waits for our views to reflect our own log.
        self.awaited = threading.Event()
        #: Held while facts are applied to the views.
        self.applying = threading.RLock()
        #: Raises `ShrunkError` when our log is shorter than what anybody in the city knows of it; asked at start and whether we are ready.
        self.compare: Callable[[EventLog], None] = self._compare_with_ours
        #: Raises `UnavailableError` when there is no room to write to.
        self.require_room: Callable[[], None] = lambda: None
        #: Whether the stored rows belong to the program's views; if not, they are rebuilt before anything reads or follows.
        self.ready = views.folded_alike()
        self.followers = {
            source: follower(
                source,
                definition.all_views,
                views,
                definition.decoder_for(source),
                self._policies_on(source),
                self.carry,
            )
            for source in (self.name, *definition.sources)
        }

    def city(self, day: str = "", views: Rows | None = None) -> City:
        """The city on a day (ISO date; "": today), as this service's views know it."""
        return City(views or self.views, day or today(), self._catalogue)

    def mandate(self, context: CallContext, views: Rows | None = None) -> Mandate:
        """What the caller may do today: a late entry is judged by who makes it, not by when it is said to have happened."""
        return mandate_of(context, self.city(views=views))

    def decide(
        self,
        decider: Decider[Any],
        id: str,
        decide: Callable[..., Iterable[Event | On]],
        context: CallContext,
        mandate: Mandate,
        command: str,
        *,
        wanted: Needs | None = None,
        alone: bool = False,
        views: Rows | None = None,
        repeated: Callable[[Any, Mapping[str, Any]], None] | None = None,
        **arguments: Any,
    ) -> Receipt:
        """Carry out a decision, giving it by type what it asks for: the city on the day, sealed text opened, other things held."""
        wanted = wanted or needs(decide)
        city = self.city(context.occurred[:10], views)
        given: dict[str, Any] = dict.fromkeys(wanted.city, city) | dict.fromkeys(wanted.open, self.open)

        def on_its_day(state: Any, *, at: str, **ask: Any) -> Iterable[Event | On]:
            if at[:10] != city.day:  # it takes the moment of the last fact, which is of a later day
                ask |= dict.fromkeys(wanted.city, self.city(at[:10], views))
            return decide(state, at=at, **ask)

        return execute(
            self.log,
            decider,
            id,
            on_its_day if wanted.city else decide,
            context=context,
            mandate=mandate,
            command=command,
            holds=wanted.holds,
            seal=self.personal.seal if self.personal else None,
            alone=self.up_to_date if alone else None,
            repeated=repeated,
            **given,
            **arguments,
        )

    def open(self, sealed: str, /) -> str | None:
        """Sealed text; raises `CorruptionError` when it was altered."""
        if self.personal is None:
            raise CorruptionError(f"{self.name} has no keys to open personal data with")
        try:
            return self.personal.open(sealed)
        except ValueError as error:
            raise CorruptionError(f"personal data cannot be read: {error}") from error

    def require_ready(self) -> None:
        """Raise `UnavailableError` while the views are rebuilt."""
        if not self.ready:
            raise UnavailableError(
                _("the lists of {service} are being rebuilt after an update; try again later"), service=self.name
            )

    def require_whole(self) -> None:
        """Raise `UnavailableError` when our log has shrunk; nothing is written to it then, until it has been put back."""
        try:
            self.compare(self.log)
        except ShrunkError as error:
            if not self.log.refused:
                _log.error("shrunk", service=self.name, reason=error.message)
            self.log.refused = error.said
            raise
        self.log.refused = ""

    def require_able(self) -> None:
        """Raise `UnavailableError` when this service cannot work: its history has shrunk, or nothing can be written."""
        self.require_whole()
        self.log.require_writable()
        self.require_room()

    def _compare_with_ours(self, log: EventLog) -> None:
        require_whole(log, known_of(self.name, {self.name: self.views.marks()}))

    def up_to_date(self) -> int:
        """Let the views reflect all of our own log; the position they have reached."""
        self.require_ready()
        head = self.log.head().position
        while self.followers[self.name].position < head and self.apply_own():
            pass
        self.wait_for({self.name: head}, PATIENCE)  # another process may be the one that applies
        return head

    def _policies_on(self, source: str) -> Mapping[str, Policy]:
        """What is done because of a source's facts; what asks for our rows because of another service's fact waits for them."""

        def up_to_date(policy: Policy) -> Policy:
            @wraps(policy)
            def decided(*given: Any, **city: City) -> Iterable[Decision]:
                self.up_to_date()
                return policy(*given, **city)

            return decided if needs(policy).city else policy

        found = self.definition.policies
        return found if source == self.name else {fact: up_to_date(policy) for fact, policy in found.items()}

    def carry(self, decision: Decision, context: CallContext, command: str, views: Rows | None = None) -> Receipt:
        """Carry out what a policy or the clock decided, with the authority of the service itself."""
        mandate = mandate_of(context, self.city())
        receipt = self.decide(
            decision.decider, decision.id, decision.decide, context, mandate, command, views=views, **decision.arguments
        )
        if decision.erases and self.personal is not None:
            self.personal.erase(decision.erases)  # a fact that comes again comes here again
        return receipt

    def tick(self, day: str) -> int:
        """Let every rule of the clock record what a day (ISO date) means; returns how many facts were written.

        Each rule acts once for its thing and period, however often and by whomever the day is ticked. When some of it fails, the first
        failure is raised after everything else is done: the day is not complete.
        """
        head, written, failed = self.up_to_date(), 0, None
        for rule in self.definition.clock:
            for row in list(rule.rows(self.city(day))):
                thing, period = rule.thing(row), rule.period(row)
                since = rule.since(row) if rule.since else day
                context = CallContext(
                    kind="service",
                    actor=f"clock:{rule.name}",
                    command_id=derived_id("clock", self.name, rule.name, thing, period),
                    occurred=f"{since}T00:00:00+08:00",
                )
                decision = Decision(rule.decider, thing, rule.decide, dict(rule.arguments(row)))
                try:
                    receipt = self.carry(decision, context, rule.name)
                    written += receipt.events if receipt.position > head else 0  # else it was done before
                except UnavailableError:  # nothing else could be written either
                    raise
                except Exception as error:  # of any kind: one bug must not stop the other things
                    refused = isinstance(error, DomainError) and not isinstance(error, ConcurrencyError)
                    level = _log.warning if refused else _log.error
                    level("clock", service=self.name, rule=rule.name, thing=thing, reason=str(error) or repr(error))
                    if not refused:  # a refused thing has changed since its row was written
                        failed = failed or error
        if failed is not None:
            raise failed
        return written

    def apply_own(self) -> bool:
        """Apply what was appended to our own log; True when there was something."""
        follower = self.followers[self.name]
        return self._advance(follower, list(self.log.read(follower.position, limit=BATCH)))

    def apply(self, source: str, epoch: int, records: Iterable[Record], fetch: Fetch) -> None:
        """Apply facts that arrived from another service; raises `GapError` when some before them are missing (`catch_up` fetches them).

        Those of another epoch of the source's log are not applied: they were published before a restore, and their positions may
        be taken by other facts now. What is true is asked of the source instead.
        """
        arrived = list(records)
        follower = self.followers[source]
        if epoch != follower.epoch:
            _log.warning("facts of another epoch", service=self.name, source=source, epoch=epoch, facts=len(arrived))
            with suppress(UnavailableError):  # asked again with the next fact, or when the source has been silent
                self.catch_up(source, fetch)
                if epoch > follower.epoch and follower.position >= arrived[-1].position:
                    follower.enter(epoch)  # this service's views are younger than the restore
            return
        try:
            self._advance(follower, arrived)
        except GapError:
            _log.info("gap", service=self.name, source=source, after=follower.position, arrived=arrived[-1].position)
            raise

    def catch_up(self, source: str, fetch: Fetch) -> None:
        """Fetch and apply everything the source has beyond our checkpoint."""
        follower = self.followers[source]
        while records := fetch(source, follower.position, BATCH):
            self._advance(follower, records)

    def _advance(self, follower: Follower, records: list[Record]) -> bool:
        before = follower.position
        try:
            with self.applying:
                follower.apply(records)
        except ConcurrencyError:  # another process took over in between; its checkpoint is the truth
            follower.reload()
        finally:
            if follower.position != before:
                with self._applied:
                    self._applied.notify_all()
        return follower.position != before

    def wait_for(self, after: Mapping[str, int], timeout: float) -> None:
        """Wait until the views reflect these positions; raises `TimedOutError`. Sources not followed are not waited for.

        At a rolling restart two processes share the views for a while, and the other one may be the one that applies.
        """
        if any(source in self.followers for source in after):
            self.require_ready()
        deadline = time.monotonic() + timeout
        for source, position in after.items():
            follower = self.followers.get(source)
            if source == self.name and follower is not None and follower.position < position:
                self.awaited.set()
            while follower is not None and follower.position < position:
                if (left := deadline - time.monotonic()) <= 0:
                    raise _behind(self.name, source, position)
                with self._applied:
                    if follower.position < position:
                        self._applied.wait(min(left, LOOK_EVERY))
                if follower.position < position and self.views.checkpoint(follower.name) >= position:
                    break

    def reload(self) -> None:
        """Read again how far each follower is."""
        for follower in self.followers.values():
            follower.reload()

    def parked_by(self, source: str) -> Follower | Strays:
        """Who parked what came from a source; raises `NotFoundError` when this service does not follow it."""
        if source == UNREADABLE:
            return self.strays
        if source not in self.followers:
            raise NotFoundError(
                _("{service} does not follow {source}"), service=term("service", self.name), source=source
            )
        return self.followers[source]

    def retry(self, source: str, stream: str) -> int:
        """Apply the parked facts of a stream again while nothing else is applied; returns how many were."""
        self.require_ready()
        with self.applying:
            return self.parked_by(source).retry(stream)

    def skip(self, source: str, stream: str, position: int) -> int:
        """Leave a parked fact out for good, likewise; returns how many of those behind it were applied."""
        self.require_ready()
        with self.applying:
            return self.parked_by(source).skip(stream, position)

    def close(self) -> None:
        """Close the log and the views."""
        self.log.close()
        self.views.close()

    def status(self) -> dict[str, Any]:
        """Heads, checkpoints and parked facts, for operators."""
        return {
            "service": self.name,
            "head": self.log.head().position,
            "relayed": self.views.checkpoint("relay"),
            "ready": self.ready,
            "clock": self._clock(),
            "followers": {
                source: {"position": follower.position, "parked": follower.parked}
                for source, follower in self.followers.items()
            },
        }

    def _clock(self) -> str:
        """Return the last day that the clock completed, "" for none."""
        done = self.views.checkpoint(CLOCK) if self.definition.clock else 0
        return date.fromordinal(done).isoformat() if done else ""

    def read_log(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Facts as CloudEvents for followers that missed some: attributes, and the data as text.

        Fewer than `limit` when they are large, but one at least: whoever asks goes on asking until there are none.
        """
        facts: list[dict[str, Any]] = []
        size = 0
        for record in self.log.read(after, limit=limit):
            size += len(bytes(record.data))
            if facts and size > LARGEST_FETCHED:
                break
            facts.append({"attributes": cloudevents.attributes(self.name, record), "data": bytes(record.data).decode()})
        if not facts and after > self.log.head().position:  # whoever asks has seen more than there is
            self.require_whole()
        return facts
