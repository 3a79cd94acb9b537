"""What a method may use while it answers one call: its service (`Here`), and the call itself: who asks, what, and the answer.

Errors travel as data, not as pickled exceptions: an answer is `{"ok": …}` or `{"error": {kind, message, fields}}`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
import structlog
from eventlet import sleep
from marshmallow import Schema, ValidationError
from nameko.extensions import DependencyProvider

from shared.domain.calendar import LOCAL
from shared.domain.city import City
from shared.domain.command import Command
from shared.domain.decider import Decider
from shared.domain.errors import (
    BadInputError,
    CorruptionError,
    DomainError,
    LinliError,
    UnavailableError,
    to_mapping,
)
from shared.domain.identity import derived_id, new_id
from shared.domain.mandate import Mandate
from shared.domain.moments import TOLERANCE
from shared.domain.query import Query
from shared.domain.reader import Reader
from shared.domain.structures import load_fields
from shared.domain.view import Row
from shared.domain.words import _, said
from shared.following.codes import Codes
from shared.following.context import CallContext, Signer
from shared.following.definition import Definition
from shared.following.follow import Follower
from shared.following.node import ServiceRuntime
from shared.following.parking import DIGESTS
from shared.following.performing import perform
from shared.following.reading import UpToDate
from shared.following.snapshots import PURPOSE
from shared.following.together import Done, perform_all
from shared.log import EventLog
from shared.personal import Personal
from shared.service import metrics, tracing
from shared.service.followers import Followers
from shared.service.history import History
from shared.service.operations import OPERATIONS
from shared.service.relay import Relay
from shared.service.storage import open_keys, open_log, open_views, require_room
from shared.views import ViewStore

#: Part of a call's time-out that a service may wait for its views to reach given facts; the rest is for the answer.
WAIT_SHARE = 0.8
#: Seconds that calls of nobody in particular may wait for them, and all calls while many wait already.
SHORT = 0.5

#: Positions at the end of a log whose sealed texts are tried at start.
TRIED = 200

_log = structlog.get_logger()


class Here(DependencyProvider):
    """A service's log, views and followers: opened once per process, and given to each call as a `Call`."""

    followers = Followers()

    def __init__(
        self, definition: Definition, follower: type[Follower] = Follower, relays: tuple[type[Relay], ...] = ()
    ) -> None:
        """`relays` publish something besides the log."""
        self.definition = definition
        self._follower = follower
        self._relays = relays

    def setup(self) -> None:
        settings = self.container.config["settings"]
        name = self.definition.name
        # under eventlet the writer yields once, so that other ready commands can share its disk flush
        log = open_log(settings, name, gather=functools.partial(sleep, 0))
        log.codes = Codes(settings.secrets(), PURPOSE)
        views = open_views(settings, name, self.definition.all_views, durable=self.definition.durable)
        tracing.configure(settings.traces)
        tracing.observe(log)
        self.personal = Personal(open_keys(settings))
        _try_keys(self.definition, self.personal, log)
        self.node = ServiceRuntime(self.definition, log, views, tracing.traced(name, self._follower), self.personal)
        self.history = History(settings)
        self.node.compare = self.history.check
        self.node.require_room = functools.partial(require_room, settings)
        if not settings.mongodb_uri:  # a process of a city has waited for this before it got here
            self.node.require_whole()
        self.signer = Signer(*settings.secrets())
        self.digests = Codes(settings.secrets(), DIGESTS)
        self.patience = settings.rpc_timeout * WAIT_SHARE
        self.followers.follow(self.node, self._relays)

    def stop(self) -> None:
        self.followers.stop()  # before the log and the views, which they use
        self.node.close()
        self.history.close()

    def get_dependency(self, worker_ctx: Any) -> Call:
        return Call(self, worker_ctx.data.get("linli"), worker_ctx.data.get(tracing.ATTRIBUTE))


def _try_keys(definition: Definition, personal: Personal, log: EventLog) -> None:
    """Open the sealed texts that were recorded last, and say at once what could not be read later.

    Raises `UnavailableError` when none can be opened: the keys are lost, or another city's.
    """
    tried, wrong = 0, []
    for commit in log.read_commits(max(0, log.head().position - TRIED)):
        try:
            texts = list(definition.sealed_in(commit))
        except CorruptionError:  # a fact that cannot be read is parked when it is applied
            continue
        for sealed in texts:
            tried += 1
            try:
                personal.open(sealed)
            except ValueError as error:
                wrong.append(f"position {commit.position}: {error}")
    if wrong:
        _log.error("personal data cannot be read", service=log.name, tried=tried, wrong=len(wrong), first=wrong[0])
    if wrong and len(wrong) == tried:
        raise UnavailableError(
            f"the keys of personal data are lost or another city's: none of the last {tried} sealed texts of {log.name} can be opened "
            f"({wrong[0]}). Put the newest copy of the keys back"
        )


