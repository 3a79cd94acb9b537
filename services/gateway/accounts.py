"""Local accounts: who may sign in as which person or as an operator. State of its own: no replay can make it again."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.gateway.passwords import REMEMBERED, check_password
from services.gateway.sign_ins import VIEW, SignIns
from services.gateway.trail import Rows
from shared.domain.calendar import LOCAL
from shared.domain.errors import BadInputError, ConcurrencyError, IllegalStateError, NotFoundError
from shared.domain.view import Row, View, by
from shared.domain.words import _, said
from shared.views import ViewStore


def _keep(row: Row, event: Any, record: Any, key: str) -> Row:
    return row  # nothing feeds these views


VIEWS = (
    View("accounts", "", by("username"), _keep, ("kind", "person_id")),
    View("revoked", "", by("token_id"), _keep, ("expires",)),
    View("notes", "", by("note_id"), _keep),
    View("requests", "", by("request_id"), _keep, ("state",)),
    VIEW,
)

#: Days after which an operator's account ends unless somebody extends it.
OPERATORS_DAYS = 365

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
        #: Whether a password became known elsewhere.
        self.breached: Callable[[str], bool] = lambda password: False
        self.sign_ins = SignIns(views)
        self._run = run
        self._hashing = threading.BoundedSemaphore(_AT_A_TIME)
        self._unknown = _HASHER.hash(secrets.token_hex(16))
        self._holder = secrets.token_hex(8)
        self._changing = threading.Lock()

    @property
    def views(self) -> ViewStore:
        """Where accounts lie, with the notes and requests that are saved together with them."""
        return self._views

    def get(self, username: str) -> Row | None:
        """The account, or None."""
        return self._views.get("accounts", username)

    def find(self, limit: int, cursor: str | None) -> Row:
        """A page of accounts, without their hashes."""
        page = self._views.find("accounts", None, "key", limit, cursor)
        return {"rows": [public(row) for row in page.rows], "next": page.next}

    def create(
        self,
        username: str,
        password: str,
        kind: str,
        person_id: str = "",
        *,
        first: bool = False,
        until: str = "",
        hashed: str = "",
        beside: Rows | None = None,
    ) -> Row:
        """A new account; `first`: somebody else chose the password, and it must be changed at the first sign-in.

        `until` is its last day (ISO date; operators' accounts have one in any case). `hashed` takes the place of a password that was
        checked before. `beside` is saved with it.

        Raises `IllegalStateError` when the name is taken or the person has an account already, `BadInputError` for a poor password.
        """
        hashed = hashed or self.hashed(password, username, person_id)
        if kind == "operator" and not until:
            until = (datetime.now(LOCAL).date() + timedelta(OPERATORS_DAYS)).isoformat()
        with self._alone():
            self.free(username, person_id)
            row = {
                "username": username,
                "kind": kind,
                "person_id": person_id,
                "hash": hashed,
                # never the number of an earlier account of this name, whose tokens would be good again
                "generation": secrets.randbits(48),
                "first": first,
                "until": until,
            }
            self._views.save({("accounts", username): row} | (beside or {}))
        return public(row)

    def free(self, username: str, person_id: str) -> None:
        """Raise `IllegalStateError` when the name is taken or the person has an account already."""
        if self.get(username) is not None:
            raise IllegalStateError(
                _("there is an account {name} already"), {"username": said(_("choose another name"))}, name=username
            )
        if person_id and self._views.count("accounts", {"person_id": person_id}):
            raise IllegalStateError(
                _("the person has an account already"), {"person_id": said(_("has an account already"))}
            )

    def operators(self) -> list[Row]:
        """The accounts of operators that have not ended."""
        rows = self._views.find("accounts", {"kind": "operator"}, "key", 500).rows
        return [row for row in rows if not ended(row)]

    def check(self, username: str, password: str) -> Row | None:
        """The account when the password is right. Takes the same time for a name that does not exist."""
        row = self.get(username)
        hashed = row["hash"] if row else self._unknown
        with self._hashing:
            right = self._run(_verify, hashed, password)
        return row if row and right else None

    def hashed(self, password: str, *known: str, old: Row | None = None, field: str = "password") -> str:
        """The hash of a new password; raises `BadInputError` for a poor one, or one of the last ones of the account `old`."""
        check_password(password, *known, field=field)
        if self.breached(password):
            raise BadInputError(
                _("the password is not taken"),
                {field: said(_("became known elsewhere, in a theft of passwords; take another"))},
            )
        for before in (old["hash"], *old.get("old", ())) if old else ():
            with self._hashing:
                same = self._run(_verify, before, password)
            if same:
                raise BadInputError(_("the password is not taken"), {field: said(_("is one of your last passwords"))})
        return self._hash(password)

    def change_password(
        self, username: str, password: str, *, first: bool = False, hashed: str = "", beside: Rows | None = None
    ) -> None:
        """A new password; every earlier sign-in ends. `first` and `hashed` as in `create`."""
        row = self.known(username)
        hashed = hashed or self.hashed(password, username, row["person_id"], old=row)
        old = [row["hash"], *row.get("old", ())][:REMEMBERED]
        self.change(username, {"hash": hashed, "old": old, "first": first}, ends=True, beside=beside)

    def known(self, username: str) -> Row:
        """The account; raises `NotFoundError`."""
        if (row := self.get(username)) is None:
            raise NotFoundError(_("there is no account {name}"), {"username": said(_("unknown"))}, name=username)
        return row

    def change(self, username: str, values: Row, ends: bool = False, beside: Rows | None = None) -> None:
        """Change what is kept of an account; `ends`: its sign-ins end. `beside` is saved with it."""
        with self._alone():
            row = self.known(username)
            generation = row["generation"] + 1 if ends else row["generation"]
            gone = self.sign_ins.ended(row) if ends else {}
            changed = {("accounts", username): row | values | {"generation": generation}}
            self._views.save(gone | changed | (beside or {}))

    def use_step(self, username: str, step: int, use: str) -> bool:
        """Use a number of the second factor up; False when it, or a later one, was used for something else."""
        with self._alone():
            row = self.known(username)
            if step < row.get("factor_step", 0) or (step == row.get("factor_step", 0) and row.get("factor_use") != use):
                return False
            self._views.save({("accounts", username): row | {"factor_step": step, "factor_use": use}})
        return True

    def settle(self, request_id: str, row: Row, beside: Rows | None = None) -> None:
        """Keep what became of a request for a second person; raises `IllegalStateError` when it is no longer open."""
        with self._alone():
            if (now := self._views.get("requests", request_id)) is None or now["state"] != "open":
                raise IllegalStateError(_("the request is no longer open"), {"request_id": said(_("no longer open"))})
            self._views.save({("requests", request_id): row} | (beside or {}))

    def remove(self, username: str, beside: Rows | None = None) -> None:
        """Take an account away with everything known of it; its sign-ins end."""
        with self._alone():
            gone = self.sign_ins.ended(self.known(username))
            self._views.save(gone | {("accounts", username): None} | (beside or {}))

    def forget(self, person_id: str, beside: Rows | None = None) -> None:
        """Take the account of an erased person away, if there is one: a sign-in name may be a name. `beside` is saved with it."""
        with self._alone():
            rows = self._views.find("accounts", {"person_id": person_id}).rows if person_id else ()
            if rows:
                gone: Rows = {("accounts", row["key"]): None for row in rows}
                for row in rows:
                    gone |= self.sign_ins.ended(row)
                self._views.save(gone | (beside or {}))

    def revoke(self, token_id: str, expires: int, beside: Rows | None = None) -> None:
        """Refuse a token until it would have expired anyway (Unix seconds). `beside` is saved with it."""
        late = self._views.find("revoked", {"expires__lt": int(time.time())}, "expires", 100)
        gone: Rows = {("revoked", row["key"]): None for row in late.rows}
        gone |= {("sign_ins", token_id): None}
        self._views.save(gone | {("revoked", token_id): {"expires": expires}} | (beside or {}))

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
    """What operators may see of an account."""
    return {
        **{name: row[name] for name in ("username", "kind", "person_id")},
        "until": row.get("until", ""),
        "second_factor": bool(row.get("factor")),
    }


def ended(row: Row) -> bool:
    """Whether the last day of an account has passed."""
    return bool(row.get("until")) and date.fromisoformat(row["until"]) < datetime.now(LOCAL).date()


def _verify(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
