"""Transactions of a view store, which also end those that a killed or frozen process left open.

A server keeps such a transaction, and locks the documents it wrote, for `transactionLifetimeLimitSeconds` (60 by default); no other
process can move the same checkpoint until then. So each process records the sessions that it uses. A process that gets the same
conflict for `STALE` seconds kills the sessions that others recorded: a user may kill its own sessions, and each service has one user.
Killing the session of a live process is safe: its transaction aborts, and the process reads again and retries.
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

#: Seconds of conflict after which a transaction counts as abandoned; live ones take milliseconds.
STALE = 2.0
#: Seconds after which a record of sessions is removed; a live process renews its record before.
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
        """Run `work` in a transaction, as `shared.mongodb.transaction` does."""
        transaction(self._database, self._patience, work, self._note, self._end_abandoned)

    def _note(self, session: ClientSession) -> None:
        """Record the session before its transaction begins."""
        used = session.session_id["id"]
        if used in self._noted and time.monotonic() < self._note_at:
            return
        self._noted.add(used)
        note = {"used": sorted(self._noted), "at": datetime.now(UTC)}
        self._database[COLLECTION].update_one({"_id": self._holder}, {"$set": note}, upsert=True)
        self._note_at = time.monotonic() + NOTE_AGAIN.total_seconds()

    def _end_abandoned(self, since: float) -> bool:
        """Kill other processes' sessions after `STALE` seconds of conflict (`since` is monotonic); False before that."""
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
