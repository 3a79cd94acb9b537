"""Starts services in this process and serves until told to stop."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import eventlet
from eventlet.green import subprocess

from services.console.catalogue import SERVICES, service_class
from services.console.output import err
from shared.errors import BadInputError, UnavailableError
from shared.runtime.logging import configure
from shared.runtime.runner import runner_for
from shared.runtime.settings import Settings

#: Seconds after which a stop is no longer waited for; nothing acknowledged can be lost by it.
STOP_WITHIN = 9.0


def serve(names: list[str], scenario: Path | None, log_file: Path | None) -> None:
    """Start the named services (none: all), load a story, and serve until SIGINT or SIGTERM."""
    settings = Settings.read()
    if not names and settings.amqp_uri != "linli://embedded":
        raise BadInputError("with a broker, start one service a process: linli up SERVICE")
    if names and settings.amqp_uri == "linli://embedded":
        raise BadInputError("a single service needs a broker: set AMQP_URI, or start all with: linli up")
    settings.data.mkdir(parents=True, exist_ok=True)
    log = log_file.open("a", buffering=1, encoding="utf-8") if log_file else None
    configure(settings.log_level, log)
    lock = _lock(settings.data) if not names else None
    started = time.monotonic()
    runner = runner_for(settings, [service_class(name) for name in names or SERVICES])
    stop = eventlet.event.Event()

    def ask_to_stop(number: int, frame: object) -> None:
        if not stop.ready():
            stop.send()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    with redirect_stderr(StringIO()):  # an error of the start is raised here; eventlet would print it as well
        runner.start()
    address = f"http://{settings.host}:{settings.port}"
    if not names or "gateway" in names:
        err.print(f"Linli answers at [bold]{address}[/]  (started in {time.monotonic() - started:.1f} s)")
    story = _tell(scenario, address) if scenario else None
    if scenario:
        err.print(f"\nThe portal: [bold]{address}[/]   Ctrl-C stops it; `make run` goes on from the files.")
    watcher = eventlet.spawn(_wait_for, runner, stop)
    stop.wait()
    err.print("stopping …")
    if story is not None and story.poll() is None:
        story.terminate()
    with eventlet.Timeout(STOP_WITHIN, False):
        runner.stop()
    watcher.kill()
    if lock is not None:
        lock.close()


def _wait_for(runner: object, stop: eventlet.event.Event) -> None:
    """End when the runner ends by itself, which it only does when a service failed."""
    try:
        runner.wait()  # type: ignore[attr-defined]
    finally:
        if not stop.ready():
            stop.send()


def _lock(folder: Path):  # type: ignore[no-untyped-def]
    """Keep a second process out of the same folder; the lock goes with the process, however it ends."""
    import fcntl

    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UnavailableError(f"{folder} is in use by another Linli process; stop it, or set LINLI_DATA to another folder") from None
    return file


def _tell(scenario: Path, address: str):  # type: ignore[no-untyped-def]
    """Run the scenario as its own process, through the API like any user."""
    story = subprocess.Popen([sys.executable, "-m", "services.console", "scenario", "run", str(scenario), "--url", address])
    story.wait()
    return story
