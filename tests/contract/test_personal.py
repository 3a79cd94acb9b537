"""The contract of sealed personal data, run over every key store."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import UnavailableError
from shared.personal import Key, KeyStore, MongoKeys, Personal, SqliteKeys
from shared.sqlite import Database

OpenKeys = Callable[[], KeyStore]


@pytest.fixture(params=["sqlite", "mongodb"])
def open_keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenKeys]:
    """Opens the same key store each time it is called, as a second process would."""
    opened: list[KeyStore] = []

    def open_one() -> KeyStore:
        if request.param == "mongodb":
            opened.append(MongoKeys(request.getfixturevalue("database")))
        else:
            opened.append(SqliteKeys(tmp_path / "keys" / "keys.sqlite"))
        return opened[-1]

    if request.param == "mongodb":
        request.getfixturevalue("database")
    yield open_one
    for keys in opened:
        keys.close()


@pytest.fixture
def keys(open_keys: OpenKeys) -> KeyStore:
    return open_keys()


@pytest.fixture
def personal(keys: KeyStore) -> Personal:
    return Personal(keys)


def test_a_sealed_text_opens_again_and_does_not_show_it(personal: Personal) -> None:
    sealed = personal.seal("p-1", "陈依明")
    assert sealed.startswith("sealed:v1:p-1:")
    assert "陈" not in sealed and "陈依明".encode() not in base64.b64decode(sealed.rpartition(":")[2])
    assert personal.open(sealed) == "陈依明"


def test_the_same_text_is_sealed_differently_each_time(personal: Personal) -> None:
    assert len({personal.seal("p-1", "陈依明") for _ in range(50)}) == 50


def test_empty_text_stays_empty_and_makes_no_key(personal: Personal, keys: KeyStore) -> None:
    assert personal.seal("p-1", "") == ""
    assert personal.open("") == ""
    assert keys.get("p-1") is None


def test_a_subject_is_needed(personal: Personal) -> None:
    with pytest.raises(ValueError, match="subject is empty"):
        personal.seal("", "陈依明")


def test_a_subject_may_contain_a_colon(personal: Personal) -> None:
    assert personal.open(personal.seal("wish:1:wisher", "林阿婆")) == "林阿婆"


def test_any_changed_bit_is_found(personal: Personal) -> None:
    sealed = personal.seal("p-1", "13805910000")
    head, _, text = sealed.rpartition(":")
    raw = base64.b64decode(text)
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="altered"):
            personal.open(f"{head}:{base64.b64encode(changed).decode()}")


def test_any_changed_or_missing_character_is_found(personal: Personal) -> None:
    sealed = personal.seal("p-1", "13805910000")
    for place in range(len(sealed)):
        for other in ("A", "!", "="):
            changed = sealed[:place] + other + sealed[place + 1 :]
            if changed != sealed:
                with pytest.raises(ValueError):
                    personal.open(changed)
        with pytest.raises(ValueError):
            personal.open(sealed[:place] + sealed[place + 1 :])


@pytest.mark.parametrize(
    "text", ["陈依明", "sealed:v1:", "sealed:v1:p-1", "sealed:v1:p-1:", "sealed:v2:p-1:AAAA", "sealed:v1::AAAA"]
)
def test_other_text_is_refused(personal: Personal, text: str) -> None:
    with pytest.raises(ValueError, match="sealed text"):
        personal.open(text)


def test_a_text_moved_to_another_person_does_not_open(personal: Personal) -> None:
    personal.seal("p-2", "王建国")
    sealed = personal.seal("p-1", "陈依明")
    with pytest.raises(ValueError, match="somebody else"):
        personal.open(sealed.replace("p-1", "p-2"))


def test_even_the_same_key_does_not_open_anothers_text(personal: Personal, keys: KeyStore) -> None:
    sealed = personal.seal("p-1", "陈依明")
    key = keys.get("p-1")
    assert key is not None and keys.put("p-2", key)
    with pytest.raises(ValueError, match="somebody else"):
        personal.open(sealed.replace("p-1", "p-2"))


def test_an_erased_person_cannot_be_read_again(personal: Personal) -> None:
    name, phone, other = (
        personal.seal("p-1", "陈依明"),
        personal.seal("p-1", "13805910000"),
        personal.seal("p-2", "王建国"),
    )
    assert personal.erase("p-1") is True
    assert (personal.open(name), personal.open(phone), personal.open(other)) == (None, None, "王建国")
    assert personal.erase("p-1") is False
    assert personal.erase("p-9") is False


def test_sealing_after_an_erasure_makes_a_new_key_that_opens_nothing_old(personal: Personal, keys: KeyStore) -> None:
    old = personal.seal("p-1", "陈依明")
    before = keys.get("p-1")
    personal.erase("p-1")
    assert keys.get("p-1") == Key(1, None)
    new = personal.seal("p-1", "陈某")
    after = keys.get("p-1")
    assert before and after and after.secret not in (None, before.secret) and after.generation == 2
    assert (personal.open(old), personal.open(new)) == (None, "陈某")
    personal.erase("p-1")
    assert (personal.open(old), personal.open(new)) == (None, None)


def test_a_second_process_sees_keys_and_erasures(open_keys: OpenKeys) -> None:
    one, two = Personal(open_keys()), Personal(open_keys())
    sealed = one.seal("p-1", "陈依明")
    assert two.open(sealed) == "陈依明"
    two.erase("p-1")
    assert one.open(sealed) is None


def test_several_at_once_agree_on_one_key(open_keys: OpenKeys) -> None:
    people = [Personal(open_keys()) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda number: people[number % 4].seal("p-1", str(number)), range(64)))
    assert [people[0].open(text) for text in sealed] == [str(number) for number in range(64)]


def test_a_key_is_kept_only_directly_after_a_destroyed_one(keys: KeyStore) -> None:
    assert keys.put("p-1", Key(1, b"1" * 32)) is True
    assert keys.put("p-1", Key(1, b"2" * 32)) is False
    assert keys.put("p-1", Key(2, b"2" * 32)) is False
    assert keys.get("p-1") == Key(1, b"1" * 32)
    keys.destroy("p-1")
    assert keys.put("p-1", Key(3, b"3" * 32)) is False
    assert keys.put("p-1", Key(2, b"2" * 32)) is True
    assert keys.put("p-2", Key(2, b"2" * 32)) is False


def test_a_rehearsal_stores_its_keys_when_they_are_taken_over_and_only_where_nobody_was_first(
    open_keys: OpenKeys,
) -> None:
    keys = open_keys()
    personal = Personal(keys)
    kept = personal.seal("p-1", "王芳")
    tried = personal.rehearsing()
    sealed = {subject: tried.seal(subject, "李娜") for subject in ("p-1", "p-2", "p-3")}
    assert tried.open(kept) == "王芳" and keys.get("p-2") is None
    assert personal.keep(tried) and [personal.open(text) for text in sealed.values()] == ["李娜"] * 3
    late = personal.rehearsing()
    late.seal("p-4", "赵敏")
    Personal(open_keys()).seal("p-4", "赵敏")
    assert not personal.keep(late)


def test_the_file_is_its_owners_alone_and_forgets_a_destroyed_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.sqlite"
    path.touch(0o666)
    keys = SqliteKeys(path)
    personal = Personal(keys)
    for number in range(40):
        personal.seal(f"p-{number}", "陈依明")
    secrets = [(keys.get(f"p-{number}") or Key(0, None)).secret or b"" for number in range(40)]
    files = sorted(tmp_path.glob("keys.sqlite*"))
    assert len(files) == 3 and all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert all(any(secret in file.read_bytes() for file in files) for secret in secrets)
    personal.erase("p-7")
    assert not any(secrets[7] in file.read_bytes() for file in files)
    keys.close()
    left = b"".join(file.read_bytes() for file in tmp_path.glob("keys.sqlite*"))
    assert secrets[7] not in left and secrets[8] in left


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    Database(path, 0x1234, 1, "CREATE TABLE other (name TEXT)").close()
    with pytest.raises(UnavailableError, match="not the file expected"):
        SqliteKeys(path)
    with pytest.raises(UnavailableError, match="personal data"):
        SqliteKeys(tmp_path / "other.sqlite" / "keys.sqlite")


def test_a_newer_key_database_is_refused(database: Any) -> None:
    database["formats"].insert_one({"_id": "keys", "version": 2})
    with pytest.raises(UnavailableError, match="newer version"):
        MongoKeys(database)


@pytest.mark.parametrize(
    ("name", "masked"),
    [("陈依明", "陈*"), ("欧阳修", "欧阳*"), ("欧阳", "欧*"), ("陈", "陈*"), ("Chen Ming", "C*"), (" ", ""), ("", "")],
)
def test_a_masked_name_shows_the_family_name(name: str, masked: str) -> None:
    assert Personal.mask(name) == masked


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Personal:
    return Personal(SqliteKeys(tmp_path_factory.mktemp("keys") / "keys.sqlite"))


@given(subject=st.sampled_from(["p-1", "a:b", "居民"]), text=st.text(min_size=1, max_size=200))
def test_every_text_survives(one: Personal, subject: str, text: str) -> None:
    assert one.open(one.seal(subject, text)) == text
