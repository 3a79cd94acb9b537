"""Keeps a connection alive while its reader works on a message for longer than the heartbeat interval.

py-amqp sends heartbeats only from its own calls, and the reader makes none while it applies a batch or receives a large message. A
broker that gets no frame for two intervals closes the connection and redelivers every unacknowledged message.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kombu import Connection

#: Heartbeat interval in seconds: each side sends at least one frame in it.
HEARTBEAT = 10


@contextmanager
def beating(connection: Connection) -> Iterator[None]:
    """Send heartbeats from a separate thread (a green one in a service) until the block ends; the embedded broker needs none."""
    if not connection.supports_heartbeats:
        yield
        return
    wire = connection.connection
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT / 2):
            try:
                wire.send_heartbeat()
            except Exception:  # of any kind: the connection is lost, and its reader gets the same error
                return

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        over.set()
