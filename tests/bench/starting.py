"""From an empty folder to a portal that answers (P16)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.bench.measuring import LINLI, Bench, Figures, Row
from tests.bench.place import ROOT, Place

_GIVE_UP = 60.0  # seconds


def start(folder: Path, scale: float) -> Figures:
    """`linli up` until the portal's first page is there, and the memory resident then."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "LINLI_DATA": str(folder / "data"),
        "LINLI_PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "AMQP_URI": "",
    }
    begun = time.perf_counter()
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.console", "up"],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=output,
            stderr=output,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - begun > _GIVE_UP:
                raise RuntimeError(f"linli up does not answer:\n{(folder / 'output').read_text()[-3000:]}")
            time.sleep(0.02)
        return {"seconds": time.perf_counter() - begun, "resident": _resident(process.pid)}
    finally:
        process.terminate()
        process.wait(15)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        raise
    except OSError:
        return False


def _resident(pid: int) -> float:
    """Resident memory in MB of a process and its children, as the kernel counts it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    found = 0
    for one in (pid, *map(int, children)):
        status = Path(f"/proc/{one}/status").read_text(encoding="ascii")
        found += int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))
    return found / 1000


def benches(place: Place) -> list[Bench]:
    """P16, which is about the embedded shape."""
    if place.city:
        return []
    return [
        Bench(
            "P16",
            {LINLI: start},
            (
                Row("empty folder to portal", "s", "seconds", ceiling=5),
                Row("resident once it answers", "MB", "resident", ceiling=250),
            ),
            note="all services, broker and portal in one process, the public port in another, files on disk",
        )
    ]
