"""Proofs of who somebody is: passwords, second factors, bearer tokens, the installation's token; and the brake on guessing."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from services.gateway.accounts import Accounts, ended
from services.gateway.attempts import Attempts
from services.gateway.problems import TooManyRequestsError
from services.gateway.second_factor import STEP, Factors
from services.gateway.trail import Rows, Trail
from shared.domain.errors import BadInputError, ForbiddenError, LinliError, UnauthenticatedError
from shared.domain.view import Row
from shared.domain.words import _, said
from shared.service.settings import text_of, write_private

#: Seconds for which a sign-in is good: of persons, and of operators.
LIFETIME, OPERATORS_LIFETIME = 12 * 3600, 4 * 3600
#: Wrong ones before the next waits: passwords for one name from one address or known device, for one name, from one address; numbers of a
#: second factor.
WRONG_BOTH, WRONG_NAME, WRONG_ADDRESS, WRONG_CODE = 5, 30, 100, 5
#: Characters of the longest name and password.
LONGEST_NAME, LONGEST_PASSWORD = 64, 200
#: Characters of the shortest installation's token.
SHORTEST_TOKEN = 32
#: Who acts with the installation's token.
TOKEN = "operator:token"
#: What somebody has to do before anything else.
PASSWORD, SECOND_FACTOR = "password", "second_factor"


@dataclass(frozen=True)
class Identity:
    """Who a credential belongs to: a person, an operator, or nobody; `needs` is what must be done before anything else."""

    kind: str
    actor: str = ""
    username: str = ""
    needs: tuple[str, ...] = ()


def derive_key(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that nothing signed for one can be used for another."""
    return hmac.digest(secret, f"linli gateway {purpose}".encode(), "sha256")


def operator_token(path: Path) -> str:
    """The installation's token, its first credential; written at first start, readable by its owner only. An empty file: none.

    Raises `BadInputError` when it is short enough to be guessed.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, secrets.token_urlsafe(32).encode() + b"\n")
    token = text_of(path, "LINLI_OPERATOR_TOKEN_FILE")
    if 0 < len(token) < SHORTEST_TOKEN:
        raise BadInputError(f"LINLI_OPERATOR_TOKEN_FILE {path} must hold {SHORTEST_TOKEN} characters or more, or none")
    return token


def account_words(row: Row | None) -> dict[str, str]:
    """Whose account it is, as a security act tells it; nothing for a name that is no account's, for people type passwords there."""
    return {} if row is None else {"account": row["username"], "person_id": row["person_id"]}


