"""What decides besides the records, checked by `linli verify`: shapes of files, snapshots, parked facts, personal keys.

What cannot be checked is named, so that nobody takes silence for proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.console.catalogue import definition
from services.console.output import out
from shared.domain.errors import UnavailableError
from shared.following import snapshots
from shared.following.parking import PARKING
from shared.log import EventLog
from shared.service.settings import Settings
from shared.service.storage import open_views
from shared.views.sqlite import SqliteViews


def verify_beside(settings: Settings, logs: Mapping[str, EventLog]) -> dict[str, Any]:
    """Check everything; returns what was counted and, under `unchecked`, what nothing vouches for.

    Raises `CorruptionError` naming the first thing that is wrong.
    """
    unchecked: list[str] = []
    held = 0
    for name, log in logs.items():
        what = definition(name)
        try:
            log.storage.check_shape()
        except UnavailableError as error:
            unchecked.append(f"indexes and validator of the log of {name}: {error.message}")
        well, unread = snapshots.verify(log, (*what.deciders, PARKING))
        held += well
        if unread:
            unchecked.append(f"{unread} snapshots of {name} that no program of this version reads")
        views = open_views(settings, name, what.all_views, read_only=True)
        if isinstance(views, SqliteViews):
            views.check_shape()
    return {"snapshots": held, "unchecked": unchecked}


def print_beside(report: Mapping[str, Any]) -> None:
    """Print what was checked, and what was not."""
    out.print(f"{report['snapshots']:,} snapshots follow from their facts")
    for one in report["unchecked"]:
        out.print(f"not checked: {one}", style="yellow", markup=False, soft_wrap=True)
