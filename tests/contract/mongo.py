"""The MongoDB server of a test run: one process, started when the first test asks for it, and an empty database a test."""

from __future__ import annotations

import functools
import os
import subprocess
import uuid
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from tests import servers


@functools.cache
def server() -> servers.MongoStandIn | servers.ExternalMongo:
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
    """Which MongoDB the tests use, without starting one; for pytest's header."""
    if uri := os.environ.get("MONGODB_URI"):
        return f"MongoDB: {servers.describe(uri)}"
    if binary := os.environ.get("MONGOD"):
        version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
        return f"MongoDB: {version.splitlines()[0]} (replica set rs0, 1 member)"
    return f"MongoDB: {servers.STAND_IN}"
