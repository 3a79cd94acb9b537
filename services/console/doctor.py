"""Looks at what Linli stands on — files, broker, database — and says what is wrong and what to do about it.

Nothing is changed: broker objects are only asked for, writes are tried on documents that do not exist.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import msgspec

from services.console.catalogue import OWNERS, SERVICES, definition
from services.console.output import out
from shared.domain.errors import BadInputError, LinliError
from shared.log import sqlite as log_files
from shared.personal import SqliteKeys
from shared.service.settings import Settings
from shared.views import sqlite as view_files

State = Literal["ok", "warning", "failed"]

#: Free disk space, in bytes, below which a warning is given and below which it fails.
LITTLE, TOO_LITTLE = 5 << 30, 1 << 30
#: The first SQLite with STRICT tables.
OLDEST_SQLITE = (3, 37)


class Finding(msgspec.Struct, frozen=True):
    """The outcome of one check; `advice` says what to do when it is not ok."""

    check: str
    state: State
    message: str
    advice: str = ""


Check = Callable[[], Iterable[Finding]]


def examine(settings: Settings, services: list[str]) -> dict[str, Any]:
    """All checks of the shape that the settings name; a check that cannot be made counts as failed."""
    for name in services:
        if name not in SERVICES:
            raise BadInputError(f"there is no service {name!r}; there are {', '.join(SERVICES)}")
    found = list(_findings(settings, services or list(SERVICES)))
    return {
        "shape": "city" if settings.mongodb_uri or settings.amqp_uri != "linli://embedded" else "embedded",
        "checks": [msgspec.to_builtins(finding) for finding in found],
        "failed": sum(finding.state == "failed" for finding in found),
        "warnings": sum(finding.state == "warning" for finding in found),
    }


def _findings(settings: Settings, services: list[str]) -> Iterator[Finding]:
    checks: list[tuple[str, Check]] = [
        ("versions", versions),
        ("data folder", lambda: data_folder(settings)),
        ("secrets", lambda: secrets(settings)),
    ]
    if settings.mongodb_uri:
        from services.console.doctor_database import database

        checks.append(("MongoDB", lambda: database(settings, services)))
    else:
        checks.append(("files", lambda: files(settings)))
    if settings.amqp_uri != "linli://embedded":
        from services.console.doctor_broker import broker

        checks.append(("broker", lambda: broker(settings, services)))
    for name, check in checks:
        try:
            yield from check()
        except LinliError as error:
            yield Finding(name, "failed", error.message, "put this right first; what else there is to check needs it")
        except OSError as error:
            yield Finding(name, "failed", str(error), "put this right first; what else there is to check needs it")


def versions() -> Iterator[Finding]:
    """Python and the libraries that must be what they were tested with."""
    state: State = "ok" if sys.version_info >= (3, 11) else "failed"
    yield Finding("Python", state, sys.version.split()[0], "" if state == "ok" else "Python 3.11 or later is needed")
    pinned = {"nameko": "2.14.1", "pymongo": "4.15.", "eventlet": "0.41.", "kombu": "5.7."}
    found = {name: version(name) for name in pinned}
    wrong = [name for name, prefix in pinned.items() if not found[name].startswith(prefix)]
    said = ", ".join(f"{name} {number}" for name, number in found.items())
    advice = (
        f"install {', '.join(f'{name} {pinned[name]}' for name in wrong)}: other versions were not tested"
        if wrong
        else ""
    )
    yield Finding("libraries", "warning" if wrong else "ok", said, advice)


def data_folder(settings: Settings) -> Iterator[Finding]:
    """The folder can be written, is not everybody's, and has room."""
    folder = settings.data
    if not folder.is_dir():
        yield Finding("data folder", "failed", f"{folder} does not exist", "start `linli up` once, or set LINLI_DATA")
        return
    probe = folder / ".doctor"
    try:
        probe.touch()
        probe.unlink()
        mode = folder.stat().st_mode & 0o777
        open_to_all = bool(mode & 0o002)
        advice = f"chmod o-w {folder}" if open_to_all else ""
        yield Finding(
            "data folder", "failed" if open_to_all else "ok", f"{folder} is writable (mode {mode:04o})", advice
        )
    except OSError as error:
        yield Finding(
            "data folder",
            "failed",
            f"{folder} cannot be written: {error.strerror}",
            "give it to the user that runs Linli",
        )
    yield room(f"disk of {folder}", shutil.disk_usage(folder).free)


