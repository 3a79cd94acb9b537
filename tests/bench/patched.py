"""Runs one side of a measurement in a process of its own that eventlet has patched, as services run."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.measuring import ROOT, Figures, Run

_LIMIT = 600  # seconds


def in_patched_process(run: Run, folder: Path, scale: float) -> Figures:
    """The figures of `run(folder, scale)`; raises `RuntimeError` with what the process said when it failed."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.bench.patched",
        run.__module__,
        run.__name__,
        str(folder),
        str(scale),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{run.__name__} failed in its process:\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


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
