"""Starts services in this process: all of them (embedded) or one (city)."""

from __future__ import annotations

import gc
from typing import Any

from nameko.runners import ServiceRunner

from shared.broker import connecting, unreadable
from shared.broker.embedded import transport as embedded
from shared.service.settings import Settings

#: New objects after which Python looks for cycles of garbage among them; its own 700 are fewer than a few calls in flight hold.
COLLECT_AFTER = 10_000


def collect_rarely() -> None:
    """Look for cycles of garbage less often, and never again among what is there now: modules, classes, schemas.

    What a call makes goes by itself when it ends. It costs a few megabytes and spares a tenth of a command's processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


def nameko_config(settings: Settings) -> dict[str, Any]:
    """Return nameko's configuration; our own extensions read `settings` from it."""
    embedded.install()
    connecting.install()
    unreadable.install()
    return {
        "AMQP_URI": settings.amqp_uri,
        "AMQP_SSL": connecting.verification(settings.amqp_uri, settings.amqp_tls),
        "settings": settings,
        "max_workers": 32,
        "serializer": "json",
        "ACCEPT": ["json"],
    }


def runner_for(settings: Settings, services: list[type]) -> ServiceRunner:
    """Return a runner with these services; `start()` returns when all have started, `stop()` lets calls in progress finish."""
    runner = ServiceRunner(nameko_config(settings))
    for service in services:
        runner.add_service(service)
    collect_rarely()
    return runner
