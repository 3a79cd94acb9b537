"""Checks that no log has shrunk: each ends where the stores of all services know it to end, or later, and is the same there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from services.console.catalogue import OWNERS
from services.console.doctor.finding import Finding
from shared.domain.errors import CorruptionError, UnavailableError
from shared.following.whole import Known, ShrunkError, known_of, require_whole
from shared.log import EventLog
from shared.log.log import now
from shared.service.history import History, reading
from shared.service.settings import Settings

_RESTORE = "stop everything, put the newest files or database back, or restore the newest backup into a new place (docs/backup.md)"


def histories(settings: Settings, services: list[str]) -> Iterator[Finding]:
    """Compare each log with what is known of it; raises `UnavailableError` when a store cannot be read."""
    history = History(replace(settings, owners=OWNERS))
    try:
        marks = history.marks()
        for service in services:
            if service in OWNERS:
                known = known_of(service, marks)
                path = settings.data / f"{service}.log.sqlite"
                if not settings.mongodb_uri and not path.exists():
                    if known:
                        yield Finding(f"{service} history", "failed", f"{path} is missing", _RESTORE)
                    continue
                try:
                    with reading(settings, service) as log:
                        found = list(_compared(log, known))
                except UnavailableError as error:  # the checks of files and databases say what is wrong with it
                    found = [Finding(f"{service} history", "warning", error.message, "put this right first")]
                yield from found
    finally:
        history.close()


def _compared(log: EventLog, known: list[Known]) -> Iterator[Finding]:
    try:
        require_whole(log, known)
        head = log.head()
        yield Finding(f"{log.name} history", "ok", f"ends at position {head.position}, as everybody knows it")
        yield from _clock(log.name, head.time)
    except (ShrunkError, CorruptionError) as error:
        yield Finding(f"{log.name} history", "failed", error.message, _RESTORE)


def _clock(service: str, recorded: str) -> Iterator[Finding]:
    """Warn when the last fact was recorded in what is the future now: a clock was ahead then, or is behind now."""
    if recorded > (today := now()):
        said = f"the last fact was recorded at {recorded}, and it is {today} now"
        yield Finding(f"{service} clock", "warning", said, "keep all machines' clocks by NTP (chrony)")
