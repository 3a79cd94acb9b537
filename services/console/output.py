"""Output of the command: text for people, JSON for machines, errors in one line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from shared.domain.errors import LinliError

#: What a terminal obeys instead of showing it: control characters, and those that turn the direction of writing around.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def _written(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def visible(text: str) -> str:
    """The text with what a terminal would obey written out, as `\\u001b`."""
    return _OBEYED.sub(_written, text)


class Terminal(Console):
    """Shows texts as they are: what people wrote is neither markup nor an order to the terminal. Styles are given as styles."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)


out = Terminal()
err = Terminal(stderr=True)

#: Exit codes: 0 done, 1 a check failed or the command was refused, 2 wrong usage, 3 a server or file is missing.
FAILED, USAGE, UNAVAILABLE = 1, 2, 3


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(_OBEYED.sub(_written, json.dumps(value, ensure_ascii=False, indent=2, default=str)) + "\n")


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Print the reason and exit."""
    err.print("linli: ", style="bold red", end="")
    err.print(message, soft_wrap=True)
    raise SystemExit(code)


@contextmanager
def explained() -> Iterator[None]:
    """Turn an expected error into one line and an exit code."""
    try:
        yield
    except LinliError as error:
        code = {"unavailable": UNAVAILABLE, "timed_out": UNAVAILABLE, "bad_input": USAGE}.get(error.kind, FAILED)
        detail = "".join(f"\n  {name}: {reason}" for name, reason in error.fields.items())
        err.print("linli: ", style="bold red", end="")
        err.print(error.message + detail, soft_wrap=True)
        raise SystemExit(code) from None
    except OSError as error:
        err.print("linli: ", style="bold red", end="")
        err.print(f"{error.filename or 'a file'}: {error.strerror or error}", markup=False, soft_wrap=True)
        raise SystemExit(UNAVAILABLE) from None
    except KeyboardInterrupt:
        err.print("interrupted")
        raise SystemExit(130) from None


def progress(quiet: bool = False) -> Progress:
    """Show progress on stderr, if it is a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TimeElapsedColumn(),
        console=err,
        disable=quiet or not err.is_terminal,
    )
