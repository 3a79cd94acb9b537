"""Whatever is changed in a store that decides anything is found, in both shapes, and untouched stores raise no alarm (R4)."""

from __future__ import annotations

import pytest

from tests.contract import mongo
from tests.faults import tampered
from tests.faults.tampering import BOTH, ONLY_DATABASES, ONLY_FILES

FILES, DATABASES = BOTH | ONLY_FILES, BOTH | ONLY_DATABASES
MANY = 2000  # `python -m tests.faults --kills 0 --mutations 100000` tries as many as R4 asks for


def test_each_kind_of_change_to_files_is_found(seed: int) -> None:
    result = tampered.on_files(len(FILES), seed)
    assert result.all_well(), result
    assert set(result.tried()) == set(FILES)


@pytest.mark.city
@pytest.mark.timeout(400)
def test_two_thousand_changes_to_files_are_found(seed: int) -> None:
    result = tampered.on_files(MANY, seed)
    print(result)
    assert result.all_well(), result


@pytest.mark.city
@pytest.mark.timeout(400)
def test_each_kind_of_change_to_databases_is_found(seed: int) -> None:
    with mongo.own() as server:
        result = tampered.on_databases(2 * len(DATABASES), seed, server.uri)
    print(result)
    assert result.all_well(), result
    assert set(result.tried()) == set(DATABASES)
