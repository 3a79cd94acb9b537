"""Which passwords are taken, and that the last ones are not."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import pytest

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.breached import Breached
from services.gateway.passwords import REMEMBERED, check_password
from shared.domain.errors import BadInputError
from shared.views.sqlite import SqliteViews

GOOD = "violet kettle 73 harbour"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "10 to 200"),
        ("x" * 201, "10 to 200"),
        (" " * 10, "blank"),
        ("　" * 12, "blank"),  # ideographic spaces
        ("1234567890", "easy to guess"),
        ("qwertyuiop", "easy to guess"),
        ("aaaaaaaaaaaa", "easy to guess"),
        ("P@ssw0rd2026", "easy to guess"),
        ("woaini1314520", "easy to guess"),
        ("woaini5201314", "easy to guess"),
        ("20260301123", "easy to guess"),
        ("linlilinli", "easy to guess"),
        ("chen.yuan.wang", "made of the name"),
        ("Chen.Yuan.Wang1", "made of the name"),
    ],
)
def test_a_poor_password_is_refused_with_its_reason(password: str, reason: str) -> None:
    with pytest.raises(BadInputError, match="not taken") as refused:
        check_password(password, "chen.yuan.wang")
    assert reason in str(refused.value.fields["password"])


@pytest.mark.parametrize("password", [GOOD, "correct horse 9", "春眠不觉晓处处闻啼鸟2026", "gly-2026-lamp-9q"])
def test_a_good_one_is_taken(password: str) -> None:
    check_password(password, "chen")


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    store = SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True)
    yield Accounts(store)
    store.close()


def test_the_last_passwords_are_not_taken_again(accounts: Accounts) -> None:
    accounts.create("chen", f"{GOOD} 0", "person", "p-chen")
    for number in range(1, REMEMBERED + 2):
        with pytest.raises(BadInputError) as refused:
            accounts.change_password("chen", f"{GOOD} {number - 1}")
        assert "last passwords" in str(refused.value.fields["password"])
        accounts.change_password("chen", f"{GOOD} {number}")
    accounts.change_password("chen", f"{GOOD} 0")  # long ago


def test_an_account_of_the_same_name_has_other_sign_ins(accounts: Accounts) -> None:
    accounts.create("chen", GOOD, "person", "p-chen")
    before = accounts.known("chen")["generation"]
    accounts.remove("chen")
    accounts.create("chen", GOOD, "person", "p-other")
    assert accounts.known("chen")["generation"] != before


def _file(path: Path, *passwords: str, end: str = "\r\n") -> Path:
    lines = sorted(f"{sha1(password.encode()).hexdigest().upper()}:{len(password)}" for password in passwords)
    path.write_bytes((end.join(lines) + end).encode())
    return path


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_every_password_of_a_file_of_breaches_is_found_and_no_other(tmp_path: Path, count: int, end: str) -> None:
    known = [f"{GOOD} {number}" for number in range(count)]
    breached = Breached(_file(tmp_path / "known", *known, end=end))
    assert all(breached.holds(password) for password in known)
    assert not any(breached.holds(f"{GOOD} {number}") for number in range(count, 2 * count))


def test_a_password_that_became_known_elsewhere_is_not_taken(accounts: Accounts, tmp_path: Path) -> None:
    accounts.breached = Breached(_file(tmp_path / "known", GOOD, "other")).holds
    with pytest.raises(BadInputError) as refused:
        accounts.create("chen", GOOD, "person", "p-chen")
    assert "became known elsewhere" in str(refused.value.fields["password"])
    assert accounts.get("chen") is None
    accounts.create("chen", f"{GOOD} 2", "person", "p-chen")
    with pytest.raises(BadInputError):
        accounts.change_password("chen", GOOD)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"password\n123456\n", "something else than hashes"),
        (b"x" * 5000, "something else than hashes"),
        (b"F" * 40 + b":3\n" + b"A" * 40 + b":3\n", "not ordered"),
        (b"A" * 40 + b":3\n" + b"B" * 3000, "something else than hashes|too long"),
    ],
)
def test_a_file_of_something_else_is_refused_at_start(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "known"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=reason):
        Breached(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="LINLI_BREACHED_PASSWORDS .*known cannot be read"):
        Breached(tmp_path / "known")
