"""The second factor: taken once, sealed where it lies, asked for at sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.credentials import WRONG_CODE, Credentials
from services.gateway.problems import TooManyRequestsError
from services.gateway.second_factor import Factors
from shared.domain.errors import BadInputError, ForbiddenError, UnauthenticatedError, UnavailableError
from shared.service.settings import Settings
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


class Telephone:
    """What shows the numbers, and the clock that both go by."""

    def __init__(self, credentials: Credentials, username: str = "chen") -> None:
        """Set a second factor up with the number before the present one, which is used up with it."""
        self.at = 1_800_000_000.0
        credentials.factors.clock = lambda: self.at
        self.secret, _uri = credentials.begin_factor(username, PASSWORD, "")
        credentials.confirm_factor(username, self.now(), "", {})
        self.at += 30

    def now(self, by: int = 0) -> str:
        """The number that is shown now, or so many later."""
        return pyotp.TOTP(self.secret).at(int(self.at) + 30 * by)


def test_the_number_is_asked_for_and_used_up(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    token, _ = credentials.sign_in("chen", PASSWORD, "")
    totp = Telephone(credentials)
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
    totp = Telephone(credentials)
    number = totp.now()
    credentials.check_code(accounts.known("chen"), number, "", "sign a")
    credentials.check_code(accounts.known("chen"), number, "", "sign a")
    with pytest.raises(UnauthenticatedError):
        credentials.check_code(accounts.known("chen"), number, "", "sign b")


def test_guessing_numbers_is_braked(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    totp = Telephone(credentials)
    wrong = next(f"{n:06d}" for n in range(100) if f"{n:06d}" not in {totp.now(by) for by in range(-5, 6)})
    for _ in range(WRONG_CODE):
        with pytest.raises(UnauthenticatedError):
            credentials.sign_in("chen", PASSWORD, "", wrong)
    with pytest.raises(TooManyRequestsError):
        credentials.sign_in("chen", PASSWORD, "", totp.now())


def test_the_secret_lies_sealed_and_outlives_a_new_city_secret(accounts: Accounts, tmp_path: Path) -> None:
    totp = Telephone(Credentials(accounts, (OLD,)))
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert totp.secret.encode() not in written
    credentials, other = Credentials(accounts, (NEW, OLD)), Credentials(accounts, (NEW,))
    credentials.factors.clock = other.factors.clock = lambda: totp.at
    assert credentials.sign_in("chen", PASSWORD, "", totp.now())
    with pytest.raises(UnavailableError, match="reset"):
        other.sign_in("chen", PASSWORD, "", totp.now())


def test_one_that_is_set_up_is_not_replaced_by_who_knows_the_password(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    Telephone(credentials)
    with pytest.raises(ForbiddenError, match="already"):
        credentials.begin_factor("chen", PASSWORD, "")


def test_a_number_is_good_for_the_30_seconds_in_which_it_is_shown(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    totp = Telephone(credentials)
    shown = totp.at = float(int(totp.at) // 30 * 30)
    number = totp.now()
    for at, told in ((shown - 1, "30 s before or after"), (shown + 30, "30 s before or after"), (shown + 95, "90 s")):
        totp.at = at
        with pytest.raises(UnauthenticatedError, match=told):
            credentials.sign_in("chen", PASSWORD, "", number)
    totp.at = shown + 600
    with pytest.raises(UnauthenticatedError, match="is wrong"):  # as any guess
        credentials.sign_in("chen", PASSWORD, "", number)
    totp.at = shown + 29.9
    assert credentials.sign_in("chen", PASSWORD, "", number)


def test_an_application_reads_the_secret_with_city_and_name() -> None:
    sealed, secret, uri = Factors((b"A" * 43 + b"=",), "city").new("chen")
    assert uri.startswith("otpauth://totp/city:chen?secret=" + secret) and secret not in sealed


def test_an_account_ends_with_its_last_day(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (OLD,))
    token, _ = credentials.sign_in("chen", PASSWORD, "")
    accounts.change("chen", {"until": "2020-01-01"})
    with pytest.raises(UnauthenticatedError, match="ended"):
        credentials.open(token)
    with pytest.raises(UnauthenticatedError, match="2020-01-01"):
        credentials.sign_in("chen", PASSWORD, "")


def test_settings_say_for_whom_it_is_needed() -> None:
    assert Settings.read({}).second_factor == ""
    assert Settings.read({"LINLI_SECOND_FACTOR": "everybody"}).second_factor == "everybody"
    with pytest.raises(BadInputError, match="LINLI_SECOND_FACTOR must be everybody or empty"):
        Settings.read({"LINLI_SECOND_FACTOR": "nobody"})