class Call:
    """What a method may use while it answers one call."""

    context: CallContext

    def __init__(self, here: Here, signed: str | None, traceparent: str | None = None) -> None:
        self._here = here
        self._signed = signed
        self._traceparent = traceparent
        self._command = ""
        self._believed = False
        self._mandate: Mandate | None = None
        self.node = here.node
        self._views = cast(ViewStore, UpToDate(here.node))
        self.fetch = here.followers.fetch
        self.personal, self.digests = here.personal, here.digests

    @property
    def views(self) -> ViewStore:
        """This service's views; those of its own facts reflect every command that this process acknowledged."""
        return self._views

    @property
    def at(self) -> str:
        """When it happened according to the caller, as RFC 3339."""
        return self.context.occurred

    @property
    def mandate(self) -> Mandate:
        """The caller's mandate."""
        if self._mandate is None:
            self._mandate = self.node.mandate(self.context, self.views)
        return self._mandate

    def require(self, power: str, place: str = "") -> None:
        """Raise `ForbiddenError` unless the caller has the power at the place."""
        self.mandate.require(power, place)

    def city(self, day: str = "") -> City:
        """The city on a day (ISO date; "": today), as this service's views know it."""
        return self.node.city(day, self.views)

    def perform(self, command: Command, ask: Mapping[str, Any]) -> dict[str, Any]:
        """Give a declared command; the receipt as plain data, with what the caller may do next."""
        with tracing.span(self.node.name, f"execute {command.name}", correlation_id=self.context.correlation_id):
            return perform(self.node, command, self.context, self.mandate, ask, self.views)

    def perform_all(self, command: Command, lines: Sequence[Mapping[str, Any]], dry_run: bool) -> dict[str, Any]:
        """Give a declared command once for each line; what each wrote, or why it was refused."""
        loader = _loader(self._schema(command.name))
        loaded: list[Mapping[str, Any]] = []
        wrong: dict[int, LinliError] = {}
        for number, line in enumerate(lines):
            try:
                loaded.append(loader.load(line))
            except ValidationError as error:
                wrong[number] = BadInputError(_("the input has mistakes"), _fields(error))
        with tracing.span(self.node.name, f"execute {command.name}", correlation_id=self.context.correlation_id):
            done = perform_all(self.node, command, self.context, self.mandate, loaded, dry_run)
        told = iter(done.lines)
        found: list[Done | LinliError] = [wrong[n] if n in wrong else next(told) for n in range(len(lines))]
        written = sum(one.facts for one in found if isinstance(one, Done))
        return {
            "service": self.node.name,
            "position": done.position,
            "events": 0 if dry_run else written,
            "lines": [
                {"id": one.id, "events": one.facts} if isinstance(one, Done) else {"error": to_mapping(one)}
                for one in found
            ],
        }

    def read(self, query: Query, ask: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a declared query."""
        city = self.city()
        reader = Reader(self.node.name, self.views, self.mandate, city, city.day, self._open_or_say)
        return query.answered(reader, ask)

    def _open_or_say(self, sealed: str, /) -> str | None:
        """Sealed text for a reader, None when it is erased or cannot be opened: one bad row does not spoil a list."""
        try:
            return self.node.open(sealed)
        except CorruptionError as error:
            _log.error("personal data cannot be read", service=self.node.name, reason=error.message)
            return None

    def offers(self) -> dict[str, Any]:
        """The declared commands that the caller has a power for, and the lists (`find_…`) that do not refuse them."""
        definition, mandate = self.node.definition, self.mandate
        commands = [
            {"command": command.name, "new": command.new is not None}
            for command in definition.commands.values()
            if any(mandate.may(power, mandate.place) for power in command.powers())
        ]
        return {
            "commands": commands,
            "lists": [query.name for query in definition.queries.values() if self._readable(query)],
        }

    def _readable(self, query: Query) -> bool:
        """Whether a list answers without being asked for anything in particular."""
        if not query.name.startswith("find_") or any(field.required for field in query.fields):
            return False
        try:
            self.read(
                query, load_fields(query.fields, {"limit": 1} if "limit" in {f.name for f in query.fields} else {})
            )
        except DomainError:
            return False
        return True

    def new_id(self, kind: str) -> str:
        """Return an id for a new aggregate; the same command gives the same id."""
        return derived_id(self.node.name, kind, self.context.command_id)

    def execute(self, decider: Decider[Any], id: str, decide: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
        """Run a decision and append its events; returns the receipt as plain data."""
        with tracing.span(self.node.name, f"execute {self._command}", correlation_id=self.context.correlation_id):
            receipt = self.node.decide(
                decider, id, decide, self.context, self.mandate, self._command, views=self.views, **arguments
            )
        position = receipt.position or self.node.log.head().position
        return {
            "id": id,
            "service": self.node.name,
            "position": position,
            "version": receipt.version,
            "events": receipt.events,
        }

    def find(
        self, view: str, where: Mapping[str, Any], order: str = "key", limit: int = 50, cursor: str | None = None
    ) -> Row:
        """Return a page of rows; filters that are None do not apply."""
        given = {name: value for name, value in where.items() if value is not None}
        page = self.views.find(view, given, order, limit, cursor)
        return {"rows": list(page.rows), "next": page.next}

    def answer(
        self, name: str, kind: str, arguments: dict[str, Any], work: Callable[[dict[str, Any]], Any]
    ) -> dict[str, Any]:
        """Check the caller and the arguments, run the method, and return its result or error as one mapping."""
        started = time.perf_counter()
        service = self.node.name
        self._command = name
        outcome = "ok"
        correlation_id = context_kind = ""
        try:
            context = self._here.signer.open(self._signed, f"{service}.{name}", arguments)
            self._believed = True
            correlation_id, context_kind = context.correlation_id, context.kind
            claimed, self.context = context.occurred, _timed(context) if kind == "command" else context
            with tracing.span(service, f"{service}.{name}", "SERVER", correlation_id, self._traceparent):
                try:
                    ask = _loader(self._schema(name)).load(arguments)
                except ValidationError as error:
                    raise BadInputError(_("the input has mistakes"), _fields(error)) from error
                if kind == "command":
                    told = {key: value for key, value in ask.items() if value != _left_out(self._schema(name), key)}
                    content = self._here.signer.content(f"{service}.{name}", told, claimed)
                    self.context = msgspec.structs.replace(self.context, content=content)
                self._wait_for_positions()
                return {"ok": work(ask)}
        except LinliError as error:
            outcome = error.kind
            if kind == "command" and isinstance(error, UnavailableError):
                self.node.log.doubt(error.message)
            return {"error": to_mapping(error)}
        except Exception as error:  # a bug: the caller gets an answer, the operator the traceback
            outcome = "error"
            _log.exception("call failed", service=service, method=name, correlation_id=correlation_id)
            return {
                "error": {"kind": "error", "message": f"{service}.{name} failed: {type(error).__name__}", "fields": {}}
            }
        finally:
            seconds = time.perf_counter() - started
            metrics.calls(service, name, outcome).observe(seconds)
            say = (
                _log.debug if context_kind == "service" else _log.info
            )  # the many calls of followers would hide the rest
            say(
                kind,
                service=service,
                method=name,
                outcome=outcome,
                ms=round(seconds * 1000, 1),
                correlation_id=correlation_id,
            )

    def _wait_for_positions(self) -> None:
        """Wait until the views reflect what the caller has seen; raises `TimedOutError`. Few calls wait at length at a time."""
        if not self.context.after:
            return
        long = self.context.kind != "anonymous" and self.node.waiting.acquire(blocking=False)
        try:
            self.node.wait_for(self.context.after, timeout=self._here.patience if long else SHORT)
        finally:
            if long:
                self.node.waiting.release()

    def signed(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Add the code to an answer; the answer to an unsigned call gets none."""
        return self._here.signer.answer(answer, self._signed) if self._signed is not None and self._believed else answer

    def _schema(self, name: str) -> Any:
        definition = self.node.definition
        for table in (definition.commands_checked, definition.queries_checked, OPERATIONS):
            if name in table:
                return table[name]
        raise LookupError(f"{name} has no schema in {definition.name}")


@functools.cache
def _loader(schema: type[Schema]) -> Schema:
    """Return the one instance of a schema, which checks all calls: it keeps no state of them."""
    return schema()


def _left_out(schema: type[Schema], name: str) -> Any:
    """What an argument is when it is left out, so that a new one does not make another content of what was sent before."""
    default = _loader(schema).fields[name].load_default
    return default() if callable(default) else default


def _timed(context: CallContext) -> CallContext:
    now = datetime.now(LOCAL)
    if not context.occurred:
        occurred = now.isoformat(timespec="seconds")
    else:
        try:
            moment = datetime.fromisoformat(context.occurred)
            if moment.tzinfo is None:
                raise ValueError("no offset from UTC")
        except ValueError as error:
            raise BadInputError(
                _("must be a time with its offset, like 2026-03-01T09:00:00+08:00"), {"occurred": str(error)}
            ) from None
        if moment > now + TOLERANCE:
            raise BadInputError(
                _("{moment} has not come yet"),
                {"occurred": said(_("must not be in the future"))},
                moment=context.occurred,
            )
        occurred = moment.astimezone(LOCAL).isoformat(timespec="seconds")
    command_id = context.command_id or new_id()
    at_once = context.at_once or not context.occurred
    return msgspec.structs.replace(
        context, occurred=occurred, at_once=at_once, command_id=command_id, fresh=not context.command_id
    )


def _fields(error: ValidationError) -> dict[str, Any]:
    messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]  # marshmallow left it untyped
    return {str(name): reasons for name, reasons in messages.items()}
