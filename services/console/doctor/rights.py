"""Checks of MongoDB's roles, of the immutability of commits, and of the default write concern."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pymongo.errors import OperationFailure

from services.console import migrate
from services.console.doctor.finding import Finding

UNAUTHORIZED = 13
_UNKNOWN_COMMAND = 59
_MIGRATE = "run `linli migrate --users FOLDER` with an administrator's MONGODB_URI"


def roles(admin: Any) -> Iterator[Finding]:
    """Check that every role has exactly its intended rights; nothing when this user may not read roles."""
    wanted = migrate.roles()
    try:
        answer = admin.command("rolesInfo", list(wanted), showPrivileges=True)
    except OperationFailure as error:
        if error.code not in (UNAUTHORIZED, _UNKNOWN_COMMAND):
            raise
        return
    found = {role["role"]: _rights(role.get("privileges", ()), role.get("roles", ())) for role in answer["roles"]}
    if not found:
        yield Finding("roles", "warning", "there are none: whoever gets in may change everything", _MIGRATE)
        return
    wrong = sorted(name for name, rights in wanted.items() if found.get(name) != _rights(*rights))
    if wrong:
        yield Finding("roles", "failed", f"not as they should be: {', '.join(wrong)}", _MIGRATE)
    else:
        yield Finding("roles", "ok", f"{len(wanted)} roles have the rights that they need and no more")


def _rights(privileges: Any, built_in: Any) -> set[tuple[str, ...]]:
    """Return rights as a set, independent of the order and grouping of the server's answer."""
    found: set[tuple[str, ...]] = {("role", role["role"], role["db"]) for role in built_in}
    for one in privileges:
        resource = one["resource"]
        where = ("cluster", "") if resource.get("cluster") else (resource.get("db", ""), resource.get("collection", ""))
        found |= {(*where, action) for action in one["actions"]}
    return found


def default_write_concern(admin: Any) -> Iterator[Finding]:
    """Check the write concern of programs that do not set one; Linli sets a majority for every write."""
    try:
        default = admin.command("getDefaultRWConcern").get("defaultWriteConcern", {})
    except OperationFailure as error:
        if error.code not in (UNAUTHORIZED, _UNKNOWN_COMMAND):
            raise
        return
    if default.get("w") == "majority":
        yield Finding("default write concern", "ok", "a majority")
    else:
        said = f"w: {default.get('w', 1)}; Linli asks for a majority itself, other tools may lose what they write"
        advice = 'db.adminCommand({setDefaultRWConcern: 1, defaultWriteConcern: {w: "majority"}})'
        yield Finding("default write concern", "warning", said, advice)


def unchangeable(found: Any, stand_in: bool) -> Finding:
    """Try to update and delete a commit that does not exist: the server must refuse for lack of rights."""
    check, nothing = f"{found.name} append-only", {"_id": -1}
    allowed = []
    attempts: dict[str, Callable[[], object]] = {
        "update": partial(found["groups"].update_one, nothing, {"$set": {"last": 1}}),
        "delete": partial(found["groups"].delete_one, nothing),
    }
    for act, attempt in attempts.items():
        try:
            attempt()
            allowed.append(act)
        except OperationFailure as error:
            if error.code != UNAUTHORIZED:
                raise
    if not allowed:
        return Finding(check, "ok", "this user can neither change nor remove commits")
    advice = "give services the users of `linli migrate --users`; an administrator's address is for migrate only"
    return Finding(check, "warning" if stand_in else "failed", f"this user may {' and '.join(allowed)} commits", advice)
