"""Runs a test in a process of its own that eventlet has patched, as services run; the test process itself stays unpatched."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def green(test: Callable[..., None]) -> Callable[..., None]:
    """Decorate a test whose fixtures can be given as text; its body runs in a fresh patched process."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        given = {name: str(value) for name, value in fixtures.items()}
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.green",
            test.__module__,
            test.__name__,
            json.dumps(given),
        ]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise AssertionError(
                f"{test.__name__} failed in its process:\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}"
            )

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    run.green_body = test  # type: ignore[attr-defined]
    return run


def main() -> None:
    """Patch, then run one test."""
    import eventlet

    eventlet.monkey_patch()
    module, name, given = sys.argv[1:4]
    test = getattr(importlib.import_module(module), name).green_body
    test(**json.loads(given))
    os._exit(0)  # green threads of services that a test left running must not keep the process


if __name__ == "__main__":
    main()
