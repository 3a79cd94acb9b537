"""MongoDB, spoken to the same way by the log and the views: majority, journaled, bounded in time, errors in our words.

Whoever makes the `MongoClient` closes it; under eventlet it must be made after monkey patching.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pymongo
from pymongo import ReadPreference, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database as MongoDatabase
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern

from shared.domain.errors import ConcurrencyError, TimedOutError, UnavailableError
from shared.tls import explanation, plain_to, spoken_at

Document = dict[str, Any]
Database = MongoDatabase[Document]

#: Seconds that one call waits for the server, elections included.
PATIENCE = 10.0
#: Seconds before a transaction that came to nothing is begun anew.
PAUSE = 0.01
MAJORITY = WriteConcern("majority", j=True)
#: Answers after which nobody knows whether the write will stay: time-outs, shutdowns and changes of the primary.
UNKNOWN_OUTCOMES = frozenset({6, 7, 50, 64, 79, 89, 91, 100, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436})
DUPLICATE = 11000
WRONG_PASSWORD = 18


def majority(database: MongoDatabase[Any]) -> Database:
    """The same database, read and written so that nothing seen or acknowledged is ever rolled back."""
    return database.with_options(
        read_concern=ReadConcern("majority"), write_concern=MAJORITY, read_preference=ReadPreference.PRIMARY
    )


def outcome_unknown(error: PyMongoError) -> bool:
    """Whether a write that failed like this may have taken effect all the same."""
    if (
        isinstance(error, ConnectionFailure | WTimeoutError)
        or error.timeout
        or error.has_error_label("RetryableWriteError")
    ):
        return True
    return isinstance(error, OperationFailure) and error.code in UNKNOWN_OUTCOMES


@contextmanager
def explained(database: MongoDatabase[Any], patience: float, writing: bool = False) -> Iterator[None]:
    """Bound what happens inside to `patience` seconds and turn driver errors into ours; duplicate keys pass.

    Raises `TimedOutError` for a write whose outcome is unknown and `UnavailableError` for everything else.
    """
    try:
        with pymongo.timeout(patience):
            yield
    except DuplicateKeyError:
        raise
    except PyMongoError as error:
        where = f"MongoDB database {database.name}: {reason(error, database.client)}"
        if writing and outcome_unknown(error):
            raise TimedOutError(f"{where}; whether it was written is not known") from error
        raise UnavailableError(f"{where}; nothing was changed" if writing else where) from error


def reason(error: PyMongoError, client: pymongo.MongoClient[Any]) -> str:
    """Why, in the server's words or, when TLS is the matter, with what puts it right; the client must still be open."""
    if isinstance(error, ServerSelectionTimeoutError):
        for (host, port), server in client.topology_description.server_descriptions().items():
            if server.error and (
                wrong := explanation(server.error, "MONGODB") or _plain_to_tls(server.error, host, port)
            ):
                return f"the server at {host}:{port} {wrong}"
    if isinstance(error, OperationFailure) and isinstance(error.details, Mapping):
        message = error.details.get("errmsg") or error
        if error.code == WRONG_PASSWORD:
            message = f"the server refuses the user or the password of MONGODB_URI: {message}"
        return f"{message} (code {error.code})" if error.code else str(message)
    return str(error)


def _plain_to_tls(error: Exception, host: str, port: int | None) -> str:
    """What to say of a server that hung up because it speaks TLS while we do not; "" for another one."""
    hung_up = any(words in str(error) for words in ("connection closed", "Connection reset"))
    return plain_to("MONGODB") if hung_up and port and spoken_at(host, port) else ""


def written_format(database: Database, kind: str, version: int, patience: float) -> int:
    """The format version that the database holds of `kind` (0: none yet).

    Raises `UnavailableError` for one that this program does not know; nothing is changed then.
    """
    with explained(database, patience):
        found = database["formats"].find_one({"_id": kind})
    written = int(found["version"]) if found else 0
    if written > version:
        raise UnavailableError(
            f"MongoDB database {database.name} was written by a newer version of Linli ({kind} format {written}, this program "
            f"knows {version}): start the newer program, or restore a backup of this version"
        )
    return written


def write_format(database: Database, kind: str, version: int) -> None:
    """Note the format version, unless somebody else just did."""
    with suppress(DuplicateKeyError):
        database["formats"].insert_one({"_id": kind, "version": version})


def ensure_collection(database: Database, name: str, options: Mapping[str, Any] | None = None) -> None:
    """Create a collection, or bring the options of an existing one up to date."""
    wanted = dict(options or {})
    found = next(iter(database.list_collections(filter={"name": name})), None)
    if found is None:
        try:
            database.create_collection(name, check_exists=False, **wanted)
            return
        except OperationFailure as error:
            if error.code != 48:  # somebody else created it just now
                raise
            found = next(iter(database.list_collections(filter={"name": name})))
    if any(found["options"].get(option) != value for option, value in wanted.items()):
        database.command("collMod", name, **wanted)


def transaction(
    database: Database,
    patience: float,
    work: Callable[[ClientSession], None],
    begin: Callable[[ClientSession], None] = lambda session: None,
    conflict: Callable[[float], bool] = lambda since: True,
) -> None:
    """All of `work` or nothing; repeated when the server asks for it, so it must start from what it reads itself.

    The driver's own `with_transaction` goes on for two minutes whatever time-out is set; this ends with the patience. `begin` is
    called before the first attempt, `conflict` with the time of that (monotonic) after each that came to nothing, until it is True.
    """
    started = time.monotonic()
    deadline = started + patience
    settled = False
    try:
        with explained(database, patience, writing=True), database.client.start_session() as session:
            begin(session)
            while not _attempt(session, work, deadline):
                settled = settled or conflict(started)
                time.sleep(PAUSE)  # the other transaction ends meanwhile
    except DuplicateKeyError as error:
        raise ConcurrencyError("somebody else wrote the same at the same time") from error


def _attempt(session: ClientSession, work: Callable[[ClientSession], None], deadline: float) -> bool:
    """One transaction; False when it came to nothing and should be tried again."""
    try:
        with session.start_transaction(ReadConcern("snapshot"), MAJORITY, ReadPreference.PRIMARY):
            work(session)
        return True
    except PyMongoError as error:
        failure = error
    while time.monotonic() < deadline:
        if failure.has_error_label("TransientTransactionError"):
            return False
        if not failure.has_error_label("UnknownTransactionCommitResult"):
            break
        try:
            session.commit_transaction()
            return True
        except PyMongoError as error:
            failure = error
    raise failure
