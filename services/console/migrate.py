"""Prepares a city's MongoDB: replica set, roles and users, collections, validators and indexes. Repeat it at each release.

It runs with an administrator's user; the services' users may only insert and find in their logs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.audit.ledger import LEDGER_VIEWS
from services.console.catalogue import OWNERS
from services.console.databases import databases, migrate
from shared.domain.errors import BadInputError, UnavailableError
from shared.service.settings import Settings
from shared.service.storage import mongodb

#: Seconds to wait for MongoDB to answer, and for the replica set to have a primary.
PATIENCE = 60.0
_READ = ["find"]


def _privilege(database: str, collection: str, actions: list[str]) -> dict[str, Any]:
    return {"resource": {"db": database, "collection": collection}, "actions": actions}


def log_privileges(service: str) -> list[dict[str, Any]]:
    """Return the privileges of a service in its log: insert and find commits, never change or remove one."""
    database = f"linli_{service}"
    return [
        _privilege(database, "groups", ["find", "insert"]),
        _privilege(database, "index", ["find", "insert"]),
        _privilege(database, "snapshots", ["find", "insert", "update"]),
        _privilege(database, "formats", _READ),
    ]


def ledger_privileges() -> list[dict[str, Any]]:
    """Return the privileges of the audit service in the city ledger: entries and what was signed are only appended to."""
    database = "linli_audit_ledger"
    found = [
        _privilege(database, f"view.{view.name}", ["find", "insert"] + ([] if view.appended else ["update"]))
        for view in LEDGER_VIEWS
        if view.kept
    ]
    return [*found, _privilege(database, "formats", _READ)]


def roles() -> dict[str, tuple[list[dict[str, Any]], list[dict[str, str]]]]:
    """Return each user's privileges and built-in roles; the role has the user's name."""
    keys = [_privilege("linli_keys", "keys", ["find", "insert", "update"]), _privilege("linli_keys", "formats", _READ)]
    positions = [  # whoever starts sees whether others have followed its log further than it goes
        _privilege(f"linli_{service}_views", "checkpoints", _READ) for service in OWNERS
    ]
    found = {
        f"linli-{service}": (
            [*log_privileges(service), *keys, *positions],
            [{"role": "readWrite", "db": f"linli_{service}_views"}],
        )
        for service in OWNERS
    }
    privileges, built_in = found["linli-audit"]
    found["linli-audit"] = ([*privileges, *ledger_privileges()], built_in)
    unfinished = _privilege("linli_keys", "formats", _READ)  # records an unfinished restore
    found["linli-gateway"] = ([unfinished], [{"role": "readWrite", "db": "linli_gateway_views"}])
    # everything but the keys: a reader of both logs and keys could read everybody's name
    read = [{"role": "read", "db": f"linli_{name}"} for name in databases() if name != "keys"]
    settings = {"resource": {"cluster": True}, "actions": ["getDefaultRWConcern", "getParameter"]}
    described = _privilege("admin", "", ["viewRole"])
    found["linli-auditor"] = ([unfinished, settings, described], read)
    return found


def prepare(replica_set: str, users: Path | None) -> dict[str, Any]:
    """Prepare everything; `replica_set` lists members as host:port,host:port ("": none), `users` is the folder of passwords.

    Returns the shape of each database; SQLite files need nothing.

    Raises `BadInputError` for missing settings or passwords and `UnavailableError` when MongoDB fails or refuses.
    """
    settings = Settings.read()
    if not settings.mongodb_uri:
        return migrate(settings)
    passwords = {name: _password(users, name) for name in roles()} if users else {}
    if replica_set:
        with mongodb(settings, _direct(settings.mongodb_uri, replica_set)) as member, _explained(member):
            _initiate(member, replica_set.split(","))
    with mongodb(settings, serverSelectionTimeoutMS=int(PATIENCE * 1000)) as client, _explained(client):
        for name, password in passwords.items():
            _user(client.admin, name, password)
    return migrate(settings)


@contextmanager
def _explained(client: Any) -> Iterator[None]:
    from pymongo.errors import PyMongoError

    from shared.mongodb import reason

    try:
        yield
    except PyMongoError as error:
        raise UnavailableError(f"MongoDB cannot be prepared: {reason(error, client)}") from error


def _password(folder: Path, name: str) -> str:
    file = folder / f"mongodb_{name.removeprefix('linli-')}"
    try:
        return file.read_text().strip()
    except UnicodeDecodeError:
        raise BadInputError(f"no password for {name}: {file} holds no text in UTF-8") from None
    except OSError as error:
        raise BadInputError(f"no password for {name}: {file}: {error.strerror}") from None


def _direct(uri: str, replica_set: str) -> str:
    """Return a client of the first member only: the set does not exist yet."""
    parts = urlsplit(uri)
    account, at, _ = parts.netloc.rpartition("@")
    query = "directConnection=true&serverSelectionTimeoutMS=60000&authSource=admin"
    return f"mongodb://{account}{at}{replica_set.split(',')[0]}/?{query}"


def _initiate(client: Any, members: list[str]) -> None:
    from pymongo.errors import OperationFailure

    config = {"_id": "rs0", "members": [{"_id": number, "host": host} for number, host in enumerate(members)]}
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client.admin.command("replSetInitiate", config)
            break
        except OperationFailure as error:
            if error.code == 23:  # already initiated
                break
            if error.code != 74 or time.monotonic() > deadline:  # 74: a member does not answer yet
                raise
        time.sleep(1)
    while not client.admin.command("hello").get("primary"):
        if time.monotonic() > deadline:
            raise UnavailableError(f"the replica set of {', '.join(members)} has no primary after {PATIENCE:g} s")
        time.sleep(0.5)


def _user(admin: Any, name: str, password: str) -> None:
    """Create or update a role and the user of the same name."""
    privileges, built_in = roles()[name]
    rights = {"privileges": privileges, "roles": built_in}
    exists = bool(admin.command("rolesInfo", name)["roles"])
    admin.command("updateRole" if exists else "createRole", name, **rights)
    exists = bool(admin.command("usersInfo", name)["users"])
    admin.command("updateUser" if exists else "createUser", name, pwd=password, roles=[{"role": name, "db": "admin"}])
