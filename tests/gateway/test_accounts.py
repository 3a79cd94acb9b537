"""Accounts and credentials: passwords are never kept, guessing is braked, a sign-in ends when it should."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.attempts import FADES, FIRST, LONGEST, WATCHED, Attempts
from services.gateway.credentials import WRONG_BOTH, WRONG_NAME, Credentials, Identity, operator_token
from services.gateway.problems import TooManyRequestsError
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError, UnauthenticatedError
from shared.views.sqlite import SqliteViews
from tests.kit.traces import found

SECRET = b"s" * 32
PASSWORD = "correct horse 9"


class Recorder:
    """Runs work at once and remembers how often."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, work: Callable[..., Any], *arguments: Any) -> Any:
        self.runs += 1
        return work(*arguments)


@pytest.fixture
def views(tmp_path: Path) -> Iterator[SqliteViews]:
    store = SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True)
    yield store
    store.close()


@pytest.fixture
def accounts(views: SqliteViews) -> Accounts:
    made = Accounts(views)
    made.create("chen", PASSWORD, "person", "p-chen")
    return made


def test_the_password_is_not_in_the_file(accounts: Accounts, tmp_path: Path) -> None:
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert PASSWORD.encode() not in written
    assert b"$argon2id$" in written


def test_listed_accounts_show_no_hash(accounts: Accounts) -> None:
    assert accounts.find(10, None)["rows"] == [
        {"username": "chen", "kind": "person", "person_id": "p-chen", "until": "", "second_factor": False}
    ]


def test_accounts_outlive_the_process(accounts: Accounts, tmp_path: Path) -> None:
    accounts.close()
    again = Accounts(SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True))
    assert again.check("chen", PASSWORD)
    again.close()


def test_a_name_and_a_person_have_one_account(accounts: Accounts) -> None:
    with pytest.raises(IllegalStateError, match="already"):
        accounts.create("chen", PASSWORD, "person", "p-other")
    with pytest.raises(IllegalStateError, match="the person has an account"):
        accounts.create("chen2", PASSWORD, "person", "p-chen")
    assert accounts.get("chen2") is None


def test_an_unknown_name_costs_the_same_work_as_a_wrong_password(views: SqliteViews) -> None:
    recorder = Recorder()
    accounts = Accounts(views, recorder)
    accounts.create("chen", PASSWORD, "person", "p-chen")
    before = recorder.runs
    assert accounts.check("chen", "wrong") is None
    assert accounts.check("nobody", "wrong") is None
    assert recorder.runs == before + 2


def test_a_removed_account_cannot_sign_in_and_is_gone(accounts: Accounts) -> None:
    accounts.remove("chen")
    assert accounts.check("chen", PASSWORD) is None
    with pytest.raises(NotFoundError):
        accounts.remove("chen")
    assert accounts.create("chen2", PASSWORD, "person", "p-chen")["person_id"] == "p-chen"


def test_of_a_removed_account_no_file_keeps_the_name(accounts: Accounts, tmp_path: Path) -> None:
    """Neither free pages nor the write-ahead file; who is erased goes by their id, and nobody else goes."""
    for name, person in (("ouyanglingba", "p-o"), ("linxiaoyan", "p-l"), ("ouyangsecond", "")):
        accounts.create(name, PASSWORD, "person" if person else "operator", person)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert found(["ouyanglingba"], files)
    accounts.forget("p-o")
    accounts.forget("p-o")
    accounts.forget("")
    assert found(["ouyanglingba"], files) == []
    assert [row["username"] for row in accounts.find(10, None)["rows"]] == ["chen", "linxiaoyan", "ouyangsecond"]
    accounts.remove("linxiaoyan")
    assert found(["linxiaoyan"], files) == [] and found(["ouyangsecond"], files)


def test_a_token_names_who_signed_in(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (SECRET,))
    token, identity = credentials.sign_in("chen", PASSWORD, "127.0.0.1")
    assert identity == Identity("person", "p-chen", "chen")
    assert credentials.open(token) == identity


def test_an_operator_never_shares_a_name_with_a_person(accounts: Accounts) -> None:
    accounts.create("wang", PASSWORD, "operator")
    _, identity = Credentials(accounts, (SECRET,)).sign_in("wang", PASSWORD, "127.0.0.1")
    assert identity == Identity("operator", "operator:wang", "wang", ("second_factor",))


def test_a_token_ends_with_its_time(accounts: Accounts) -> None:
    token, _ = Credentials(accounts, (SECRET,)).sign_in("chen", PASSWORD, "127.0.0.1")
    with pytest.raises(UnauthenticatedError, match="expired"):
        Credentials(accounts, (SECRET,), lifetime=-1).open(token)


