"""One structlog line per unit of work on stdout: JSON, or readable when stdout is a terminal. Never personal data."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from shared.service.collecting import Handler, Sender


def _only_frames(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say of an error what it is and where it came from, with what caused it; its words may quote what somebody typed."""
    info = line.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    told = []
    while isinstance(error, BaseException):
        told.append("".join((*traceback.format_tb(error.__traceback__), type(error).__name__)))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {**line, "exception": "\n\nbecause of\n\n".join(told)} if told else line


class Unfailing:
    """A stream for log lines that never raises: what cannot be written, because the disk is full, is left out, and the work goes on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a line, or leave it out; returns the number of characters, whatever became of them."""
        with suppress(OSError, ValueError):  # a closed stream raises the latter
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what was written, as far as that is possible."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return hasattr(self._stream, "isatty") and bool(self._stream.isatty())


def configure(level: str, file: Any = None, sender: Sender | None = None) -> None:
    """Send everything to one stream, and with a sender to another machine too; libraries' loggers pass through at warning and above."""
    stream = Unfailing(file or sys.stdout)
    terminal = stream.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            _only_frames,
            *([sender.line] if sender else []),
            *([structlog.dev.ConsoleRenderer()] if terminal else []),
            *([] if terminal else [structlog.processors.JSONRenderer(ensure_ascii=False)]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, stream)),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(name)s %(message)s", force=True)
    if sender:
        logging.getLogger().addHandler(Handler(sender))
