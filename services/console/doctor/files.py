"""Checks on disk: the data folder and SQLite files."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from services.console.catalogue import OWNERS
from services.console.doctor.finding import Finding, State, room
from shared.log import sqlite as log_files
from shared.personal import SqliteKeys
from shared.service.settings import Settings
from shared.service.storage import rows_file
from shared.sqlite import address
from shared.views import sqlite as view_files

#: The oldest SQLite with STRICT tables.
OLDEST_SQLITE = (3, 37)


def data_folder(settings: Settings) -> Iterator[Finding]:
    """Check that the folder is writable, for its owner only, and has room."""
    folder = settings.data
    if not folder.is_dir():
        yield Finding("data folder", "failed", f"{folder} does not exist", "start `linli up` once, or set LINLI_DATA")
        return
    probe = folder / ".doctor"
    try:
        probe.touch()
        probe.unlink()
        mode = folder.stat().st_mode & 0o777
        others = bool(mode & 0o077)
        advice = f"chmod 700 {folder}" if others else ""
        said = f"{folder} may be entered by others (mode {mode:04o})" if others else f"{folder} is writable and private"
        yield Finding("data folder", "failed" if others else "ok", said, advice)
    except OSError as error:
        yield Finding(
            "data folder",
            "failed",
            f"{folder} cannot be written: {error.strerror}",
            "give it to the user that runs Linli",
        )
    yield room(f"disk of {folder}", shutil.disk_usage(folder).free)


def files(settings: Settings) -> Iterator[Finding]:
    """Check SQLite, and kind and format of each file."""
    state: State = "ok" if sqlite3.sqlite_version_info >= OLDEST_SQLITE else "failed"
    oldest = ".".join(map(str, OLDEST_SQLITE))
    yield Finding("SQLite", state, sqlite3.sqlite_version, "" if state == "ok" else f"{oldest} or later is needed")
    for name in OWNERS:
        yield _file(settings.data / f"{name}.log.sqlite", log_files.KIND, log_files.VERSION)
        yield _file(rows_file(settings, name), view_files.KIND, view_files.VERSION)
    yield _file(settings.data / "gateway.views.sqlite", view_files.KIND, view_files.VERSION)
    yield _file(settings.data / "keys" / "personal.sqlite", SqliteKeys.KIND, SqliteKeys.VERSION)


def _file(path: Path, kind: int, newest: int) -> Finding:
    if not path.exists():
        return Finding(path.name, "warning", "does not exist yet", "it is made at the first start")
    try:
        connection = sqlite3.connect(address(path, read_only=True), uri=True)
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
