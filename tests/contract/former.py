"""A log in MongoDB as earlier versions wrote it: one document a commit, with pointers and unique indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bson import Binary
from pymongo import ASCENDING, IndexModel
from pymongo.database import Database

from shared.log import StoredCommit
from shared.log.record import pointer_id, pointers_of

_COUNT: dict[str, Any] = {"bsonType": ["int", "long"], "minimum": 1}
INDEXES = {
    "last_position": [("last_position", ASCENDING)],
    "stream_version": [("stream", ASCENDING), ("version", ASCENDING)],
    "command_id": [("command_id", ASCENDING)],
}


def write(database: Database[dict[str, Any]], commits: Iterable[StoredCommit], format: int = 2) -> None:
    """Make such a log of these commits."""
    database.create_collection("commits", validator={"$jsonSchema": {"required": ["_id", "last_position"]}})
    database["commits"].create_indexes([IndexModel(keys, name=name, unique=True) for name, keys in INDEXES.items()])
    database["formats"].insert_one({"_id": "log", "version": format})
    for commit in commits:
        database["commits"].insert_one(
            {
                "_id": commit.position,
                "last_position": commit.last_position,
                "stream": commit.stream,
                "version": commit.version,
                "last_version": commit.last_version,
                "command_id": commit.command_id,
                "digest": commit.digest,
                "body": Binary(commit.body),
            }
        )
        for part in pointers_of(commit):
            database["commits"].insert_one(
                {
                    "_id": -part.position,
                    "last_position": -part.last_position,
                    "stream": part.stream,
                    "version": part.version,
                    "last_version": part.last_version,
                    "command_id": pointer_id(commit, part),
                    "commit": commit.position,
                }
            )
