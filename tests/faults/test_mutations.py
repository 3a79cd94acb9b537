"""Every falsification of logs, ledger and exports is found, at the right place, and untouched histories raise no alarm (R4)."""

from __future__ import annotations

from tests.faults import mutations
from tests.faults.falsifications import EXPORT, LEDGER, LOG

COUNT = 2500  # `python -m tests.faults --kills 0 --mutations 100000` tries as many as R4 asks for


def test_every_falsification_is_found_and_nothing_else(seed: int) -> None:
    result = mutations.run(COUNT, seed)
    print(result)
    assert result.all_well(), result
    assert sum(result.tried.values()) == COUNT and result.clean == COUNT // 20
    assert set(result.tried) == {*LOG, *LEDGER, *EXPORT}
