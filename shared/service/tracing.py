"""OpenTelemetry traces of a request from HTTP to another service's views; off unless `LINLI_TRACES` names a destination.

No trace id is stored: it is derived from the correlation id, and the id of an append's span from the command id. So a fact that
another process reads from the log hours later still joins its trace. While off, no OpenTelemetry library is imported.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from hashlib import sha256
from itertools import repeat
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from shared.domain.errors import BadInputError, LinliError
from shared.domain.record import Record
from shared.log import Commit, EventLog, Receipt
from shared.service import metrics

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, SpanContext, Tracer

    from shared.following.follow import Follower
    from shared.following.overlay import Overlay

Kind = Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]

#: Name of the header of a call (nameko's prefix included) and of the CloudEvents extension attribute without it.
HEADER, ATTRIBUTE = "nameko.traceparent", "traceparent"
#: Most messages whose traceparent is kept until they are applied; a follower has far fewer at a time.
REMEMBERED = 10_000
#: Seconds to wait for a collector.
PATIENCE = 2

_wanted: ContextVar[tuple[int | None, int | None]] = ContextVar("ids of the next span", default=(None, None))
_processor: SpanProcessor | None = None
_tracers: dict[str, Tracer] = {}
_arrived: OrderedDict[str, str] = OrderedDict()


def configure(traces: str) -> None:
    """Start tracing to "console" or to an OTLP address; "" and a second call change nothing.

    Raises `BadInputError` when the libraries for it are not installed.
    """
    if not traces or _processor is not None:
        return
    try:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor

        if traces == "console":
            start(SimpleSpanProcessor(ConsoleSpanExporter(formatter=_line)))
            return
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise BadInputError(
            f"LINLI_TRACES needs OpenTelemetry ({error}): install Linli's requirements again"
        ) from error
    address = traces if urlsplit(traces).path.strip("/") else f"{traces.rstrip('/')}/v1/traces"
    start(BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=PATIENCE), schedule_delay_millis=1000))


def start(processor: SpanProcessor) -> None:
    """Start to send spans to a processor."""
    global _processor
    _processor = processor
    _tracers.clear()


def stop() -> None:
    """Stop making spans."""
    global _processor
    _processor = None
    _tracers.clear()


def _line(span: Any) -> str:
    """Format a span as one line, like a log line."""
    return json.dumps(json.loads(span.to_json()), ensure_ascii=False) + "\n"


def _tracer(service: str) -> Tracer:
    if service not in _tracers:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        class Derived(RandomIdGenerator):
            """Generates the requested ids, or random ones."""

            def generate_trace_id(self) -> int:
                return _wanted.get()[0] or super().generate_trace_id()

            def generate_span_id(self) -> int:
                return _wanted.get()[1] or super().generate_span_id()

        # a flush at exit could wait for an absent collector: spans of the last second are dropped instead
        provider = TracerProvider(
            resource=Resource.create({"service.name": f"linli-{service}"}),
            id_generator=Derived(),
            shutdown_on_exit=False,
        )
        assert _processor is not None
        provider.add_span_processor(_processor)
        _tracers[service] = provider.get_tracer("linli")
    return _tracers[service]


def trace_id(correlation_id: str) -> int:
    """Return the trace id of a request: its correlation id when that is a UUID, else 128 bits of its SHA-256."""
    try:
        return UUID(correlation_id).int or 1
    except ValueError:
        return int.from_bytes(sha256(correlation_id.encode()).digest()[:16], "big") or 1


def _span_id(command_id: str) -> int:
    return int.from_bytes(sha256(b"append " + command_id.encode()).digest()[:8], "big") or 1


def span(
    service: str,
    name: str,
    kind: Kind = "INTERNAL",
    correlation_id: str = "",
    traceparent: str | None = None,
    **attributes: Any,
) -> AbstractContextManager[Any]:
    """Open a span below `traceparent` or the current span, or as the root of the request's trace.

    Without any of these there is no request (services ask one another by themselves), and no span.
    """
    return nullcontext() if _processor is None else _span(service, name, kind, correlation_id, traceparent, attributes)


@contextmanager
def _span(
    service: str, name: str, kind: Kind, correlation_id: str, traceparent: str | None, attributes: dict[str, Any]
) -> Iterator[Span | None]:
    from opentelemetry import trace

    parent = _parsed(traceparent)
    if parent is None and not correlation_id and not trace.get_current_span().get_span_context().is_valid:
        yield None
        return
    around = trace.set_span_in_context(trace.NonRecordingSpan(parent)) if parent is not None else None
    token = _wanted.set((trace_id(correlation_id) if correlation_id else None, None))
    try:
        found = _tracer(service).start_span(name, around, trace.SpanKind[kind], _named(correlation_id, attributes))
    finally:
        _wanted.reset(token)
    with trace.use_span(found, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield found
        except BaseException as error:  # its kind only: the message of a refusal quotes what somebody typed
            what = error.kind if isinstance(error, LinliError) else type(error).__name__
            found.set_status(trace.Status(trace.StatusCode.ERROR, what))
            raise


def _named(correlation_id: str, attributes: dict[str, Any]) -> dict[str, Any]:
    given = {f"linli.{name}": value for name, value in attributes.items()}
    return given | ({"linli.correlation_id": correlation_id} if correlation_id else {})


def traceparent() -> str:
    """Return the W3C `traceparent` of the current span; "" when there is none."""
    if _processor is None:
        return ""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return _written(context) if context.is_valid else ""


def call_headers() -> dict[str, str]:
    """Return the headers that make a call part of the current trace."""
    found = traceparent()
    return {HEADER: found} if found else {}


def _written(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _parsed(text: str | None) -> SpanContext | None:
    """Parse a traceparent; None for an empty or invalid one."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if not text:
        return None
    from opentelemetry import trace

    found = TraceContextTextMapPropagator().extract({"traceparent": str(text)})
    context = trace.get_current_span(found).get_span_context()
    return context if context.is_valid else None


