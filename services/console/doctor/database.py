"""Checks of MongoDB: version, replica set, write concern, clock, indexes, validators, and the rights of users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from services.console.catalogue import OWNERS
from services.console.doctor import rights
from services.console.doctor.certificates import certificates
from services.console.doctor.finding import Finding, room
from services.console.doctor.rights import UNAUTHORIZED
from shared.domain.errors import LinliError, UnavailableError
from shared.log.mongodb import INDEXES, SCHEMAS, VERSION, validation
from shared.mongodb import MAJORITY, explained
from shared.service.settings import Settings
from shared.service.storage import check_restored, mongodb

#: The oldest MongoDB that has all features used here.
OLDEST = (7, 0)
#: Seconds by which clocks may differ: signed calls are valid for a minute.
CLOSE, TOO_FAR = 2.0, 20.0
PATIENCE = 5.0
_MIGRATE = "run `linli migrate` with an administrator's MONGODB_URI"


def database(settings: Settings, services: list[str]) -> Iterator[Finding]:
    """Make all checks; raises `UnavailableError` when the server does not answer or refuses the user."""
    client: MongoClient[dict[str, Any]] = mongodb(
        settings, serverSelectionTimeoutMS=int(PATIENCE * 1000), tz_aware=True, appname="linli-doctor"
    )
    with client:
        with explained(client["admin"], PATIENCE):
            asked = datetime.now(UTC)
            hello = client["admin"].command("hello")
            answered = datetime.now(UTC)
            build = client["admin"].command("buildInfo")
        yield from _whole(settings, client)
        stand_in = "secantus" in str(build).lower()
        yield from _server(hello, build, stand_in)
        yield from certificates(
            "MONGODB", sorted((host, port or 27017) for host, port in client.nodes), settings.mongodb_tls
        )
        yield _clock(asked + (answered - asked) / 2, hello["localTime"].replace(tzinfo=UTC))
        yield from _space(client)
        yield from rights.roles(client["admin"])
        yield from rights.default_write_concern(client["admin"])
        for service in services:
            if service in OWNERS:
                yield from _log(client[f"linli_{service}"], stand_in)
            yield _views(client[f"linli_{service}_views"])


def _server(hello: dict[str, Any], build: dict[str, Any], stand_in: bool) -> Iterator[Finding]:
    if stand_in:
        said = "SecantusDB, a stand-in that speaks MongoDB's protocol"
        yield Finding("MongoDB", "warning", said, "for tests only: a city needs MongoDB 7.0 or later as a replica set")
        return
    number = str(build["version"])
    if tuple(int(part) for part in re.findall(r"\d+", number)[:2]) < OLDEST:
        yield Finding("MongoDB", "failed", f"version {number}", "upgrade to MongoDB 7.0 or later")
    else:
        yield Finding("MongoDB", "ok", f"version {number}")
    members = len(hello.get("hosts", ())) + len(hello.get("passives", ()))
    if "setName" not in hello:
        yield Finding(
            "replica set",
            "failed",
            "this server is not in one",
            "linli migrate --replica-set host:port,host:port,host:port",
        )
    elif members < 3:
        said = f"{hello['setName']} has {members} member{'s' * (members != 1)}"
        yield Finding("replica set", "warning", said, "three members survive the loss of one without a pause")
    else:
        yield Finding("replica set", "ok", f"{hello['setName']}, {members} members")


def _whole(settings: Settings, client: Any) -> Iterator[Finding]:
    try:
        check_restored(settings, client)
    except UnavailableError as error:
        yield Finding("restore", "failed", error.message, "repeat `linli restore`, or look who runs it")


def _clock(here: datetime, there: datetime) -> Finding:
    seconds = abs((here - there).total_seconds())
    said = f"this machine and the database differ by {seconds:.1f} s"
    if seconds <= CLOSE:
        return Finding("clocks", "ok", said)
    return Finding(
        "clocks", "failed" if seconds > TOO_FAR else "warning", said, "keep all machines' clocks by NTP (chrony)"
    )


def _space(client: MongoClient[dict[str, Any]]) -> Iterator[Finding]:
    try:
        stats = client["linli_audit_views"].command("dbStats")
    except PyMongoError:
        return  # this user may not run it; the operators of the server monitor it themselves
    if stats.get("fsTotalSize"):
        yield room("disk of MongoDB", int(stats["fsTotalSize"] - stats["fsUsedSize"]))


def _log(found: Any, stand_in: bool) -> Iterator[Finding]:
    """Check a log's database: collections, indexes, write concern, and that this user may not change commits."""
    name = found.name
    try:
        written = found["formats"].find_one({"_id": "log"})
        if written is None:
            yield Finding(f"{name} log", "failed", "holds no log", _MIGRATE)
            return
        if written["version"] < VERSION:
            yield Finding(f"{name} log", "failed", "is of a former format", f"stop the services and {_MIGRATE}")
            return
        yield _shape(found)
        yield _written(found)
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        yield Finding(
            f"{name} log",
            "warning",
            "may not be read by this user",
            "ask as the service's own user, or name the service",
        )
        return
    yield rights.unchangeable(found, stand_in)


def _shape(found: Any) -> Finding:
    check = f"{found.name} log"
    try:
        options = {name: found[name].options() for name in SCHEMAS}
        indexes = {name: found[name].index_information() for name in SCHEMAS}
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return Finding(check, "ok", "may be used (its validators and indexes are an administrator's to see)")
    wanted = {name: validation(name)["validator"] for name in SCHEMAS}
    if wrong := [name for name in SCHEMAS if options[name].get("validator") != wanted[name]]:
        return Finding(check, "failed", f"has no validator, or an old one: {', '.join(wrong)}", _MIGRATE)
    if lacking := [
        one.document["name"] for name in SCHEMAS for one in INDEXES[name] if one.document["name"] not in indexes[name]
    ]:
        return Finding(check, "failed", f"lacks an index, and takes long to read: {', '.join(lacking)}", _MIGRATE)
    return Finding(check, "ok", "its validators and indexes are in place")


def _written(found: Any) -> Finding:
    """Check that a majority acknowledges writes, with an update that matches no document."""
    snapshots = found.get_collection("snapshots", write_concern=MAJORITY)
    check = f"{found.name} write concern"
    try:
        with explained(found, PATIENCE, writing=True):
            snapshots.update_one({"_id": "doctor: no such stream"}, {"$set": {"version": 0}})
    except LinliError as error:
        if isinstance(error.__cause__, OperationFailure) and error.__cause__.code == UNAUTHORIZED:
            return Finding(check, "ok", "this user may not write; ask as the service's own user to try it")
        return Finding(check, "failed", error.message, "look at the members of the replica set: rs.status()")
    return Finding(check, "ok", "a majority journals what is written")


def _views(found: Any) -> Finding:
    check = f"{found.name}"
    try:
        if found["formats"].find_one({"_id": "views"}) is None:
            return Finding(check, "failed", "holds no views", _MIGRATE)
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return Finding(
            check, "warning", "may not be read by this user", "ask as the service's own user, or name the service"
        )
    return Finding(check, "ok", "is in place")