def room(name: str, free: int) -> Finding:
    """Whether so many free bytes are enough."""
    state: State = "failed" if free < TOO_LITTLE else "warning" if free < LITTLE else "ok"
    return Finding(
        name,
        state,
        f"{free / (1 << 30):.1f} GiB free",
        "" if state == "ok" else "make room: a full disk stops commands",
    )


def secrets(settings: Settings) -> Iterator[Finding]:
    """Files that only their owner may read."""
    keys = settings.data / "keys"
    wanted = (settings.secret_file, settings.operator_token_file, keys / "ledger.pem", keys / "personal.sqlite")
    for path in (*wanted, settings.data / "gateway.views.sqlite"):
        if not path.exists():
            if path == settings.secret_file:
                yield Finding("secret", "warning", f"{path} does not exist yet", "it is made at the first start")
            continue
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            yield Finding(path.name, "failed", f"{path} may be read by others (mode {mode:04o})", f"chmod 600 {path}")
        elif path == settings.secret_file and (wrong := _wrong_secret(settings)):
            yield Finding(path.name, "failed", wrong, "make one with: openssl rand -hex 32")
        else:
            yield Finding(path.name, "ok", f"{path} is private (mode {mode:04o})")


def _wrong_secret(settings: Settings) -> str:
    try:
        settings.secrets()
    except BadInputError as error:
        return error.message
    return ""


def files(settings: Settings) -> Iterator[Finding]:
    """SQLite itself, and each file: its kind, its format, its head."""
    state: State = "ok" if sqlite3.sqlite_version_info >= OLDEST_SQLITE else "failed"
    oldest = ".".join(map(str, OLDEST_SQLITE))
    yield Finding("SQLite", state, sqlite3.sqlite_version, "" if state == "ok" else f"{oldest} or later is needed")
    for name in OWNERS:
        yield _file(settings.data / f"{name}.log.sqlite", log_files.KIND, log_files.VERSION)
        yield _file(settings.data / f"{name}.views.sqlite", view_files.KIND, view_files.VERSION)
    yield _file(settings.data / "gateway.views.sqlite", view_files.KIND, view_files.VERSION)
    yield _file(settings.data / "keys" / "personal.sqlite", SqliteKeys.KIND, SqliteKeys.VERSION)


def _file(path: Path, kind: int, newest: int) -> Finding:
    if not path.exists():
        return Finding(path.name, "warning", "does not exist yet", "it is made at the first start")
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found, written = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
        finally:
            connection.close()
    except sqlite3.Error as error:
        return Finding(path.name, "failed", str(error), f"restore a backup: {path} is not readable")
    if found != kind:
        return Finding(
            path.name, "failed", f"is of kind {found:#x}, not {kind:#x}", "this is not Linli's file: restore a backup"
        )
    if written > newest:
        return Finding(
            path.name, "failed", f"has format {written}; this program knows {newest}", "start the newer program"
        )
    return Finding(path.name, "ok", f"format {written}")


def sources_of(service: str) -> tuple[str, ...]:
    """The services that one follows."""
    return definition(service).sources if service in OWNERS else ()


def print_examined(report: Mapping[str, Any]) -> None:
    """One line a check, and under those that are not ok what to do."""
    colours = {"ok": "green", "warning": "yellow", "failed": "red"}
    for finding in report["checks"]:
        out.print(f"[{colours[finding['state']]}]{finding['state']:8}[/]", end=" ")
        out.print(f"{finding['check']}: {finding['message']}", markup=False, soft_wrap=True)
        if finding["advice"]:
            out.print(f"         → {finding['advice']}", markup=False, soft_wrap=True)
    out.print(f"{len(report['checks'])} checks, {report['failed']} failed, {report['warnings']} warnings")
