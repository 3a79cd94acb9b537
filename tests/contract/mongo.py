"""The MongoDB server of a test run: one process, started when the first test asks for it, and an empty database a test."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from tests import servers
from tests.servers import ExternalMongo, MongoStandIn


@functools.cache
def server() -> Any:
    """The server that this run uses; it ends with Python."""
    return servers.mongodb()


@functools.cache
def client() -> MongoClient[dict[str, Any]]:
    """One client for all tests of this process."""
    return MongoClient(server().uri, serverSelectionTimeoutMS=10_000, tz_aware=True)


def database() -> Database[dict[str, Any]]:
    """An empty database; the caller drops it."""
    return client()[f"linli-{uuid.uuid4().hex[:12]}"]


@contextmanager
def own() -> Iterator[MongoStandIn]:
    """A server that nobody else uses: users, roles and write concerns belong to a whole server."""
    server = MongoStandIn()
    try:
        yield server
    finally:
        server.destroy()


@contextmanager
def guarded(foreign: bool) -> Iterator[Any]:
    """The server of this run when it asks for passwords, also one that is not ours if `foreign`; else a stand-in that does."""
    if server().guarded and (foreign or not isinstance(server(), ExternalMongo)):
        yield server()
        return
    with own() as stand_in:
        stand_in.guard()
        yield stand_in


def header() -> str:
    """Which MongoDB the tests use, for pytest's header; the stand-in is not started for it."""
    asked = any(os.environ.get(name) for name in ("MONGODB_URI", "MONGOD", "MONGO_IMAGE"))
    return f"MongoDB: {server().description if asked else servers.STAND_IN}"
