"""Every stored shape ever shipped decodes and folds into today's events (R12)."""

from __future__ import annotations

import pytest

from services.console.catalogue import OWNERS, definition
from tests.domain.history.record import missing, stored


@pytest.mark.parametrize("name", OWNERS)
def test_every_shape_ever_stored_decodes(name: str) -> None:
    codec = definition(name).codec
    lines = stored(name)
    assert lines
    for line in lines:
        event = codec.decode(line["type"], line["schema"], line["data"].encode())
        assert type(event).__name__ == line["type"]
        if line["schema"] == event.schema:
            assert codec.encode(event).decode() == line["data"], "what is written today must be what was written then"


@pytest.mark.parametrize("name", OWNERS)
def test_every_shape_of_today_is_recorded(name: str) -> None:
    """Adding or changing an event without recording its shape fails here: run `python -m tests.domain.history.record`."""
    assert [event.__name__ for event in missing(name)] == []
