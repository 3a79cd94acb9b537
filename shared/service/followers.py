"""The threads around a node: they apply its own log, relay it to the broker, and consume other services' facts.

They replace nameko's `event_handler`, which drops an event whose handler raises, keeps no order, and acknowledges what it cannot
decode. No error here ends the process: each is logged, counted, and retried after a pause.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from eventlet.timeout import Timeout
from kombu import Connection, Consumer
from nameko.extensions import SharedExtension

from shared.broker import heartbeat
from shared.broker.connecting import connection as connection_to
from shared.broker.topology import TopologyError, declare, explained, queue_for
from shared.domain.calendar import today
from shared.domain.errors import BadInputError, LinliError, UnavailableError
from shared.domain.record import Record
from shared.following import cloudevents
from shared.following.context import CallContext
from shared.following.follow import GapError
from shared.following.node import BATCH, ServiceRuntime
from shared.following.parking import UNREADABLE
from shared.following.rebuilding import renew
from shared.service import metrics, tracing
from shared.service.clock import Clock
from shared.service.relay import Relay, fact_codes, holder_of
from shared.service.rpc import Caller
from shared.views.port import OvertakenError

#: Seconds before a loop retries.
PAUSE = 0.5
#: Seconds before a loop retries what an operator must correct.
LONG_PAUSE = 10.0
#: Seconds between an append and the update of the service's own views, unless a call waits for them.
GATHER = 0.02
#: Seconds between two updates of the gauges.
SHOW_EVERY = 1.0
#: Seconds that the lease for rebuilding the views lasts; each batch renews it.
FOLDING = 30.0
#: Seconds that a stopping service gives a loop to finish; the relay publishes the rest of the log in that time.
STOP_WITHIN = 2.0

_log = structlog.get_logger()


class Followers(SharedExtension):
    """Runs a node's loops as green threads of the container.

    When the stored rows belong to other views than the program's, they are rebuilt first; only the relay, which needs no views, runs then.
    """

    caller = Caller()
    node: ServiceRuntime

    def __init__(self) -> None:
        self._due: dict[str, float] = {}  # when to ask each source for missed facts
        self._missed: dict[str, threading.Event] = {}  # wakes who asks a source for them
        self._stopping = threading.Event()
        self._appended = threading.Event()  # wakes the projector
        self._to_relay = threading.Event()
        self.more: tuple[type[Relay], ...] = ()
        self._threads: dict[str, Any] = {}

    def follow(self, node: ServiceRuntime, relays: tuple[type[Relay], ...] = ()) -> None:
        """Set the node, and kinds of relays that publish something besides its log; called once, before the start."""
        self.node, self.more = node, relays
        node.log.on_append(self._wake)

    def _wake(self) -> None:
        self._to_relay.set()  # the first thread woken runs first, and other services wait for what is relayed
        self._appended.set()

    def setup(self) -> None:
        """Read the keys with which the relay signs facts and followers check them."""
        settings = self.container.config["settings"]
        self._codes = fact_codes(settings)
        self._holder = holder_of(settings)
        self.relay = Relay(settings, self._codes, self._stopping, self._to_relay)
        self.clock = Clock(self._stopping, self._holder, lambda: settings.today or today())

    def start(self) -> None:
        """Start the loops."""
        # exported as zero first, or an alarm on the increase would miss the first one
        metrics.PARKED.labels(self.node.name, UNREADABLE)
        self._run("relay", lambda: self.relay.run(self.node))
        settings = self.container.config["settings"]
        if not settings.amqp_uri.startswith("linli://"):  # no other system subscribes to a broker inside this process
            for kind in self.more:
                other = kind(settings, self._codes, self._stopping, self._to_relay)
                self._run(other.name, partial(other.run, self.node))
        if self.node.ready:
            self._run_followers()
        else:
            self._run("renewal", self._renew)

    def _run(self, name: str, loop: Callable[[], None]) -> None:
        self._threads[name] = self.container.spawn_managed_thread(lambda: self._keep_on(name, loop), name)

    def _run_followers(self) -> None:
        """Start the loops that use views."""
        self._run("projector", self._project)
        for source in self.node.definition.sources:  # apart, so that one that does not answer holds up nobody
            self._due[source], self._missed[source] = 0.0, threading.Event()
            self._run(f"catching up with {source}", partial(self._keep_up, source))
        if self.node.definition.sources:
            self._run("consumer", self._consume)
        if self.node.definition.clock:
            self._run("clock", lambda: self.clock.run(self.node))

    def _renew(self) -> None:
        """Rebuild the views, or wait while another process of the service rebuilds them; then start the followers."""
        views, name = self.node.views, self.node.name

        def between(error: UnavailableError | None) -> None:
            if not views.lease("renewal", self._holder, FOLDING):
                raise UnavailableError(f"another process rebuilds the views of {name}")
            if error is not None:
                _log.warning("rebuilding waits", service=name, error=error.message)
                self._stopping.wait(PAUSE)
            if self._stopping.is_set():
                raise UnavailableError(f"{name} stops")

        while not self._stopping.is_set() and not self.node.ready:
            if views.folded_alike() or views.lease("renewal", self._holder, FOLDING):
                renew(self.node, self.fetch, between)
                views.lease("renewal", self._holder, 0)
            else:
                self._stopping.wait(PAUSE)
        if not self._stopping.is_set():
            self._run_followers()

    def stop(self) -> None:
        """Let each loop finish its current work, and kill a loop that waits for an absent server (R3).

        The next process finds the relay's lease free and the queue of facts without a consumer.
        """
        self._stopping.set()
        self._wake()
        for missed in self._missed.values():
            missed.set()
        threads, self._threads = self._threads, {}
        with Timeout(STOP_WITHIN, False):
            for thread in threads.values():
                thread.wait()
        for name, thread in threads.items():
            if not thread.dead:
                _log.warning("loop not waited for", service=self.node.name, loop=name, seconds=STOP_WITHIN)
            thread.kill()  # safe at any point: checkpoints record what was done

    def kill(self) -> None:
        """Stop without waiting: the container is being killed."""
        self._stopping.set()
        self._wake()

    def _keep_on(self, name: str, loop: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                loop()
                return
            except Exception as error:  # a loop must outlive any failure of a server or a bug in one fact
                metrics.RETRIES.labels(self.node.name, name).inc()
                level = _log.warning if isinstance(error, LinliError | OSError) else _log.exception
                level("loop tries again", service=self.node.name, loop=name, error=str(error) or repr(error))
                self._stopping.wait(LONG_PAUSE if isinstance(error, TopologyError | OvertakenError) else PAUSE)

    def _project(self) -> None:
        """Apply the service's own log to its views, and update the gauges."""
        follower = self.node.followers[self.node.name]
        applied = metrics.APPLIED.labels(self.node.name, self.node.name)
        show = 0.0
        while not self._stopping.is_set():
            self._appended.clear()
            self.node.awaited.clear()
            before = follower.position
            self.node.apply_own()
            applied.set(follower.position)
            if time.monotonic() >= show:
                metrics.show(self.node.status())
                show = time.monotonic() + SHOW_EVERY
            if follower.position - before < BATCH:  # the log was read to its end; a later append wakes this loop
                self._appended.wait(1.0)
                if not self._stopping.is_set():
                    self.node.awaited.wait(GATHER)  # one transaction applies all appends of this time

    def _consume(self) -> None:
        """Consume other services' facts as they arrive; what was missed before them is fetched meanwhile."""
        settings = self.container.config["settings"]
        node = self.node
        queue = queue_for(node.name, node.definition.sources)
        with connection_to(settings.amqp_uri, settings.amqp_tls, heartbeat=heartbeat.HEARTBEAT) as connection:
            with explained(settings.amqp_uri):
                connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
            declare(connection, queue)
            channel = connection.channel()
            channel.auto_decode = False  # a parked message is kept byte for byte
            arrived: list[Any] = []
            consumer = Consumer(
                channel, [queue], on_message=arrived.append, accept=None, prefetch_count=BATCH, auto_declare=False
            )
            with consumer, heartbeat.beating(connection):
                for source in node.definition.sources:  # some may have been lost with the connection
                    self._ask_at(source, 0.0)
                while not self._stopping.is_set():
                    if self._drain(connection, arrived):
                        self._take_in(arrived, settings.catch_up)
                        arrived.clear()

    def _drain(self, connection: Connection, arrived: list[Any]) -> bool:
        """Wait for messages and take all that have arrived; False when the service stops."""
        timeout = 0.25
        while len(arrived) < BATCH and not self._stopping.is_set():
            try:
                connection.drain_events(timeout=0 if arrived else timeout)
            except TimeoutError:
                if arrived:
                    break
                if connection.supports_heartbeats:
                    connection.heartbeat_check()
        return bool(arrived)

    def _take_in(self, messages: list[Any], catch_up: float) -> None:
        batch: list[Record] = []
        before = ("", 0)
        for message in messages:
            try:
                headers = cloudevents.from_headers(message.headers)
                found, record = cloudevents.parse(headers, _bytes(message.body))
                if found not in self.node.definition.sources:
                    raise BadInputError(f"this service does not follow {found!r}")
                if not cloudevents.authentic(headers, _bytes(message.body), self._codes):
                    raise BadInputError(f"not authentic: {found} did not send position {record.position} like this")
                origin = (found, cloudevents.epoch_of(headers))
            except BadInputError as error:
                self.node.strays.keep(message.headers, _bytes(message.body), error.message)
                metrics.PARKED.labels(self.node.name, UNREADABLE).inc()
                continue
            tracing.arrived(record, headers.get(tracing.ATTRIBUTE))
            if origin != before:
                self._apply(*before, batch, catch_up)
                before, batch = origin, []
            batch.append(record)
        self._apply(*before, batch, catch_up)
        for message in messages:
            message.ack()

    def _apply(self, source: str, epoch: int, batch: list[Record], catch_up: float) -> None:
        """Apply facts that arrived; those that cannot be applied now are fetched from the source's log later."""
        if not batch:
            return
        self._due[source] = time.monotonic() + catch_up
        try:
            self.node.apply(source, epoch, batch, self.fetch)
        except GapError:
            self._ask_at(source, 0.0)
        except OvertakenError:  # whoever overtook us is to get what comes
            raise
        except UnavailableError as error:
            self._put_off(source, error)
            self._ask_at(source, time.monotonic() + PAUSE)
        metrics.APPLIED.labels(self.node.name, source).set(self.node.followers[source].position)

    def _put_off(self, source: str, error: UnavailableError) -> None:
        """Log that a source or the service's own store does not answer; the message names it."""
        metrics.RETRIES.labels(self.node.name, "consumer").inc()
        _log.warning("catching up put off", service=self.node.name, source=source, error=error.message)

    def _ask_at(self, source: str, due: float) -> None:
        """Have a source asked for missed facts at a time, or earlier."""
        self._due[source] = min(due, self._due[source])
        self._missed[source].set()

    def _keep_up(self, source: str) -> None:
        """Ask a source for missed facts at start, when some are missing, and whenever nothing arrived from it for long.

        One that does not answer is asked again later.
        """
        catch_up = self.container.config["settings"].catch_up
        missed, applied = self._missed[source], metrics.APPLIED.labels(self.node.name, source)
        self._due[source] = pause = 0.0
        while not self._stopping.is_set():
            missed.clear()
            if (left := self._due[source] - time.monotonic()) > 0:
                missed.wait(left)
                continue
            pause = pause or (catch_up if self._due[source] else PAUSE)  # what is known to be missing is wanted soon
            self._due[source] = time.monotonic() + catch_up  # before the question, for more may be missed meanwhile
            try:
                self.node.catch_up(source, self.fetch)
                applied.set(self.node.followers[source].position)
                pause = 0.0
            except OvertakenError:
                raise
            except UnavailableError as error:
                self._put_off(source, error)
                self._ask_at(source, time.monotonic() + pause)

    def fetch(self, source: str, after: int, limit: int) -> list[Record]:
        """Fetch a source's facts after a position; raises `UnavailableError` when it returns none or unreadable ones."""
        context = CallContext(kind="service", actor=self.node.name)
        try:
            answer = self.caller.call(source, "read_log", context, {"after": after, "limit": limit}, wait=False)
            return [cloudevents.parse(fact["attributes"], fact["data"].encode())[1] for fact in answer["facts"]]
        except UnavailableError:
            raise
        except LinliError as error:
            raise UnavailableError(f"{source} does not give its facts: {error.message}") from error


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
