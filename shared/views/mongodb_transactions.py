"""Transactions of a view store, and the end of those that a killed or frozen process has left open.

A server keeps such a transaction, and with it the documents it wrote, for `transactionLifetimeLimitSeconds` (60 by default); until then
nobody else can move the same checkpoint. So each process notes the sessions that it uses, and whoever meets the same conflict for
`STALE` seconds ends the sessions that the others have noted: a user may do that to its own sessions, which are those of one service.
It is safe whoever is hit: a live process is told that its transaction came to nothing, and begins it anew from what it reads then.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from pymongo.client_session import ClientSession

from shared.mongodb import Database, explained, transaction

#: Seconds of conflict after which a transaction is taken for abandoned; those that are alive take milliseconds.
STALE = 2.0
#: A process says again which sessions it uses before `FORGOTTEN` has passed; older notes are removed.
NOTE_AGAIN, FORGOTTEN = timedelta(hours=1), timedelta(days=1)
COLLECTION = "sessions"

_log = structlog.get_logger()


class Transactions:
    """Runs transactions on one database for one process; safe between threads."""

    def __init__(self, database: Database, patience: float) -> None:
        self._database = database
        self._patience = patience
        self._holder = uuid.uuid4().hex
        self._noted: set[Any] = set()
        self._note_at = 0.0

    def run(self, work: Callable[[ClientSession], None]) -> None:
        """All of `work` or nothing, as `shared.mongodb.transaction` says."""
        transaction(self._database, self._patience, work, self._note, self._end_abandoned)

    def _note(self, session: ClientSession) -> None:
        """Say which session the transaction will be in, before it begins."""
        used = session.session_id["id"]
        if used in self._noted and time.monotonic() < self._note_at:
            return
        self._noted.add(used)
        note = {"used": sorted(self._noted), "at": datetime.now(UTC)}
        self._database[COLLECTION].update_one({"_id": self._holder}, {"$set": note}, upsert=True)
        self._note_at = time.monotonic() + NOTE_AGAIN.total_seconds()

    def _end_abandoned(self, since: float) -> bool:
        """End the sessions of the others once a conflict has lasted (`since` is monotonic); False while it has not."""
        if time.monotonic() - since < STALE:
            return False
        notes = self._database[COLLECTION]
        notes.delete_many({"at": {"$lt": datetime.now(UTC) - FORGOTTEN}})
        others = [{"id": used} for note in notes.find({"_id": {"$ne": self._holder}}) for used in note["used"]]
        if others:
            _log.warning("abandoned transactions ended", database=self._database.name, sessions=len(others))
            with explained(self._database, self._patience):
                self._database.client.admin.command("killSessions", others)
        return True
