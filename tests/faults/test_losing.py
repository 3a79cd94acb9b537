"""Files that are lost, older, broken or missing after a kill: refused, or nothing is lost (R4)."""

from __future__ import annotations

import pytest

from tests.faults import losing

pytestmark = [pytest.mark.city, pytest.mark.timeout(400)]


def test_nothing_is_acknowledged_on_a_history_that_has_shrunk(seed: int) -> None:
    report = losing.lose(seed, len(losing.LOSSES))
    print(report)
    assert report.all_well(), report
    assert set(report.refused) >= losing.REFUSED and report.recovered["nothing"] == 1
