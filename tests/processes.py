"""Server processes for the tests: a free port, a folder of its own, output kept, and gone when Python exits."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def free_port() -> int:
    """Find a TCP port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    """Wait for a condition; TimeoutError with `what()` when it does not come."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(what())
        time.sleep(0.05)


class Process:
    """A server process in a folder of its own, with its output in `log`; it and the folder go when Python exits."""

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"linli-{name}-"))
        self.log = self.folder / "output.log"
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.destroy)

    @property
    def pid(self) -> int:
        """The process id; an error when it does not run."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def spawn(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        """Start the process in a session of its own."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )

    def running(self) -> bool:
        """Whether the process lives; an error with the end of its output when it ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            code, self._process = self._process.returncode, None
            raise RuntimeError(f"the server ended with code {code}:\n{self.tail()}")
        return self._process is not None

    def tail(self) -> str:
        """Give the last lines the server wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:]) if self.log.exists() else ""

    def signal(self, number: int, seconds: float = 30) -> None:
        """End the process: SIGTERM and, when that does not do it in time, SIGKILL, to its whole session."""
        process, self._process = self._process, None
        if process is None:
            return
        if number != signal.SIGKILL:
            process.send_signal(number)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait(seconds)

    def destroy(self) -> None:
        """Kill the process and remove its folder."""
        self.signal(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
