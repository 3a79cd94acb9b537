"""Starts services in this process: all of them (embedded) or one (city)."""

from __future__ import annotations

from typing import Any

from nameko.runners import ServiceRunner

from shared.bus.embedded import install
from shared.runtime.settings import Settings


def nameko_config(settings: Settings) -> dict[str, Any]:
    """nameko's configuration; `settings` travels along for our own extensions."""
    install()
    return {
        "AMQP_URI": settings.amqp_uri,
        "settings": settings,
        "max_workers": 32,
        "serializer": "json",
        "ACCEPT": ["json"],
    }


def runner_for(settings: Settings, services: list[type]) -> ServiceRunner:
    """A runner with these services; `start()` returns when all have started, `stop()` lets work in flight finish."""
    runner = ServiceRunner(nameko_config(settings))
    for service in services:
        runner.add_service(service)
    return runner
