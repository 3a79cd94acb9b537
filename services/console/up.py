"""Starts services in this process and serves until a signal stops it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import eventlet
import structlog
from eventlet.green import subprocess
from nameko.runners import ServiceRunner

from services.console.catalogue import OWNERS, SERVICES, definition, service_class
from services.console.health import Health
from services.console.output import err
from shared.broker.topology import check
from shared.domain.errors import BadInputError, UnavailableError
from shared.service.collecting import Sender
from shared.service.history import check_history
from shared.service.logging import configure
from shared.service.runner import runner_for
from shared.service.settings import Settings, keep_private
from shared.service.storage import check_database, check_restored

#: Seconds to wait for a stop; ending it early loses nothing that was acknowledged. Together with the exit of the process it stays
#: below the ten seconds after which an orchestrator kills.
STOP_WITHIN = 7.0
#: Seconds between two checks of a broker or database that is not ready.
LOOK_AGAIN = 3.0

_log = structlog.get_logger()


def serve(names: list[str], scenario: Path | None, log_file: Path | None) -> None:
    """Start the named services (none: all), load a story, and serve until SIGINT or SIGTERM."""
    settings = replace(Settings.read(), owners=OWNERS)
    if not names and settings.amqp_uri != "linli://embedded":
        raise BadInputError("with a broker, start one service a process: linli up SERVICE")
    if names and settings.amqp_uri == "linli://embedded":
        raise BadInputError("a single service needs a broker: set AMQP_URI, or start all with: linli up")
    if not settings.mongodb_uri:
        check_restored(settings)
        for name in OWNERS:
            check_history(settings, name)
    keep_private(settings.data)
    log = log_file.open("a", buffering=1, encoding="utf-8") if log_file else None
    name = ",".join(names) or "linli"
    sender = Sender(settings.logs_to, settings.logs_ca_file, name) if settings.logs_to else None
    configure(settings.log_level, log, sender)
    lock = _lock(settings.data) if not names else None
    started = time.monotonic()
    classes = [service_class(name) for name in names or SERVICES]
    health = Health(settings.host, settings.metrics_port, settings.certificate_file)
    stop = eventlet.event.Event()

    def ask_to_stop(number: int, frame: object) -> None:
        if not stop.ready():
            stop.send()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    if names and not _servers_ready(settings, names, health, stop):
        return
    runner = runner_for(settings, classes)
    with redirect_stderr(StringIO()):  # this call raises an error of the start; eventlet would print it as well
        runner.start()
    health.look, health.problem = _look_at(runner), ""
    for server in (
        each for container in runner.containers for each in container.extensions if hasattr(each, "services")
    ):
        health.services = server.services
    address = settings.address
    if not names or "gateway" in names:
        err.print(f"Linli answers at {address}  (started in {time.monotonic() - started:.1f} s)")
    story = _tell(scenario, address) if scenario else None
    if scenario:
        err.print(f"\nThe portal: {address}   Ctrl-C stops it; `make run` goes on from the files.", soft_wrap=True)
    failures: list[Exception] = []
    watcher = eventlet.spawn(_wait_for, runner, stop, failures)
    stop.wait()
    health.problem = "stopping"
    err.print("stopping …")
    if story is not None and story.poll() is None:
        story.terminate()
    stopped = False
    with eventlet.Timeout(STOP_WITHIN, False):
        runner.stop()
        stopped = True
    watcher.kill()
    if lock is not None:
        lock.close()
    if not stopped:
        _log.warning("not waited for", services=names or list(SERVICES), seconds=STOP_WITHIN)
    if sender is not None:
        sender.flush()
    if not stopped or (names and not failures):
        # at exit Python would wait for threads that wait for an absent server; and after a clean stop for pymongo's monitors, a
        # second or more for which callers of a restarting service would wait
        sys.stdout.flush()
        os._exit(1 if failures else 0)
    if failures:
        raise UnavailableError(
            f"a service failed and ended all: {failures[0]!r}; start it again, the logs are as they were"
        )


def _servers_ready(settings: Settings, names: list[str], health: Health, stop: eventlet.event.Event) -> bool:
    """Wait until broker and database are ready, and log why they are not; False when a signal stops the process.

    A container that exited instead would restart in a loop, and its reason would be lost among tracebacks.
    """
    while not stop.ready():
        try:
            for name in names:
                owner = name in OWNERS
                check(settings.amqp_uri, name, definition(name).sources if owner else None, settings.amqp_tls)
                check_database(settings, name, log=owner)
                if owner:
                    check_history(settings, name)
            return True
        except UnavailableError as error:
            if error.message != health.problem:
                _log.error("waiting", services=names, reason=error.message)
            health.problem = error.message
        with eventlet.Timeout(LOOK_AGAIN, False):
            stop.wait()
    return False


def _look_at(runner: ServiceRunner) -> Callable[[], None]:
    """Return a check that raises when a process is not ready: its log cannot be read, or its views are rebuilt or of another version."""
    found = [each.node for container in runner.containers for each in container.extensions if hasattr(each, "node")]
    nodes = {id(node): node for node in found}.values()

    def look() -> None:
        for node in nodes:
            node.require_able()
            node.require_ready()
            node.views.checkpoint(f"follow:{node.name}")

    return look


def _wait_for(runner: Any, stop: eventlet.event.Event, failures: list[Exception]) -> None:
    """Wait for the runner, which ends by itself only when a service failed; record its error and stop the process."""
    try:
        runner.wait()
    except Exception as error:  # of any kind: the caller reports it before the process ends
        failures.append(error)
    finally:
        if not stop.ready():
            stop.send()


def _lock(folder: Path) -> TextIO:
    """Lock the folder against a second process; the operating system releases the lock when the process ends."""
    import fcntl

    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UnavailableError(
            f"{folder} is in use by another Linli process; stop it, or set LINLI_DATA to another folder"
        ) from None
    return file


def _tell(scenario: Path, address: str) -> Any:
    """Run the scenario in a separate process, through the API."""
    story = subprocess.Popen(
        [sys.executable, "-m", "services.console", "scenario", "run", str(scenario), "--url", address]
    )
    story.wait()
    return story
