"""Output of the command: text for people, JSON for machines, errors in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from shared.domain.errors import LinliError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

#: Exit codes: 0 done, 1 a check failed or the command was refused, 2 wrong usage, 3 a server or file is missing.
FAILED, USAGE, UNAVAILABLE = 1, 2, 3


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Print the reason and exit."""
    err.print(f"[bold red]linli:[/] {message}", markup=True, soft_wrap=True)
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
        err.print(error.message + detail, markup=False, soft_wrap=True)
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
