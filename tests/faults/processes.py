"""Linli's own processes under test: `linli up`, whole or one service, killed, frozen, ended, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import date, timedelta
from pathlib import Path

from tests.processes import Process

ROOT = Path(__file__).resolve().parents[2]
#: Days from now to that on which a clock begins.
FIRST_DAY = 60
LINLI = [sys.executable, "-W", "ignore", "-m", "services.console"]


class LinliProcess(Process):
    """One `linli up [SERVICE]`. `ended` counts how often it ended although nobody asked it to."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        """`name` is a service, or "linli" for all of them in one process."""
        super().__init__(name)
        self.name = name
        self._command = [*LINLI, "up", *([] if name == "linli" else [name])]
        self._environment = os.environ | environment | {"PYTHONPATH": str(ROOT)}
        self.health = int(environment.get("LINLI_METRICS_PORT", "0"))
        self.ended: list[int] = []
        #: So late that what is left open is overdue: each start has something to record while it is broken.
        self.today = date.today() + timedelta(FIRST_DAY)

    def start(self) -> None:
        """Start it, for its clock a day later than before; does not wait until it answers."""
        self.today += timedelta(1)
        self.spawn(self._command, self._environment | {"LINLI_TODAY": self.today.isoformat()})

    def ready(self) -> bool:
        """Whether it says at its own /health/ready that it can work."""
        return healthy(self.health)

    def kill(self) -> None:
        """SIGKILL, at once."""
        self.signal(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: its connections stand and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM), without waiting."""
        os.kill(self.pid, signal.SIGTERM)

    def wait_for_end(self, since: float, seconds: float = 30.0) -> tuple[float, int]:
        """Seconds from `since` (monotonic) to its end and its exit code; AssertionError when it does not end in time."""
        process, self._process = self._process, None
        assert process is not None, f"{self.name} is not running"
        try:
            code = process.wait(max(0.1, since + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} had not ended {seconds:g} s after SIGTERM:\n{self.tail()}") from None
        return time.monotonic() - since, code

    def supervise(self) -> None:
        """Start it again when it ended by itself, as an orchestrator would."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self.ended.append(code)
            self._process = None
            self.start()


def healthy(port: int) -> bool:
    """Whether the process with this LINLI_METRICS_PORT says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
