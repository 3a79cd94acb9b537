"""The funding service's commands on a log in memory, given as anybody: real decisions, real commits over several streams, no views.

Each spec of money begins with a history in one of two forms: as facts lie today, and as they lay in the project's stream before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec
import pytest

from services.funding.definition import DEFINITION
from services.funding.facts import ReceiptCarried, StatementCarried
from services.funding.payment_facts import PaymentCarried
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.errors import DomainError, LinliError
from shared.domain.event import Event
from shared.domain.fields import FieldError
from shared.domain.identity import new_id
from shared.domain.mandate import Mandate
from shared.domain.record import Record
from shared.domain.structures import load_fields
from shared.domain.view import Tally
from shared.following.context import CallContext
from shared.following.execute import execute, load
from shared.log import Commit, EventLog, NewEvent
from shared.log.memory import MemoryStorage
from tests.domain.funding.audit import violations
from tests.domain.funding.facts import PLACE, TYPES, Placed, in_own_streams, in_the_project, organisation
from tests.kit import AT
from tests.kit.city import entry
from tests.kit.rows import MemoryRows, city

Form = Callable[[Iterable[Event]], list[Placed]]
FORMS: tuple[Form, ...] = (in_own_streams, in_the_project)
CARRIED = (ReceiptCarried, PaymentCarried, StatementCarried)
NEWCOMERS = {"record_receipt": "receipt", "request_payment": "payment", "disclose_statement": "statement"}


def seal(subject: str, text: str) -> str:
    """What stands for sealed text here."""
    return f"sealed:{subject}:{text}"


def opened(sealed: str, /) -> str | None:
    """What `seal` hid; None once it is erased."""
    return sealed.rpartition(":")[2] if sealed.startswith("sealed:") else None


@cache
def _small(*more: str) -> MemoryRows:
    told = [organisation(*one) for one in TYPES.items()] + [tuple(msgspec.json.decode(fact)) for fact in more]
    rows = city("2025-03-04", *told).rows
    assert isinstance(rows, MemoryRows)
    return rows


class Office:
    """A log of the funding service with a project p1, in the small city with the bodies that review and some facts `more`."""

    def __init__(
        self, placed: Iterable[Placed] = (), *more: tuple[str, dict[str, Any]], parameters: dict[str, int] | None = None
    ) -> None:
        told = [*more, *(entry("parameters", name, value=value) for name, value in (parameters or {}).items())]
        self.small = _small(*(msgspec.json.encode(fact).decode() for fact in told))
        self.log = EventLog("funding", MemoryStorage())
        self.history: list[Event] = []
        for stream, event in placed:
            self._write(stream, event)

    def _write(self, stream: str, event: Event) -> None:
        """A fact that is there already."""
        codec = DEFINITION.codec
        new = NewEvent(
            type=type(event).__name__,
            schema=event.schema,
            data=msgspec.Raw(codec.encode(event)),
            id=new_id(),
            occurred=AT,
        )
        version = self.log.storage.stream_version(stream)
        self.log.append(
            Commit(
                stream=stream,
                expected_version=version,
                events=(new,),
                command="x",
                command_id=new_id(),
                actor="x",
                place=PLACE,
            )
        )
        self.history.append(event)

    def give(self, command: str, by: Mandate, at: str = AT, id: str = "", **ask: Any) -> list[Placed]:
        """Give a command; the facts that it wrote, each with its stream. The id is `id`, `project_id` is p1 unless given."""
        declared = DEFINITION.commands[command]
        asked = {"project_id": "p1"} | ask
        id = id or (asked.pop(declared.decider.id_field, "") if declared.decider.id_field != "project_id" else "p1")
        if declared.decider.id_field == "project_id":
            asked.pop("project_id")
        arguments = load_fields(declared.asked, asked)
        before = self.log.head().position
        execute(
            self.log,
            declared.decider,
            id,
            lambda state, *, by, **given: declared.give(
                state, by=by, ask=arguments | {declared.decider.id_field: id}, **given
            ),
            context=CallContext(kind="person", actor=by.actor, occurred=at, command_id=new_id()),
            mandate=by,
            command=command,
            holds=declared.needs.holds,
            seal=seal,
            alone=(lambda: self.log.head().position) if declared.alone else None,
            **dict.fromkeys(declared.needs.city, self.city(at, declared.alone)),
            **dict.fromkeys(declared.needs.open, opened),
            **arguments,
        )
        written = [(record.stream, self.read(record)) for record in self.log.read(before)]
        self.history += [event for _, event in written]
        return written

    def city(self, at: str, whole: bool) -> City:
        """The city on a day; with our own rows too where a decision looks at them."""
        if not whole:
            return City(self.small, at[:10])
        rows = self.rows()
        rows.views |= self.small.views
        rows.rows |= self.small.rows
        return City(rows, at[:10])

    def read(self, record: Record) -> Event:
        """The fact of a record."""
        return DEFINITION.codec.decode(record.type, record.schema, record.data)

    def state(self, decider: Decider[Any], id: str = "p1") -> Any:
        """The state of a thing."""
        return load(self.log, decider, id)[0]

    def rows(self) -> MemoryRows:
        """The rows that the facts make, sums apart."""
        rows = MemoryRows(view for view in DEFINITION.views if not isinstance(view, Tally))
        for record in self.log.read(0):
            rows.apply(self.read(record), record)
        return rows


class Given:
    """A history in one form, and what one more command makes of it."""

    def __init__(self, form: Form, history: tuple[Event, ...]) -> None:
        self.form, self.known = form, history
        self.office = Office(form(history))

    def when(self, command: str, by: Mandate, **ask: Any) -> Given:
        """Ask for a decision."""
        self.ask = lambda: self.office.give(command, by, **ask)
        return self

    def then(self, *expected: Event) -> Office:
        """These facts, each where it belongs, with what ledger and vouchers are told; given again the command writes nothing."""
        written = [(stream, event) for stream, event in self.ask() if not isinstance(event, CARRIED)]
        known = () if self.form is in_the_project else self.known
        told = in_own_streams(expected, self.known)
        own = told[0][0]
        told.sort(key=lambda placed: placed[0] != own)  # a commit writes its own stream first
        assert written == told, (written, known)
        assert violations(self.office.history, TYPES) == []
        try:
            assert self.ask() == [], "the command repeated writes something"
        except LinliError:
            pass
        return self.office

    def then_nothing(self) -> None:
        """Nothing is written."""
        assert self.ask() == []

    def then_raises(self, error: type[LinliError], match: str) -> None:
        """It is refused, and nothing is written."""
        before = self.office.log.head().position
        with pytest.raises(error, match=match):
            self.ask()
        assert self.office.log.head().position == before


__all__ = ["FORMS", "DomainError", "FieldError", "Form", "Given", "Office"]
