"""Proofs of who somebody is: passwords, bearer tokens, the operator's first token; and the brake on guessing."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from services.gateway.accounts import Accounts
from services.gateway.attempts import Attempts
from shared.domain.errors import BadInputError, UnauthenticatedError
from shared.domain.view import Row
from shared.domain.words import _, said
from shared.service.settings import write_private

#: Seconds for which a sign-in is good.
LIFETIME = 12 * 3600
#: Wrong passwords before the next one waits: for one name from one address or known device, for one name, from one address.
WRONG_BOTH, WRONG_NAME, WRONG_ADDRESS = 5, 30, 100
#: Characters of the longest name and password.
LONGEST_NAME, LONGEST_PASSWORD = 64, 200


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
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
        self._secrets = secrets
        self._operator = operator.encode()
        self._tokens = URLSafeTimedSerializer(self.keys("token"))
        self._attempts = Attempts(clock)
        #: The id of the device that asks when the name signed in from it before, or "".
        self.device: Callable[[str], str] = lambda username: ""

    def keys(self, purpose: str) -> list[bytes]:
        """Keys for one purpose: the last one signs, and all of them check."""
        return [derive_key(secret, purpose) for secret in reversed(self._secrets)]

    def sign_in(self, username: str, password: str, address: str) -> tuple[str, Identity]:
        """A token for the right password; raises `UnauthenticatedError`, or `TooManyRequestsError` after wrong ones."""
        row = self.check(username, password, address)
        payload = {"u": username, "g": row["generation"], "i": secrets.token_hex(12)}
        return str(self._tokens.dumps(payload)), _identity(row)

    def check(self, username: str, password: str, address: str) -> Row:
        """The account when the password is right; raises as `sign_in` does."""
        if len(username) > LONGEST_NAME or len(password) > LONGEST_PASSWORD:
            raise BadInputError(
                _("a name has at most {name} characters and a password {password}"),
                {"username": said(_("the name or the password is too long"))},
                name=LONGEST_NAME,
                password=LONGEST_PASSWORD,
            )
        if device := self.device(username):  # what strangers try from elsewhere does not keep its owner out
            limits = {f"{username} {device}": WRONG_BOTH}
        else:
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
