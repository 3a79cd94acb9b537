"""The append-only log: what is in it happened, in that order, and can be proved."""

from shared.log.log import EventLog
from shared.log.record import GENESIS, Commit, Head, NewEvent, Part, Receipt, StoredCommit, records_of
from shared.log.storage import Storage, TakenError

__all__ = [
    "GENESIS",
    "Commit",
    "EventLog",
    "Head",
    "NewEvent",
    "Part",
    "Receipt",
    "Storage",
    "StoredCommit",
    "TakenError",
    "records_of",
]
