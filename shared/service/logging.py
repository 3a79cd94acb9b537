"""One structlog line per unit of work on stdout: JSON, or readable when stdout is a terminal. Never personal data."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure(level: str, file: Any = None) -> None:
    """Send everything to one stream; the libraries' own loggers pass through at warning and above."""
    stream = file or sys.stdout
    terminal = hasattr(stream, "isatty") and stream.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.format_exc_info,
            *([] if terminal else [structlog.processors.JSONRenderer(ensure_ascii=False)]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(name)s %(message)s", force=True)
