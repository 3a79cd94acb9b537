"""The MongoDB server of a test run: one process, started when the first test asks for it, and an empty database a test."""

from __future__ import annotations

import functools
import os
import uuid
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from tests import servers


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


def header() -> str:
    """Which MongoDB the tests use, for pytest's header; the stand-in is not started for it."""
    asked = any(os.environ.get(name) for name in ("MONGODB_URI", "MONGOD", "MONGO_IMAGE"))
    return f"MongoDB: {server().description if asked else servers.STAND_IN}"