class Credentials:
    """Issues and checks tokens.

    `secrets` are the city's, the newest first; `operator` is the installation's token ("": none). `trail` notes what happens. With
    `everybody` all accounts need a second factor, not operators' alone. In a `trial` nobody needs one, and first passwords stay.
    """

    def __init__(
        self,
        accounts: Accounts,
        secrets: tuple[bytes, ...],
        operator: str = "",
        lifetime: int = LIFETIME,
        clock: Callable[[], float] = time.monotonic,
        trail: Trail | None = None,
        city: str = "linli.example",
        trial: bool = False,
        everybody: bool = False,
    ) -> None:
        self.accounts = accounts
        self.lifetime = lifetime
        self._secrets = secrets
        self.trial = trial
        self._everybody = everybody
        self._operator = operator.encode()
        self._tokens = URLSafeTimedSerializer(self.keys("token"))
        self._attempts = Attempts(clock)
        self._trail = trail
        keys = tuple(base64.urlsafe_b64encode(derive_key(secret, "second factor")) for secret in secrets)
        self.factors = Factors(keys, city)
        #: The id of the device that asks when the name signed in from it before, or "".
        self.device: Callable[[str], str] = lambda username: ""

    def keys(self, purpose: str) -> list[bytes]:
        """Keys for one purpose: the last one signs, and all of them check."""
        return [derive_key(secret, purpose) for secret in reversed(self._secrets)]

    def sign_in(
        self, username: str, password: str, address: str, code: str = "", browser: str = ""
    ) -> tuple[str, Identity]:
        """A token for the right password, and number where there is a second factor; `browser` is what its owner will know it by.

        Raises `UnauthenticatedError`, or `TooManyRequestsError` after wrong ones.
        """
        row = self.check(username, password, address)
        if row.get("factor"):
            self.check_code(row, code, address, f"sign-in:{secrets.token_hex(8)}")
        payload = {"u": username, "g": row["generation"], "i": secrets.token_hex(12)}
        identity = self._identity(row)
        lifetime = min(self.lifetime, OPERATORS_LIFETIME) if row["kind"] == "operator" else self.lifetime
        self.accounts.sign_ins.begin(payload["i"], row, lifetime, browser)
        self._count("signed_in", address, row, by=identity.actor)
        return str(self._tokens.dumps(payload)), identity

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
        try:
            self._attempts.begin(limits)
        except TooManyRequestsError:
            self._count("sign_in_stopped", address, self.accounts.get(username))
            raise
        row = self.accounts.check(username, password)
        if row is None:
            self._count("sign_in_failed", address, self.accounts.get(username))
            raise UnauthenticatedError(_("the name or the password is wrong"))
        self._attempts.succeeded(limits)
        if ended(row):
            self._count("sign_in_failed", address, row)
            raise UnauthenticatedError(_("the account ended on {day}; an operator can extend it"), day=row["until"])
        return row

    def check_code(
        self, row: Row, code: str, address: str, use: str, error: type[LinliError] = UnauthenticatedError
    ) -> None:
        """Check the number of a second factor and use it up for `use`; the same use may be repeated. Raises `error` for a wrong one."""
        if not code:
            raise error(_("enter the number of your second factor"), {"code": said(_("is missing"))})
        limits = {f"{row['username']} code": WRONG_CODE}
        try:
            self._attempts.begin(limits)
        except TooManyRequestsError:
            self._count("sign_in_stopped", address, row)
            raise
        step = self.factors.step_of(row["factor"], code.strip())
        if step is None or not self.accounts.use_step(row["username"], step, use):
            self._count("second_factor_failed", address, row)
            if step is None and (off := self.factors.off(row["factor"], code.strip())):
                raise error(
                    _(
                        "the number was shown {seconds} s before or after now; enter the present one, and have the telephone set its clock"
                    ),
                    {"code": said(_("is not the present one"))},
                    seconds=abs(off) * STEP,
                )
            raise error(
                _("the number is wrong or was used already; wait for the next one"),
                {"code": said(_("is wrong or was used already"))},
            )
        self._attempts.succeeded(limits)

    def begin_factor(self, username: str, password: str, address: str) -> tuple[str, str]:
        """A new secret for a second factor, as text and as an address; good once a number of it was given (`confirm_factor`)."""
        row = self.check(username, password, address)
        if row.get("factor"):
            raise ForbiddenError(_("there is a second factor already; an operator can reset it"))
        sealed, secret, uri = self.factors.new(username)
        self.accounts.change(username, {"factor_next": sealed})
        return secret, uri

    def confirm_factor(self, username: str, code: str, address: str, beside: Rows) -> None:
        """From now on the second factor that was begun is needed; every earlier sign-in ends."""
        row = self.accounts.known(username)
        if not row.get("factor_next"):
            raise ForbiddenError(_("begin a second factor first"))
        self.check_code(row | {"factor": row["factor_next"]}, code, address, "set", BadInputError)
        self.accounts.change(username, {"factor": row["factor_next"], "factor_next": ""}, ends=True, beside=beside)

    def open(self, token: str) -> Identity:
        """Whose token it is; raises `UnauthenticatedError` when forged, expired, signed out, closed or of a removed account."""
        if self._operator and hmac.compare_digest(token.encode(), self._operator):
            if self.accounts.revoked(token_mark(token)):
                raise UnauthenticatedError(_("the installation's token was closed; sign in as an operator"))
            return Identity("operator", TOKEN, "operator")
        payload, age = self._load(token)
        row = self.accounts.get(payload["u"])
        if row is None or row["generation"] != payload["g"] or self.accounts.revoked(payload["i"]) or ended(row):
            raise UnauthenticatedError(_("the sign-in has ended; sign in again"))
        if row["kind"] == "operator" and age > OPERATORS_LIFETIME:
            raise UnauthenticatedError(_("the sign-in has expired; sign in again"))
        return self._identity(row)

    def revoke(self, token: str, beside: Rows | None = None) -> None:
        """Refuse a token from now on; a token that is not good anyway is passed over.

        The installation's token is no sign-in and does not end with one: raises `ForbiddenError`.
        """
        if self._operator and hmac.compare_digest(token.encode(), self._operator):
            raise ForbiddenError(
                _(
                    "the installation's token is no sign-in that ends; close it for good once two operators have accounts"
                )
            )
        try:
            payload, _age = self._load(token)
        except UnauthenticatedError:
            return
        self.accounts.revoke(payload["i"], int(time.time()) + self.lifetime + 1, beside)

    def sign_ins(self, token: str) -> list[Row]:
        """Where the account of a token is signed in, as `SignIns.of` tells it."""
        payload, _age = self._load(token)
        return self.accounts.sign_ins.of(self.accounts.known(payload["u"]), payload["i"])

    def end_sign_in(self, token: str, sign_in_id: str) -> None:
        """End one sign-in of the account of a token; raises `NotFoundError` for one that is not its own."""
        payload, _age = self._load(token)
        expires = self.accounts.sign_ins.expires(self.accounts.known(payload["u"]), sign_in_id)
        self.accounts.revoke(sign_in_id, expires + 1)

    def close_token(self, beside: Rows) -> None:
        """Refuse the installation's token from now on, for good; another one in its file is another token."""
        self.accounts.revoke(token_mark(self._operator.decode()), 2**53 - 1, beside)

    def _load(self, token: str) -> tuple[Row, float]:
        try:
            payload, signed = self._tokens.loads(token, max_age=self.lifetime, return_timestamp=True)
        except SignatureExpired:
            raise UnauthenticatedError(_("the sign-in has expired; sign in again")) from None
        except BadSignature:
            raise UnauthenticatedError(_("the token is not one of this city")) from None
        return payload, time.time() - signed.timestamp()

    def _identity(self, row: Row) -> Identity:
        needs = (PASSWORD,) if row.get("first") and not self.trial else ()
        if (row["kind"] == "operator" or self._everybody) and not row.get("factor") and not self.trial:
            needs = (*needs, SECOND_FACTOR)
        if row["kind"] == "operator":
            return Identity("operator", f"operator:{row['username']}", row["username"], needs)
        return Identity("person", row["person_id"], row["username"], needs)

    def _count(self, act: str, address: str, row: Row | None, by: str = "") -> None:
        if self._trail is not None:
            self._trail.count(act, by=by, address=address, **account_words(row))


def token_mark(token: str) -> str:
    """Under which name the installation's token is closed."""
    return f"token:{sha256(token.encode()).hexdigest()[:32]}"
