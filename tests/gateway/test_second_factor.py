"""The second factor: taken once, sealed where it lies, asked for at sign-in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.credentials import WRONG_CODE, Credentials
from services.gateway.problems import TooManyRequestsError
from services.gateway.second_factor import Factors
from shared.domain.errors import ForbiddenError, UnauthenticatedError, UnavailableError
from shared.views.sqlite import SqliteViews

PASSWORD = "correct horse 9"
OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    store = SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True)
    made = Accounts(store)
    made.create("chen", PASSWORD, "person", "p-chen")
    yield made
    store.close()


def set_up(credentials: Credentials, username: str = "chen") -> pyotp.TOTP:
    """Set a second factor up with the number before the present one, so that the present one is still good."""
    secret, _uri = credentials.begin_factor(username, PASSWORD, "")
    totp = pyotp.TOTP(secret)
    credentials.confirm_factor(username, totp.at(int(time.time()) - 30), "", {})
    return totp


def test_the_number_is_asked_for_and_used_up(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    token, _ = credentials.sign_in("chen", PASSWORD, "")
    totp = set_up(credentials)
    with pytest.raises(UnauthenticatedError):
        credentials.open(token)  # signed in without it
    with pytest.raises(UnauthenticatedError, match="enter the number"):
        credentials.sign_in("chen", PASSWORD, "")
    with pytest.raises(UnauthenticatedError, match="wrong"):
        credentials.sign_in("chen", PASSWORD, "", "000000" if totp.now() != "000000" else "111111")
    number = totp.now()
    assert credentials.open(credentials.sign_in("chen", PASSWORD, "", number)[0]).actor == "p-chen"
    with pytest.raises(UnauthenticatedError, match="used already"):
        credentials.sign_in("chen", PASSWORD, "", number)


def test_the_same_use_may_be_repeated_and_no_other(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    totp = set_up(credentials)
    number = totp.now()
    credentials.check_code(accounts.known("chen"), number, "", "sign a")
    credentials.check_code(accounts.known("chen"), number, "", "sign a")
    with pytest.raises(UnauthenticatedError):
        credentials.check_code(accounts.known("chen"), number, "", "sign b")


def test_guessing_numbers_is_braked(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    totp = set_up(credentials)
    wrong = next(
        f"{n:06d}" for n in range(100) if f"{n:06d}" not in {totp.at(time.time() + 30 * d) for d in range(-3, 4)}
    )
    for _ in range(WRONG_CODE):
        with pytest.raises(UnauthenticatedError):
            credentials.sign_in("chen", PASSWORD, "", wrong)
    with pytest.raises(TooManyRequestsError):
        credentials.sign_in("chen", PASSWORD, "", totp.now())


def test_the_secret_lies_sealed_and_outlives_a_new_city_secret(accounts: Accounts, tmp_path: Path) -> None:
    totp = set_up(Credentials(accounts, (OLD,)))
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert totp.secret.encode() not in written
    credentials = Credentials(accounts, (NEW, OLD))
    assert credentials.sign_in("chen", PASSWORD, "", totp.now())
    with pytest.raises(UnavailableError, match="reset"):
        Credentials(accounts, (NEW,)).sign_in("chen", PASSWORD, "", totp.now())


def test_one_that_is_set_up_is_not_replaced_by_who_knows_the_password(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    set_up(credentials)
    with pytest.raises(ForbiddenError, match="already"):
        credentials.begin_factor("chen", PASSWORD, "")


def test_clocks_may_differ_by_one_number() -> None:
    now = 1_800_000_000.0
    sealed, secret, uri = Factors((b"A" * 43 + b"=",), "city", lambda: now).new("chen")
    assert uri.startswith("otpauth://totp/city:chen?secret=" + secret)
    totp = pyotp.TOTP(secret)
    factors = Factors((b"A" * 43 + b"=",), "city", lambda: now)
    found = [factors.step_of(sealed, totp.at(int(now) + 30 * drift)) is not None for drift in (-2, -1, 0, 1, 2)]
    assert found == [False, True, True, True, False]


def test_an_account_ends_with_its_last_day(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    token, _ = credentials.sign_in("chen", PASSWORD, "")
    accounts.change("chen", {"until": "2020-01-01"})
    with pytest.raises(UnauthenticatedError, match="ended"):
        credentials.open(token)
    with pytest.raises(UnauthenticatedError, match="2020-01-01"):
        credentials.sign_in("chen", PASSWORD, "")
