"""What may be sent, for every field of every command and query: the kit's rules hold wherever its kinds are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import ValidationError

from services.console.catalogue import OWNERS, definition
from shared.domain.event import LARGEST_INTEGER
from shared.domain.fields import Day, FieldError, Kind, Moment, Number, Text
from shared.domain.structures import Field, Group, Many, Pairs
from shared.following.schemas import Declared

#: Texts that show nothing: blanks, zero-width characters, fillers, braille without dots, a lonely joiner or mark.
UNSEEN = ["   ", "\u200b", "\u200b\u200d\ufeff", "\u2800", "\u3164", "\u115f\u1160", "\u00ad", "\u2060", "\u3000\t"]
#: Texts with something in them that nobody should have to store: control characters, marks of direction, lone surrogates.
HARMFUL = [
    "a\x00b",
    "a\x1b[1mb",
    "a\x07b",
    "a\x7fb",
    "a\x85b",
    "甲\u202e乙",
    "a\u2066b\u2069",
    "a\u200fb",
    "a\u2028b",
    "a\ud800b",
]
MOST_NUMBER = LARGEST_INTEGER + 1


def fields() -> Iterator[tuple[str, Declared]]:
    """Every declared field of every method, by `service.method.field`."""
    for service in OWNERS:
        found = definition(service)
        for method, schema in {**found.commands_checked, **found.queries_checked}.items():
            for name, one in schema().fields.items():
                if isinstance(one, Declared):
                    yield f"{service}.{method}.{name}", one


FIELDS = dict(fields())


def parts(kind: Kind) -> Iterator[Kind]:
    """A kind and those that it is made of."""
    yield kind
    match kind:
        case Many():
            yield from parts(kind.kind)
        case Pairs():
            yield from parts(kind.keys)
            yield from parts(kind.values)
        case Group():
            for one in kind.fields:
                yield from parts(one.kind)


def kinds(wanted: type) -> list[Any]:
    """Where kinds of a class are used, at any depth."""
    found = {
        f"{name} {part!r}": part
        for name, field in FIELDS.items()
        for part in parts(field.declaration.kind)
        if isinstance(part, wanted)
    }
    return [pytest.param(part, id=name.partition(" ")[0]) for name, part in sorted(found.items())]


def refused(kind: Kind, value: Any) -> bool:
    try:
        kind.load(value)
    except FieldError as error:
        return bool(error.reason)
    return False


def test_every_method_checks_its_fields_by_the_kit() -> None:
    """No field is checked by a rule of its own: what holds here holds everywhere."""
    others = {
        f"{service}.{method}.{name}"
        for service in OWNERS
        for method, schema in (definition(service).commands_checked | definition(service).queries_checked).items()
        for name in schema().fields
    } - set(FIELDS)
    assert others == set()


@pytest.mark.parametrize("kind", kinds(Text))
def test_no_text_is_invisible_or_harmful_and_line_ends_are_one(kind: Text) -> None:
    assert [value for value in HARMFUL if not refused(kind, value)] == []
    required = Field("it", kind, "it", required=True)
    for value in UNSEEN:
        with pytest.raises(FieldError):
            required.load({"it": value})
        assert refused(kind, value) or kind.load(value) == "", "what shows nothing is nothing"
    assert kind.load(" e\u0301 ") == "é"
    if kind.lines:
        assert kind.load("一\r\n二\r三\n") == "一\n二\n三"
    else:
        assert [value for value in ("一\n二", "一\r\n二", "一\t二", "甲\u200b乙") if not refused(kind, value)] == []


@pytest.mark.parametrize("kind", kinds(Number))
def test_every_number_has_a_range(kind: Number) -> None:
    assert -MOST_NUMBER < kind.least <= kind.most < MOST_NUMBER
    for value in (kind.least - 1, kind.most + 1, 10**30, 1.5, "1", True, None, float("nan")):
        assert refused(kind, value), value


@pytest.mark.parametrize("kind", [*kinds(Day), *kinds(Moment)])
def test_no_date_lies_outside_of_three_centuries(kind: Kind) -> None:
    end = "" if isinstance(kind, Day) else "T10:00:00+08:00"
    for day in ("1026-03-01", "1899-12-31", "2200-01-01", "9999-12-31", "0001-01-01", "2025-02-30", "２０２５-03-01"):
        assert refused(kind, day + end), day
    for day in ("1900-01-02", "2199-12-30"):
        assert kind.load(day + end)[:10] == day


def test_a_field_of_a_schema_refuses_as_its_kind_does() -> None:
    for name, field in FIELDS.items():
        if isinstance(field.declaration.kind, Text):
            with pytest.raises(ValidationError):
                field.deserialize("a\x00b", name)
