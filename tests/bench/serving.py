"""Services at work for a measurement: the toy services of the component tests on a place's broker and stores."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import eventlet
from kombu import Connection, Queue

from shared.broker.topology import queue_for
from shared.service.logging import configure
from shared.service.runner import runner_for
from shared.service.storage import migrate_log
from tests.bench.patched import ready
from tests.bench.place import forget, in_city, settings
from tests.component.city import City, Door
from tests.component.toy import ShopService, WatcherService

TOYS = ("shops", "watchers")


def cleared(folder: Path) -> None:
    """Forget what an earlier run left on the servers: the toys' databases and their queue of facts."""
    if not in_city():
        return
    for name in TOYS:
        forget(folder, name)
        migrate_log(settings(folder), name)
    empty_queue(folder)


def empty_queue(folder: Path) -> None:
    """Delete the watchers' queue of facts with everything in it, and the queue of calls to shops that are not there."""
    with Connection(settings(folder).amqp_uri) as connection:
        for queue in (queue_for("watchers", ("shops",)), Queue("rpc-shops")):
            queue(connection.channel()).delete()


@contextmanager
def services(folder: Path, *classes: type) -> Iterator[City]:
    """Run services in this process, with a door to call any service on the broker."""
    configure("error")
    runner = runner_for(settings(folder), [*classes, Door])
    runner.start()
    try:
        yield City(runner)
    finally:
        runner.stop()


def until_ended(folder: Path, *classes: type) -> dict[str, float]:
    """Run services until this process is asked to end; what they were writing they finish."""
    with services(folder, *classes):
        ended = eventlet.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.send())
        ready()
        ended.wait()
    return {}


def serve_shops(folder: Path, scale: float) -> dict[str, float]:
    """The service that commands are sent to."""
    return until_ended(folder, ShopService)


def serve_watchers(folder: Path, scale: float) -> dict[str, float]:
    """The service that follows it, with a view and a policy that writes a fact for each of its facts."""
    return until_ended(folder, WatcherService)
