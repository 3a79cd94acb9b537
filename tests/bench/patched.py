"""Runs one side of a measurement in a process of its own that eventlet has patched, as services run."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tests.bench.measuring import Figures, Run
from tests.bench.place import ROOT

_LIMIT = 900  # seconds
_GRACE = 15  # seconds to finish what it is doing
_READY = "ready"


class Beside:
    """A patched process that runs `run(folder, scale)` while others do their part; it ends when the `with` block does."""

    def __init__(self, run: Run, folder: Path, scale: float) -> None:
        self._name = run.__name__
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  # as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.bench.patched", run.__module__, run.__name__, str(folder), str(scale)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )  # fmt: skip

    def wait_ready(self) -> None:
        """Wait until it has called `ready()`."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == _READY:
                return
        self._fail()

    def figures(self) -> Figures:
        """What it measured, when it has ended; raises `RuntimeError` with what it said when it failed."""
        assert self._process.stdout is not None
        limit = threading.Timer(_LIMIT, self._process.kill)
        limit.start()
        try:
            lines = self._process.stdout.read().splitlines()
        finally:
            limit.cancel()
        if self._process.wait() or not lines:
            self._fail()
        figures: Figures = json.loads(lines[-1])
        return figures

    def _fail(self) -> NoReturn:
        self._process.wait()
        self._said.seek(0)
        raise RuntimeError(f"{self._name} failed in its process:\n{self._said.read()[-6000:]}")

    def end(self) -> None:
        """End it if it has not ended by itself; killed in the middle of a transaction it would leave locks to the next run."""
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()


@contextmanager
def beside(run: Run, folder: Path, scale: float) -> Iterator[Beside]:
    """Start a process and wait until it says that it is ready."""
    process = Beside(run, folder, scale)
    try:
        process.wait_ready()
        yield process
    finally:
        process.end()


def in_patched_process(run: Run, folder: Path, scale: float) -> Figures:
    """The figures of `run(folder, scale)`; raises `RuntimeError` with what the process said when it failed."""
    process = Beside(run, folder, scale)
    try:
        return process.figures()
    finally:
        process.end()


def patched(run: Run) -> Run:
    """The same side, each run in a patched process."""
    return lambda folder, scale: in_patched_process(run, folder, scale)


def ready() -> None:
    """Called in the process: others may start now."""
    print(_READY, flush=True)


def main() -> None:
    """Patch, then run one side and print its figures."""
    import eventlet

    eventlet.monkey_patch()
    module, name, folder, scale = sys.argv[1:]
    run: Run = getattr(importlib.import_module(module), name)
    print(json.dumps(dict(run(Path(folder), float(scale)))), flush=True)
    os._exit(0)  # whatever green threads are left have nothing to say any more


if __name__ == "__main__":
    main()
