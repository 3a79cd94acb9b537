"""Creates missing collections, indexes and validators of the services on MongoDB; safe to repeat.

A running service has no right to do this for its log: it may only find and insert there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich.table import Table

from services.console.catalogue import OWNERS, definition
from services.console.output import out
from services.gateway.accounts import VIEWS as ACCOUNT_VIEWS
from shared.following.whole import ShrunkError, known_of
from shared.mongodb import PATIENCE, explained
from shared.service.history import History
from shared.service.settings import Settings
from shared.service.storage import NO_VIEWS, database_of, migrate_log, open_keys, open_views

Shape = dict[str, Any]


def databases() -> tuple[str, ...]:
    """Return the names of all `linli_` databases without the prefix."""
    apart = (f"{service}_{called}" for service, called in NO_VIEWS.items())
    return (*OWNERS, *(f"{name}_views" for name in (*OWNERS, "gateway")), *apart, "keys")


def migrate(settings: Settings) -> dict[str, Any]:
    """Update every database; raises `UnavailableError` for one that a newer version wrote, or without the rights."""
    if not settings.mongodb_uri:
        return {"needed": False, "databases": []}
    before = {name: shape_of(settings, name) for name in databases()}
    _require_no_log_is_missing(settings, before)
    for name in OWNERS:
        migrate_log(settings, name)
        open_views(settings, name, definition(name).all_views).close()
    open_views(settings, "gateway", ACCOUNT_VIEWS).close()
    open_keys(settings).close()
    return {"needed": True, "databases": [_compared(settings, name, before[name]) for name in databases()]}


def _require_no_log_is_missing(settings: Settings, before: Mapping[str, Shape]) -> None:
    """Raise `ShrunkError` instead of making a new log where the old one is gone but others know it."""
    if settings.restoring:
        return
    history = History(replace(settings, owners=OWNERS))
    try:
        marks = history.marks()
    finally:
        history.close()
    for name in OWNERS:
        known = known_of(name, marks)
        if not {"groups", "commits"} & set(before[name]) and known and known[0].mark.position:
            raise ShrunkError(
                f"MongoDB database linli_{name} holds no log, but {known[0].by} knows it up to position {known[0].mark.position}; no new "
                "log is begun in its place. Put the database back, or restore the newest backup into a new server"
            )


def shape_of(settings: Settings, name: str) -> Shape:
    """Return the collections of a database: their options and the names of their indexes."""
    database = database_of(settings, name)
    try:
        with explained(database, PATIENCE):
            return {
                found["name"]: {
                    "options": found.get("options", {}),
                    "indexes": sorted(database[found["name"]].index_information()),
                }
                for found in database.list_collections()
            }
    finally:
        database.client.close()


def _compared(settings: Settings, name: str, before: Shape) -> dict[str, Any]:
    after = shape_of(settings, name)
    changed = sorted(collection for collection in after if after[collection] != before.get(collection))
    state = "in place" if not changed else "created" if not before else "updated"
    indexes = sum(len(collection["indexes"]) for collection in after.values())
    return {
        "database": f"linli_{name}",
        "state": state,
        "collections": len(after),
        "indexes": indexes,
        "changed": changed,
    }


def print_migrated(report: Mapping[str, Any]) -> None:
    """Print what `migrate` did."""
    if not report["needed"]:
        out.print("SQLite files need no migration: each is made when its service first starts (MONGODB_URI is not set)")
        return
    table = Table("database", "", "collections", "indexes", "changed", box=None)
    for found in report["databases"]:
        table.add_row(
            found["database"],
            found["state"],
            str(found["collections"]),
            str(found["indexes"]),
            ", ".join(found["changed"]),
        )
    out.print(table)
