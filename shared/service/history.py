"""What all stores of a city know of a log, in both shapes: asked when a service starts, whenever it is asked whether it is ready,
and by the doctor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shared.domain.errors import UnavailableError
from shared.following.whole import known_of, require_whole
from shared.log import EventLog
from shared.service.settings import Settings
from shared.service.storage import database_of, marks_in_files, open_log, require_no_log_is_missing
from shared.views.port import Mark

#: MongoDB's answer to a user who may not do something.
UNAUTHORIZED = 13


class History:
    """Reads the checkpoints of every service's store and compares a log with them; close it after use.

    On MongoDB these are the stores of `settings.owners`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None

    def check(self, log: EventLog) -> None:
        """Raise `ShrunkError` when the log is shorter than what any store of the city knows of it, or another one."""
        require_whole(log, known_of(log.name, self.marks()))

    def marks(self) -> Mapping[str, Mapping[str, Mark]]:
        """The checkpoints in the stores of all services, by service; those that this process may not read are left out."""
        if self._settings.mongodb_uri:
            return self._in_databases()
        return marks_in_files(self._settings.data)

    def _in_databases(self) -> dict[str, Mapping[str, Mark]]:
        from pymongo.errors import OperationFailure

        from shared.views.mongodb import marks_in

        if self._client is None:
            self._client = database_of(self._settings, "history").client
        found: dict[str, Mapping[str, Mark]] = {}
        for service in self._settings.owners:
            try:
                found[service] = marks_in(self._client[f"linli_{service}_views"])
            except UnavailableError as error:  # the doctor says which rights there should be
                cause = error.__cause__
                if not isinstance(cause, OperationFailure) or cause.code != UNAUTHORIZED:
                    raise
        return found

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None


def check_history(settings: Settings, service: str) -> None:
    """Raise `ShrunkError` when the log of a service is not what the city knows of it; opens and closes all that it needs."""
    if not settings.mongodb_uri:
        require_no_log_is_missing(settings.data, service)
        if not (settings.data / f"{service}.log.sqlite").exists():
            return  # a new city, or a new service
    history = History(settings)
    try:
        with reading(settings, service) as log:
            history.check(log)
    finally:
        history.close()


@contextmanager
def reading(settings: Settings, service: str) -> Iterator[EventLog]:
    """A log for reading, of which nothing is left open afterwards."""
    log = open_log(settings, service, read_only=True)
    try:
        yield log
    finally:
        log.close()
        if settings.mongodb_uri:
            log.storage.database.client.close()  # type: ignore[attr-defined]  # only MongoDB's has a client