def test_a_token_of_another_city_or_changed_by_a_character_is_refused(accounts: Accounts) -> None:
    token, _ = Credentials(accounts, (b"another secret of thirty-two byte",)).sign_in("chen", PASSWORD, "127.0.0.1")
    credentials = Credentials(accounts, (SECRET,))
    own, _ = credentials.sign_in("chen", PASSWORD, "127.0.0.1")
    body, _, rest = own.partition(".")
    changed = body[:-1] + ("A" if body[-1] != "A" else "B") + "." + rest
    for forged in (token, changed, "", "x", own[:-2]):
        with pytest.raises(UnauthenticatedError, match="not one of this city"):
            credentials.open(forged)


def test_a_token_ends_with_sign_out_new_password_or_removal(accounts: Accounts) -> None:
    credentials = Credentials(accounts, (SECRET,))
    first, _ = credentials.sign_in("chen", PASSWORD, "127.0.0.1")
    second, _ = credentials.sign_in("chen", PASSWORD, "127.0.0.1")
    credentials.revoke(first)
    with pytest.raises(UnauthenticatedError, match="has ended"):
        credentials.open(first)
    assert credentials.open(second).username == "chen"
    accounts.change_password("chen", "another pass 10")
    with pytest.raises(UnauthenticatedError, match="has ended"):
        credentials.open(second)
    third, _ = credentials.sign_in("chen", "another pass 10", "127.0.0.1")
    accounts.remove("chen")
    with pytest.raises(UnauthenticatedError, match="has ended"):
        credentials.open(third)


def test_the_operators_token_is_made_once_and_private(accounts: Accounts, tmp_path: Path) -> None:
    path = tmp_path / "city" / "operator.token"
    token = operator_token(path)
    assert operator_token(path) == token
    assert len(token) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    credentials = Credentials(accounts, (SECRET,), token)
    assert credentials.open(token).kind == "operator"
    with pytest.raises(UnauthenticatedError):
        credentials.open(token[:-1])


def test_a_token_that_could_be_guessed_is_refused_and_an_empty_file_holds_none(tmp_path: Path) -> None:
    path = tmp_path / "operator.token"
    path.write_text("x" * 31 + "\n")
    with pytest.raises(BadInputError, match="32 characters or more"):
        operator_token(path)
    path.write_text("\n")
    assert operator_token(path) == ""


def test_without_an_operators_token_an_empty_one_opens_nothing(accounts: Accounts) -> None:
    with pytest.raises(UnauthenticatedError):
        Credentials(accounts, (SECRET,), "").open("")


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_guessing_is_braked_for_a_minute_and_a_right_password_does_not_count(accounts: Accounts) -> None:
    clock = Clock()
    credentials = Credentials(accounts, (SECRET,), clock=clock)
    for _ in range(WRONG_BOTH + 3):
        credentials.sign_in("chen", PASSWORD, "10.0.0.1")
    for _ in range(WRONG_BOTH):
        with pytest.raises(UnauthenticatedError):
            credentials.sign_in("chen", "wrong", "10.0.0.1")
    with pytest.raises(TooManyRequestsError) as refused:
        credentials.sign_in("chen", PASSWORD, "10.0.0.1")
    assert 1 <= refused.value.retry_after <= 61
    assert credentials.sign_in("chen", PASSWORD, "10.0.0.2"), "others at another address are not locked out"
    clock.now += 60
    assert credentials.sign_in("chen", PASSWORD, "10.0.0.1")


def test_guessing_one_name_from_many_addresses_is_braked_too() -> None:
    attempts = Attempts(Clock())
    for number in range(WRONG_NAME):
        attempts.begin({f"chen 10.0.0.{number}": WRONG_BOTH, "chen *": WRONG_NAME})
    with pytest.raises(TooManyRequestsError):
        attempts.begin({"chen 10.0.1.1": WRONG_BOTH, "chen *": WRONG_NAME})


def test_who_is_wrong_again_waits_longer_and_at_last_it_is_forgotten() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    waits = []
    for number in range(40):
        try:
            attempts.begin({"chen": WRONG_BOTH})
        except TooManyRequestsError as refused:
            waits.append(refused.retry_after)
            clock.now += refused.retry_after
        assert len(attempts._begun) == 1, number
    assert waits[0] == FIRST + 1 and max(waits) == LONGEST + 1
    assert waits[:4] == sorted(set(waits[:4])), "each is longer than the one before"
    clock.now += 10 * FADES
    attempts.begin({"li": WRONG_BOTH})
    assert len(attempts._begun) == 1, "what has faded takes no room"


def test_what_is_watched_stays_small_however_long_the_names_are() -> None:
    attempts = Attempts(Clock())
    for number in range(25_000):
        attempts.begin({f"name-{number}" * 20: WRONG_BOTH})
    assert len(attempts._begun) <= WATCHED
    assert all(len(name) == 16 for name in attempts._begun)
