"""One structlog line per unit of work on stdout: JSON, or readable when stdout is a terminal. Never personal data."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog


def _only_frames(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say of an error what it is and where it came from, with what caused it; its words may quote what somebody typed."""
    info = line.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    told = []
    while isinstance(error, BaseException):
        told.append("".join((*traceback.format_tb(error.__traceback__), type(error).__name__)))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {**line, "exception": "\n\nbecause of\n\n".join(told)} if told else line


def configure(level: str, file: Any = None) -> None:
    """Send everything to one stream; the libraries' own loggers pass through at warning and above."""
    stream = file or sys.stdout
    terminal = hasattr(stream, "isatty") and stream.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            _only_frames,
            *([structlog.dev.ConsoleRenderer()] if terminal else []),
            *([] if terminal else [structlog.processors.JSONRenderer(ensure_ascii=False)]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(name)s %(message)s", force=True)
