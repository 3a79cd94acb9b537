"""Proofs of who somebody is: passwords, bearer tokens, the operator's first token; and the brake on guessing."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from services.gateway.accounts import Accounts
from services.gateway.problems import TooManyRequestsError
from shared.domain.errors import UnauthenticatedError
from shared.domain.view import Row
from shared.domain.words import _, said
from shared.service.settings import write_private

#: Seconds for which a sign-in is good.
LIFETIME = 12 * 3600
#: Wrong passwords in a minute: for one name from one address, for one name, from one address.
WRONG_BOTH, WRONG_NAME, WRONG_ADDRESS = 5, 30, 30
_MINUTE = 60.0
_WATCHED = 20_000


@dataclass(frozen=True)
class Identity:
    """Who a credential belongs to: a person, an operator, or nobody."""

    kind: str
    actor: str = ""
    username: str = ""


def derive_key(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that nothing signed for one can be used for another."""
    return hmac.digest(secret, f"linli gateway {purpose}".encode(), "sha256")


def operator_token(path: Path) -> str:
    """The operator's first credential; written at first start, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(32).encode() + b"\n")
    return path.read_text().strip()


class Credentials:
    """Issues and checks tokens.

    `secrets` are the city's, the newest first; `operator` is the operator's first token ("": none).
    """

    def __init__(
        self,
        accounts: Accounts,
        secrets: tuple[bytes, ...],
        operator: str = "",
        lifetime: int = LIFETIME,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.accounts = accounts
        self.lifetime = lifetime
        self._operator = operator.encode()
        # the last of several keys signs, and all of them check
        self._tokens = URLSafeTimedSerializer([derive_key(secret, "token") for secret in reversed(secrets)])
        self._attempts = Attempts(clock)

    def sign_in(self, username: str, password: str, address: str) -> tuple[str, Identity]:
        """A token for the right password; raises `UnauthenticatedError`, or `TooManyRequestsError` after wrong ones."""
        row = self.check(username, password, address)
        payload = {"u": username, "g": row["generation"], "i": secrets.token_hex(12)}
        return str(self._tokens.dumps(payload)), _identity(row)

    def check(self, username: str, password: str, address: str) -> Row:
        """The account when the password is right; raises as `sign_in` does."""
        limits = {f"{username} {address}": WRONG_BOTH, f"{username} *": WRONG_NAME, f"* {address}": WRONG_ADDRESS}
        self._attempts.begin(limits)
        row = self.accounts.check(username, password)
        if row is None:
            raise UnauthenticatedError(_("the name or the password is wrong"))
        self._attempts.succeeded(limits)
        return row

    def open(self, token: str) -> Identity:
        """Whose token it is; raises `UnauthenticatedError` when forged, expired, signed out or of a removed account."""
        if self._operator and hmac.compare_digest(token.encode(), self._operator):
            return Identity("operator", "operator:token", "operator")
        payload = self._load(token)
        row = self.accounts.get(payload["u"])
        if row is None or row["generation"] != payload["g"] or self.accounts.revoked(payload["i"]):
            raise UnauthenticatedError(_("the sign-in has ended; sign in again"))
        return _identity(row)

    def revoke(self, token: str) -> None:
        """Refuse a token from now on; a token that is not good anyway is passed over."""
        try:
            payload = self._load(token)
        except UnauthenticatedError:
            return
        self.accounts.revoke(payload["i"], int(time.time()) + self.lifetime + 1)

    def _load(self, token: str) -> Row:
        try:
            payload: Row = self._tokens.loads(token, max_age=self.lifetime)
        except SignatureExpired:
            raise UnauthenticatedError(_("the sign-in has expired; sign in again")) from None
        except BadSignature:
            raise UnauthenticatedError(_("the token is not one of this city")) from None
        return payload


def _identity(row: Row) -> Identity:
    if row["kind"] == "operator":
        return Identity("operator", f"operator:{row['username']}", row["username"])
    return Identity("person", row["person_id"], row["username"])


class Attempts:
    """Counts sign-ins that may turn out wrong, in one process; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun: OrderedDict[str, deque[float]] = OrderedDict()

    def begin(self, limits: dict[str, int]) -> None:
        """Count an attempt before it is checked, so that many at once do not slip through, or refuse it."""
        now = self._clock()
        for name, limit in limits.items():
            times = self._begun.get(name, deque())
            while times and now - times[0] >= _MINUTE:
                times.popleft()
            if len(times) >= limit:
                seconds = int(_MINUTE - (now - times[0])) + 1
                raise TooManyRequestsError(
                    said(_("too many wrong passwords; try again in {seconds} s"), seconds=seconds), seconds
                )
        for name in limits:
            self._begun.setdefault(name, deque()).append(now)
            self._begun.move_to_end(name)
        while len(self._begun) > _WATCHED:
            self._begun.popitem(last=False)

    def succeeded(self, limits: dict[str, int]) -> None:
        """Take the attempt back: the password was right."""
        for name in limits:
            if times := self._begun.get(name):
                times.pop()
                if not times:
                    del self._begun[name]
