"""Programmes that the city names: prongs and measures as data."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError
from tests.desk.registry.test_rows import adopt
from tests.kit.desk import Desk

NAMED = [
    ("four-double", "“四双”机制", (1, 1, 1, 1)),
    ("three-joins", "“三联”机制", (1, 1, 1)),
    ("123", "“123”近邻党建工作体系", (1, 2, 3)),
]


@pytest.mark.parametrize(("code", "name", "sizes"), NAMED)
def test_a_named_programme_holds_its_prongs_and_measures(
    desk: Desk, code: str, name: str, sizes: tuple[int, ...]
) -> None:
    """What a programme that is only named consists of the city says, in versions; wrong parts are refused (part of B05, B42, C05)."""
    prongs = [{"code": f"p-{n}", "zh": f"第{n}项", "en": f"prong {n}"} for n in range(1, len(sizes) + 1)]
    measures: list[dict[str, Any]] = [
        {"code": f"m-{n}-{m}", "zh": f"措施{n}-{m}", "en": f"measure {n}-{m}", "prong": f"p-{n}"}
        for n, size in enumerate(sizes, 1)
        for m in range(size)
    ]
    for wrong, part in (
        ({"prongs": []}, "prongs"),
        ({"prongs": [*prongs, prongs[0]]}, "prongs"),
        ({"measures": [measures[0], measures[0]]}, "measures"),
        ({"measures": [measures[0] | {"prong": "p-9"}]}, "measures"),
    ):
        with pytest.raises(BadInputError, match="do not fit the list") as refused:
            adopt(desk, "programmes", code, name, **{"prongs": prongs, "measures": measures} | wrong)
        assert list(refused.value.fields["data"]) == [part]
    assert desk.ask("find_entries", kind="programmes")["rows"] == []
    adopt(desk, "programmes", code, name, prongs=prongs, measures=measures)
    shown = desk.ask("get_entry", kind="programmes", code=code)
    assert (shown["zh"], shown["data"]["prongs"]) == (name, prongs)
    assert [one["code"] for one in shown["data"]["measures"]] == [one["code"] for one in measures]
