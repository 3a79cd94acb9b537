"""Every benchmark runs: with a little work here, since a measurement that fails is noticed only when somebody measures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.__main__ import benches
from tests.bench.measuring import LINLI, Bench
from tests.bench.place import EMBEDDED, Place, folder, running

#: Of the work that is published.
SCALE = 0.01
BENCHES = {bench.id: bench for bench in benches(Place(EMBEDDED, "", ""))}


@pytest.fixture(scope="module", autouse=True)
def embedded() -> Iterator[None]:
    with running(EMBEDDED):
        yield


@pytest.mark.parametrize("bench", BENCHES.values(), ids=BENCHES)
def test_a_benchmark_runs_and_has_every_figure_that_its_table_shows(bench: Bench) -> None:
    with folder() as filled:
        if bench.prepare is not None:
            bench.prepare(filled, SCALE)
        figures = bench.sides[LINLI](filled, SCALE)
    for row in bench.rows:
        if row.side == LINLI:
            assert figures[row.figure] > 0, row.what
