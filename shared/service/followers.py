"""The threads around a node: apply our own log, relay it to the broker, and take in other services' facts.

These replace nameko's `event_handler` for facts: it drops an event whose handler raises, keeps no order, and acknowledges what it
cannot decode. Nothing here ends a process: an error is logged, counted, and tried again after a pause.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from eventlet.timeout import Timeout
from kombu import Connection, Consumer
from nameko.extensions import SharedExtension

from shared.broker import beating
from shared.broker.connecting import connection as connection_to
from shared.broker.topology import TopologyError, declare, explained, queue_for
from shared.domain.calendar import today
from shared.domain.errors import BadInputError, LinliError, UnavailableError
from shared.domain.record import Record
from shared.following import cloudevents
from shared.following.context import Context
from shared.following.node import BATCH, Node
from shared.following.parking import UNREADABLE
from shared.service import metrics, tracing
from shared.service.clock import Clock
from shared.service.relay import Relay, fact_codes, holder_of
from shared.service.rpc import Caller
from shared.views.port import OvertakenError

#: Seconds before a loop tries again.
PAUSE = 0.5
#: Seconds before a loop tries again what an operator must put right.
LONG_PAUSE = 10.0
#: Seconds after an append before our own views are brought up to date, unless somebody waits for them.
GATHER = 0.02
#: Seconds between two looks at what the gauges show.
SHOW_EVERY = 1.0
#: Seconds that the right to fold the views anew lasts; it is renewed with every batch.
FOLDING = 30.0
#: Seconds that a loop gets to finish when the service stops; the relay publishes what is in the log until then.
STOP_WITHIN = 2.0

_log = structlog.get_logger()


class Followers(SharedExtension):
    """Runs a node's loops as green threads of the container.

    Where the rows are not those of the program's views, they are folded anew first; only the relay, which needs none, runs meanwhile.
    """

    caller = Caller()
    node: Node

    def __init__(self) -> None:
        self._due: dict[str, float] = {}  # when each source is to be asked whether anything was missed
        self._stopping = threading.Event()
        self._appended = threading.Event()  # something for the projector
        self._to_relay = threading.Event()
        self._threads: dict[str, Any] = {}

    def follow(self, node: Node) -> None:
        """Name the node to work for; called once, before the start."""
        self.node = node
        node.log.on_append(self._wake)

    def _wake(self) -> None:
        self._to_relay.set()  # the first that is woken runs first, and others wait for what is relayed
        self._appended.set()

    def setup(self) -> None:
        """Take the key for facts; the relay signs them."""
        settings = self.container.config["settings"]
        self._codes = fact_codes(settings)
        self._holder = holder_of(settings)
        self.relay = Relay(settings, self._codes, self._stopping, self._to_relay)
        self.clock = Clock(self._stopping, self._holder, lambda: settings.today or today())

    def start(self) -> None:
        """Start the loops."""
        metrics.PARKED.labels(self.node.name, UNREADABLE)  # seen at zero first, or an alarm would miss the first one
        self._run("relay", lambda: self.relay.run(self.node))
        if self.node.ready:
            self._run_followers()
        else:
            self._run("renewal", self._renew)

    def _run(self, name: str, loop: Callable[[], None]) -> None:
        self._threads[name] = self.container.spawn_managed_thread(lambda: self._keep_on(name, loop), name)

    def _run_followers(self) -> None:
        """Start what reads and writes views."""
        self._run("projector", self._project)
        if self.node.definition.sources:
            self._run("consumer", self._consume)
        if self.node.definition.clock:
            self._run("clock", lambda: self.clock.run(self.node))

    def _renew(self) -> None:
        """Fold the views anew, unless another process of the service is doing it, and then start to follow."""
        views, name = self.node.views, self.node.name

        def between(error: UnavailableError | None) -> None:
            if not views.lease("renewal", self._holder, FOLDING):
                raise UnavailableError(f"another process folds the views of {name} anew")
            if error is not None:
                _log.warning("folding put off", service=name, error=error.message)
                self._stopping.wait(PAUSE)
            if self._stopping.is_set():
                raise UnavailableError(f"{name} stops")

        while not self._stopping.is_set() and not self.node.ready:
            if views.folded_alike() or views.lease("renewal", self._holder, FOLDING):
                self.node.renew(self.fetch, between)
                views.lease("renewal", self._holder, 0)
            else:
                self._stopping.wait(PAUSE)
        if not self._stopping.is_set():
            self._run_followers()

    def stop(self) -> None:
        """Let each loop finish what it is doing; one that waits for a server that is gone is not waited for (R3).

        Whoever comes next finds the relay's lease free, and the queue of facts without a consumer.
        """
        self._stopping.set()
        self._wake()
        threads, self._threads = self._threads, {}
        with Timeout(STOP_WITHIN, False):
            for thread in threads.values():
                thread.wait()
        for name, thread in threads.items():
            if not thread.dead:
                _log.warning("loop not waited for", service=self.node.name, loop=name, seconds=STOP_WITHIN)
            thread.kill()  # safe at any point: checkpoints say what was done

    def kill(self) -> None:
        """The container is being killed: stop at the next chance."""
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
        """Apply our own log to our views, and show how far everything is."""
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
            if follower.position - before < BATCH:  # there was no more; whoever appended since has woken us
                self._appended.wait(1.0)
                if not self._stopping.is_set():
                    self.node.awaited.wait(GATHER)  # one transaction carries what is appended meanwhile

    def _consume(self) -> None:
        """Take in other services' facts: what was missed first, then what arrives."""
        settings = self.container.config["settings"]
        node = self.node
        queue = queue_for(node.name, node.definition.sources)
        with connection_to(settings.amqp_uri, settings.amqp_tls, heartbeat=beating.HEARTBEAT) as connection:
            with explained(settings.amqp_uri):
                connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
            declare(connection, queue)
            channel = connection.channel()
            channel.auto_decode = False  # a message that is parked is kept byte for byte
            arrived: list[Any] = []
            consumer = Consumer(
                channel, [queue], on_message=arrived.append, accept=None, prefetch_count=BATCH, auto_declare=False
            )
            with consumer, beating.beating(connection):
                self._due = dict.fromkeys(node.definition.sources, 0.0)
                while not self._stopping.is_set():
                    self._ask(settings.catch_up)
                    if self._drain(connection, arrived, min(self._due.values())):
                        self._take_in(arrived, settings.catch_up)
                        arrived.clear()

    def _drain(self, connection: Connection, arrived: list[Any], until: float) -> bool:
        """Wait for messages and take those that are there; False when none had come by then."""
        timeout = 0.25
        while len(arrived) < BATCH and not self._stopping.is_set():
            try:
                connection.drain_events(timeout=0 if arrived else timeout)
            except TimeoutError:
                if arrived:
                    break
                if connection.supports_heartbeats:
                    connection.heartbeat_check()
                if time.monotonic() >= until:
                    return False
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
        """Apply facts that arrived; those that cannot be applied now are not waited for: the log has them, they are asked for again."""
        if not batch:
            return
        self._due[source] = time.monotonic() + catch_up
        try:
            self.node.apply(source, epoch, batch, self.fetch)
        except OvertakenError:  # whoever overtook us is to get what comes
            raise
        except UnavailableError as error:
            self._put_off(source, error)
            self._due[source] = time.monotonic() + PAUSE
        metrics.APPLIED.labels(self.node.name, source).set(self.node.followers[source].position)

    def _put_off(self, source: str, error: UnavailableError) -> None:
        """Say that a source, or our own store, does not answer: the message says which."""
        metrics.RETRIES.labels(self.node.name, "consumer").inc()
        _log.warning("catching up put off", service=self.node.name, source=source, error=error.message)

    def _ask(self, catch_up: float) -> None:
        """Catch up with every source that has been silent for `catch_up` seconds, however much the others say.

        One that does not answer is asked again later.
        """
        for source, due in self._due.items():
            if self._stopping.is_set():
                return
            if due > time.monotonic():
                continue
            try:
                self.node.catch_up(source, self.fetch)
            except OvertakenError:
                raise
            except UnavailableError as error:
                self._put_off(source, error)
            self._due[source] = time.monotonic() + catch_up

    def fetch(self, source: str, after: int, limit: int) -> list[Record]:
        """Ask a source for its facts beyond a position; raises `UnavailableError` when it does not give them, or none we can read."""
        context = Context(kind="service", actor=self.node.name)
        try:
            answer = self.caller.call(source, "read_log", context, {"after": after, "limit": limit}, wait=False)
            return [cloudevents.parse(fact["attributes"], fact["data"].encode())[1] for fact in answer["facts"]]
        except UnavailableError:
            raise
        except LinliError as error:
            raise UnavailableError(f"{source} does not give its facts: {error.message}") from error


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
