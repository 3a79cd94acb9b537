"""Published figures are what their raw data says, and the raw data is there."""

from __future__ import annotations

import json
import re
from types import ModuleType
from xml.etree import ElementTree

import pytest

from tests.bench import calling, following, growing, proving, relaying, starting
from tests.bench.measuring import Bench, evaluate, measure, shown
from tests.bench.measuring import Row as Wanted
from tests.bench.picture import draw
from tests.bench.place import SHAPES, Place
from tests.bench.report import FIGURES, PAGE, lines, markdown, published


def test_page_and_pictures_are_what_the_report_makes_of_the_kept_figures() -> None:
    for path, content in published().items():
        assert path.read_text(encoding="utf-8") == content, f"run python -m tests.bench.report again: {path.name}"


def test_every_published_run_is_whole_and_names_its_servers() -> None:
    files = sorted(FIGURES.glob("*.json"))
    assert files
    for path in files:
        result = json.loads(path.read_text(encoding="utf-8"))
        assert result["scale"] == 1 and result["broker"] and result["database"]
        for bench in result["benches"]:
            assert {len(runs) for runs in bench["raw"].values()} == {result["rounds"]}
        assert path.name in PAGE.read_text(encoding="utf-8")


def _measured() -> dict[str, object]:
    """A bench whose sides give figures that are known."""
    ours, theirs = iter((100.0, 120.0, 80.0)), iter((50.0, 50.0, 50.0))
    bench = Bench(
        "P99",
        {"Linli": lambda folder, scale: {"rate": next(ours)}, "other": lambda folder, scale: {"rate": next(theirs)}},
        (
            Wanted("append", "events/s", "rate", "other", least=1.5),
            Wanted("append", "events/s", "rate", floor=200),
            Wanted("append", "events/s", "rate", "absent", least=1.0),
        ),
        missing={"absent": "not measured: it is not installed"},
    )
    return measure(bench, 3, 1.0, lambda what: None)


def test_lines_come_from_raw_figures_alone() -> None:
    reached, missed, absent = evaluate(json.loads(json.dumps(_measured())))
    assert (reached.ratio, reached.verdict) == ([2.0, 2.4, 1.6], "reached")
    assert (missed.bounds[0].reach, missed.bounds[0].aim) == (0.5, "≥ 200 events/s")
    assert missed.verdict == "missed by a factor of 2"
    assert (absent.verdict, absent.bounds) == ("not measured: it is not installed", ())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("module", [calling, following, growing, proving, relaying, starting])
def test_every_row_has_its_sides(module: ModuleType, shape: str) -> None:
    for bench in module.benches(Place(shape, "a broker", "a database")):
        sides = {*bench.sides, *bench.missing}
        assert {row.side for row in bench.rows} | {row.against for row in bench.rows if row.against} <= sides
        assert bench.rows and len(bench.sides) >= 1


def test_table_and_picture_name_the_server_that_was_measured() -> None:
    result = {
        "time": "2026-11-22T21:00:00Z", "shape": "city", "broker": "RabbitMQ 3.10.8", "rounds": 3, "cpus": 2, "machine": "m",
        "database": "SecantusDB 0.6.0b17 (stand-in)", "versions": {"python": "3.11"}, "failed": {}, "benches": [_measured()],
    }  # fmt: skip
    table = markdown([result], ["x-city.json"])
    assert "Linli on SecantusDB 0.6.0b17 (stand-in)" in table and "MongoDB" not in table
    picture = draw("Linli, city: SecantusDB 0.6.0b17 (stand-in)", lines([result]))
    tags = [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(picture).iter()]
    assert tags.count("title") == 2, "a row for each bound that was measured"
    assert re.search(r"SecantusDB 0\.6\.0b17 \(stand-in\)", picture)


@pytest.mark.parametrize("value, text", [(12_345.6, "12,346"), (123.4, "123"), (1.234, "1.23"), (0.01234, "0.0123")])
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert shown(value) == text
