"""Events are written exactly, and every shape is read in today's form."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest

from shared.domain.errors import CorruptionError
from shared.domain.event import Codec, Event, taken


class LampMended(Event, frozen=True, kw_only=True):
    schema: ClassVar[int] = 3
    lamp_id: str
    minutes: int = 0
    notes: dict[str, str] = {}


UPCASTERS = {
    ("LampMended", 1): lambda data: {"lamp_id": data["lamp"]},
    ("LampMended", 2): lambda data: data | {"minutes": 5},
}
CODEC = Codec((LampMended,), UPCASTERS)


def test_what_cannot_be_written_exactly_is_refused() -> None:
    with pytest.raises(ValueError, match="minutes: 9007199254740992 is larger than 2"):
        CODEC.encode(LampMended(lamp_id="l", minutes=2**53))
    with pytest.raises(ValueError, match="beyond the BMP"):
        CODEC.encode(LampMended(lamp_id="l", notes={"💡": "x"}))
    assert CODEC.encode(LampMended(lamp_id="💡 1234567890123456789"))


def test_old_shapes_are_lifted_step_by_step() -> None:
    assert CODEC.decode("LampMended", 1, b'{"lamp":"l-1"}') == LampMended(lamp_id="l-1", minutes=5)
    assert CODEC.decode("LampMended", 2, b'{"lamp_id":"l-1"}') == LampMended(lamp_id="l-1", minutes=5)
    assert CODEC.decode("LampMended", 3, b'{"lamp_id":"l-1","minutes":7}') == LampMended(lamp_id="l-1", minutes=7)


def test_unknown_and_broken_records_are_named() -> None:
    with pytest.raises(CorruptionError, match="unknown event LampMended schema 4: was it written by a newer version"):
        CODEC.decode("LampMended", 4, b"{}")
    with pytest.raises(CorruptionError, match="unknown event LampBroken"):
        CODEC.decode("LampBroken", 1, b"{}")
    with pytest.raises(CorruptionError, match="stored LampMended schema 3 does not decode"):
        CODEC.decode("LampMended", 3, b'{"lamp_id":7}')


def test_a_change_without_an_upcaster_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="LampMended has schema 3 but no upcaster from schema 1"):
        Codec((LampMended,), {("LampMended", 2): UPCASTERS["LampMended", 2]})


class Half(Event, frozen=True, kw_only=True):
    share: float


class Inner(msgspec.Struct, frozen=True):
    ratio: dict[str, float]


class Nested(Event, frozen=True, kw_only=True):
    parts: tuple[Inner, ...]


class Anything(Event, frozen=True, kw_only=True):
    value: Any


@pytest.mark.parametrize("event", [Half, Nested, Anything])
def test_events_hold_no_floats(event: type[Event]) -> None:
    with pytest.raises(TypeError, match="events hold no floats"):
        Codec((event,))


class LampHung(Event, frozen=True, kw_only=True):
    lamp_id: str
    place: str
    watts: int


class Lamp(msgspec.Struct, frozen=True):
    id: str
    status: str = "unknown"
    place: str = ""
    watts: int = 0
    since: str = ""


def test_a_state_takes_over_what_a_fact_says_in_fields_of_the_same_names_unless_it_is_told_otherwise():
    hung = LampHung(lamp_id="l-1", place="350104", watts=40)
    assert Lamp(**taken(hung, Lamp, id="l-1", status="hangs")) == Lamp("l-1", "hangs", "350104", 40)
    assert Lamp(**taken(hung, Lamp, id="l-1", watts=60)) == Lamp("l-1", "unknown", "350104", 60)
