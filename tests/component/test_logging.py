"""Log lines say what failed and where, and never what somebody typed."""

from __future__ import annotations

import io
import json

import pytest
import structlog

from shared.service.logging import configure


class Terminal(io.StringIO):
    """A stream that takes itself for a screen, where others print the variables of each frame."""

    def isatty(self) -> bool:
        return True


def _typed(name: str) -> None:
    try:
        raise KeyError(name)
    except KeyError as error:
        raise ValueError(f"no such person: {name}") from error


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_of_a_bug_a_line_has_the_frames_and_kinds_and_no_words(stream: io.StringIO) -> None:
    name = "陈志明"
    configure("debug", stream)
    try:
        try:
            _typed(name)
        except ValueError:
            structlog.get_logger().exception("call failed", method="x")
    finally:
        structlog.reset_defaults()
        configure("error")
    said = stream.getvalue()
    assert name not in said
    assert "ValueError" in said and "KeyError" in said and "test_logging.py" in said and "_typed" in said
    if not stream.isatty():
        line = json.loads(said)
        assert (line["event"], line["level"], line["method"]) == ("call failed", "error", "x")