def _appended(record: Record) -> str:
    """Return the traceparent of the append that wrote a record."""
    return (
        f"00-{trace_id(record.correlation_id):032x}-{_span_id(record.command_id):016x}-01"
        if record.correlation_id
        else ""
    )


def observe(log: EventLog) -> None:
    """Measure each append of a log and, while tracing, give it a span whose id is derived from its command id."""
    append: Callable[[Commit], Receipt] = log.append

    def observed(commit: Commit) -> Receipt:
        began, clock = time.time_ns(), time.perf_counter()
        outcome = "error"
        try:
            receipt = append(commit)
            outcome = "ok"
            return receipt
        except LinliError as error:
            outcome = error.kind
            raise
        finally:
            metrics.appends(log.name, outcome).observe(time.perf_counter() - clock)
            if _processor is not None and commit.correlation_id:
                # an attempt that lost a race gets another id: only one append wrote the commit
                wanted = _span_id(commit.command_id) if outcome == "ok" else None
                token = _wanted.set((trace_id(commit.correlation_id), wanted))
                # not the stream: its name may carry the id of a person
                given = {"command": commit.command, "events": len(commit.events), "outcome": outcome}
                about = _named(commit.correlation_id, given)
                _tracer(log.name).start_span("append", attributes=about, start_time=began).end()
                _wanted.reset(token)

    log.append = observed  # type: ignore[method-assign]


@contextmanager
def publishing(service: str, records: Sequence[Record]) -> Iterator[Iterable[str]]:
    """Open spans around the publishing of facts; yields the traceparent for each message ("": none)."""
    if _processor is None:
        yield repeat("")
        return
    from opentelemetry import trace

    spans: list[Span | None] = []
    for record in records:
        parent = _parsed(_appended(record))
        around = trace.set_span_in_context(trace.NonRecordingSpan(parent)) if parent is not None else None
        about = _named(record.correlation_id, {"position": record.position})
        name, kind = f"publish {record.type}", trace.SpanKind.PRODUCER
        spans.append(_tracer(service).start_span(name, around, kind, about) if parent is not None else None)
    try:
        yield [_written(span.get_span_context()) if span is not None else "" for span in spans]
    finally:
        for found in spans:
            if found is not None:
                found.end()


def arrived(record: Record, carried: object) -> None:
    """Keep the traceparent of a message until it is applied."""
    if _processor is not None and carried:
        _arrived[record.id] = str(carried)
        if len(_arrived) > REMEMBERED:
            _arrived.popitem(last=False)


def traced(service: str, follower: type[Follower]) -> type[Follower]:
    """Return the follower with a span around each fact, the parent of what a policy appends for it."""
    if _processor is None:
        return follower

    class Traced(follower):  # type: ignore[valid-type,misc]
        """Opens a span for each fact that it applies."""

        def _apply_or_park(self, record: Record, overlay: Overlay) -> None:
            parent = _arrived.pop(record.id, "") if self.source != service else ""
            about = {"source": self.source, "position": record.position}
            with span(
                service, f"apply {record.type}", "CONSUMER", record.correlation_id, parent or _appended(record), **about
            ):
                super()._apply_or_park(record, overlay)

    return Traced
