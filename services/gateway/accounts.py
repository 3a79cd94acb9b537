"""Local accounts: who may sign in as which person or as an operator. State of its own: no replay can make it again."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.domain.errors import ConcurrencyError, IllegalStateError, NotFoundError
from shared.domain.view import Row, View, by
from shared.domain.words import _, said
from shared.views import ViewStore


def _keep(row: Row, event: Any, record: Any, key: str) -> Row:
    return row  # nothing feeds these views


VIEWS = (
    View("accounts", "", by("username"), _keep, ("kind", "person_id")),
    View("revoked", "", by("token_id"), _keep, ("expires",)),
)

#: 19 MiB and two passes: what OWASP names as enough, small enough for many sign-ins at a time.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: How many passwords are hashed at a time.
_AT_A_TIME = 2
#: Seconds to wait for another process that changes accounts.
_PATIENCE = 5


def _directly(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


class Accounts:
    """The accounts of a city.

    `run(work, *arguments)` runs what takes a while without stopping everybody else (a native thread under eventlet).
    """

    def __init__(self, views: ViewStore, run: Callable[..., Any] = _directly) -> None:
        self._views = views
        self._run = run
        self._hashing = threading.BoundedSemaphore(_AT_A_TIME)
        self._unknown = _HASHER.hash(secrets.token_hex(16))
        self._holder = secrets.token_hex(8)
        self._changing = threading.Lock()

    def get(self, username: str) -> Row | None:
        """The account, or None."""
        return self._views.get("accounts", username)

    def find(self, limit: int, cursor: str | None) -> Row:
        """A page of accounts, without their hashes."""
        page = self._views.find("accounts", None, "key", limit, cursor)
        return {"rows": [public(row) for row in page.rows], "next": page.next}

    def create(self, username: str, password: str, kind: str, person_id: str = "") -> Row:
        """A new account. Raises `IllegalStateError` when the name is taken or the person has an account already."""
        hashed = self._hash(password)
        with self._alone():
            if self.get(username) is not None:
                raise IllegalStateError(
                    _("there is an account {name} already"), {"username": said(_("choose another name"))}, name=username
                )
            if person_id and self._views.count("accounts", {"person_id": person_id}):
                raise IllegalStateError(
                    _("the person has an account already"), {"person_id": said(_("has an account already"))}
                )
            row = {"username": username, "kind": kind, "person_id": person_id, "hash": hashed, "generation": 1}
            self._views.save({("accounts", username): row})
        return public(row)

    def check(self, username: str, password: str) -> Row | None:
        """The account when the password is right. Takes the same time for a name that does not exist."""
        row = self.get(username)
        hashed = row["hash"] if row else self._unknown
        with self._hashing:
            right = self._run(_verify, hashed, password)
        return row if row and right else None

    def change_password(self, username: str, password: str) -> None:
        """A new password; every earlier sign-in ends."""
        hashed = self._hash(password)
        with self._alone():
            row = self.get(username)
            if row is None:
                raise NotFoundError(_("there is no account {name}"), {"username": said(_("unknown"))}, name=username)
            self._views.save({("accounts", username): row | {"hash": hashed, "generation": row["generation"] + 1}})

    def remove(self, username: str) -> None:
        """Take an account away with everything known of it; its sign-ins end."""
        with self._alone():
            if self.get(username) is None:
                raise NotFoundError(_("there is no account {name}"), {"username": said(_("unknown"))}, name=username)
            self._views.save({("accounts", username): None})

    def forget(self, person_id: str) -> None:
        """Take the account of an erased person away, if there is one: a sign-in name may be a name."""
        with self._alone():
            rows = self._views.find("accounts", {"person_id": person_id}).rows if person_id else ()
            if rows:
                self._views.save({("accounts", row["key"]): None for row in rows})

    def revoke(self, token_id: str, expires: int) -> None:
        """Refuse a token until it would have expired anyway (Unix seconds)."""
        late = self._views.find("revoked", {"expires__lt": int(time.time())}, "expires", 100)
        gone: dict[tuple[str, str], Row | None] = {("revoked", row["key"]): None for row in late.rows}
        self._views.save(gone | {("revoked", token_id): {"expires": expires}})

    def revoked(self, token_id: str) -> bool:
        """Whether a token was signed out."""
        return self._views.get("revoked", token_id) is not None

    def close(self) -> None:
        """Let go of the store."""
        self._views.close()

    def _hash(self, password: str) -> str:
        with self._hashing:
            hashed: str = self._run(_HASHER.hash, password)
        return hashed

    def _alone(self) -> _Alone:
        return _Alone(self._views, self._holder, self._changing)


class _Alone:
    """Changes to accounts happen one after the other, across threads and gateway processes."""

    def __init__(self, views: ViewStore, holder: str, lock: threading.Lock) -> None:
        self._views, self._holder, self._lock = views, holder, lock

    def __enter__(self) -> None:
        self._lock.acquire()
        deadline = time.monotonic() + _PATIENCE
        while not self._views.lease("accounts", self._holder, _PATIENCE):
            if time.monotonic() > deadline:
                self._lock.release()
                raise ConcurrencyError(_("accounts are being changed elsewhere; try again"))
            time.sleep(0.05)

    def __exit__(self, *error: object) -> None:
        self._views.lease("accounts", self._holder, 0)
        self._lock.release()


def public(row: Row) -> Row:
    """What may be shown of an account."""
    return {name: row[name] for name in ("username", "kind", "person_id")}


def _verify(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
