"""Properties of the kit: working days counted one by one, canonical JSON compared with a library that does nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendar import is_working_day, working_day_after
from tests.domain.test_event import CODEC, LampMended

BMP = st.text(st.characters(max_codepoint=0xD7FF))


@given(st.dates(date(2004, 1, 1), date(2026, 6, 30)), st.integers(1, 60))
def test_a_limit_is_a_working_day_with_as_many_of_them_in_between(day: date, count: int) -> None:
    found = date.fromisoformat(working_day_after(day, count).date)
    days = [day + timedelta(days=passed) for passed in range(1, (found - day).days + 1)]
    assert is_working_day(found)
    assert sum(is_working_day(each) for each in days) == count


@given(st.text(), st.integers(-(2**53) + 1, 2**53 - 1), st.dictionaries(BMP, st.text()))
def test_what_is_written_is_canonical_json(lamp: str, minutes: int, notes: dict[str, str]) -> None:
    """RFC 8785, compared with a library that does nothing else."""
    event = LampMended(lamp_id=lamp, minutes=minutes, notes=notes)
    text = CODEC.encode(event)
    assert text == rfc8785.dumps(msgspec.to_builtins(event))
    assert CODEC.decode("LampMended", 3, text) == event
