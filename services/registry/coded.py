"""What classifications and standings have in common: one code of a scheme at a time, from a day on, with the codes before (B34, X03)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from services.registry.subjects import held_on
from shared.domain.city import every
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.reader import Reader
from shared.domain.view import Row
from shared.domain.words import _, said


class Code(Protocol):
    """A code as its scheme words it."""

    @property
    def code(self) -> str: ...


class Coded(Protocol):
    """The state of what has a code: since when, or until when it had one."""

    @property
    def status(self) -> str: ...
    @property
    def since(self) -> str: ...
    @property
    def until(self) -> str: ...


One = TypeVar("One", bound=Code)


def one_of(codes: Sequence[One], scheme: str, code: str, field: str = "code") -> One:
    """The code as the scheme has it; raises `BadInputError` for one that it does not have."""
    for one in codes:
        if one.code == code:
            return one
    raise BadInputError(
        _("{code} is no code of {scheme}; known: {known}"),
        {field: said(_("not one of the scheme's codes"))},
        code=code,
        scheme=scheme,
        known=", ".join(one.code for one in codes),
    )


def check_day(coded: Coded, day: str, today: str, field: str) -> None:
    """Raise `IllegalStateError` for a day ahead, or before what is known already; on the same day a code is corrected."""
    known = coded.until if coded.status == "ended" else coded.since
    if not known <= day <= today:
        raise IllegalStateError(
            _("it holds from a day up to {today}, and not before {known}; {day} is not such a day"),
            {field: said(_("must be from {since} to {today}"), since=known or "-", today=today)},
            today=today,
            known=known or "-",
            day=day,
        )


def refuse_same(subject: str, code: str, since: str) -> IllegalStateError:
    """Why nothing gets the code that it has."""
    return IllegalStateError(
        _("{subject} is {code} since {day} already; say what it is to be instead"),
        {"code": said(_("as it is already"))},
        subject=subject,
        code=code,
        day=since,
    )


def history(begun: type[Event], *shown: str) -> Callable[[Row, Any, Event, Any], Row]:
    """For `View.of`: each code with its days, `until` the first day after; one corrected on its first day holds on none.

    `begun` is the fact that gives a code, `shown` its fields that the history repeats.
    """

    def more(row: Row, coded: Coded, event: Event, record: Any) -> Row:
        told = {name: getattr(event, name) for name in shown} if isinstance(event, begun) else {}
        ended = told.get("since", coded.until)
        held = [one if one["until"] else one | {"until": ended} for one in row.get("history", [])]
        return {"history": [*held, told | {"until": "", "recorded": record.time}] if told else held}

    return more


def codes_on(read: Reader, view: str, scheme: str, day: str, where: Row | None = None) -> Iterator[tuple[Row, Row]]:
    """Everything that has a code of a scheme on a day: its row, and the code that it has."""
    for row in every(read.rows, view, {"scheme": scheme} | (where or {})):
        yield from ((row, held) for held in row["history"] if held_on(held, day))
