"""Figures are read by clicking: each is linked from the work page, says what it counts, a zero too, and who is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.gateway.contracts import DEFINITIONS
from services.gateway.portal.figures import are_figures
from shared.words import table
from tests.component.gateway.every_command import OPERATOR, World
from tests.component.gateway.test_closing import browser
from tests.component.gateway.test_work import EN, ZH, said
from tests.kit.city import COMPOUND

COVERED = {
    "subject": "place",
    "of": "compound",
    "means": "有党组织的小区，占全部小区",
    "means_en": "compounds with a body, of all",
}
ASKED = {"code": "party", "zh": "党组织", "en": "Party body", "what": "body", "of": ["party"], "reach": "below"}
#: Answers that say where and as of what they were counted, or hold codes of others.
_APART = {"as_of", "position", "coverage", "scheme", "kind", "means", "means_en", "next", "levels_of", "regulation_id"}
_APART |= {"code", "zh", "en", "name", "name_en", "subject", "place_names", "numerator", "denominator", "definition"}
_APART |= {"measure", "source", "service", "share", "organisation_en", "organisation_id", "programme_id", "survey_id"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("town"))
    words = {"zh": "党组织覆盖", "en": "Party bodies"}
    entry: dict[str, Any] = {"kind": "coverages", "code": "bodies", "data": COVERED | {"asks": [ASKED]}}
    made.do(OPERATOR, "registry", "adopt_entry", **entry, **words)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(world: World) -> FlaskClient:
    return browser(world, "p-secretary")


def _named(answer: Any) -> Iterator[str]:
    """The names of all parts of an answer."""
    for name, part in (answer.get("properties") or {}).items():
        yield name
        if name not in _APART:
            yield from _named(part)
    for inner in ("items", "additionalProperties"):
        if isinstance(answer.get(inner), dict):
            yield from _named(answer[inner])


def test_every_part_of_every_figure_has_a_word() -> None:
    figures = [query for one in DEFINITIONS.values() for query in one.queries.values() if are_figures(query)]
    assert len(figures) > 10
    wanted = {name for query in figures for name in _named(query.answer)} - _APART
    for language in ("zh", "en"):
        assert sorted(name for name in wanted if ("page", f"figure.{name}") not in table(language)) == []


@pytest.mark.parametrize("language", [ZH, EN])
def test_figures_that_can_be_asked_for_stand_on_the_work_page_and_answer(
    reader: FlaskClient, language: dict[str, str]
) -> None:
    page = reader.get("/work", headers=language).text
    linked = sorted(set(re.findall(r'href="(/work/\w+/\w+_(?:figures|map))"', page)))
    assert {f"/work/registry/{name}" for name in ("coverage_figures", "coverage_map", "link_figures")} <= set(linked)
    for path in linked:
        assert reader.get(path, headers=language).status_code == 200, path


def test_a_coverage_says_of_how_many_how_many_and_who_lacks_what(reader: FlaskClient) -> None:
    page = said(reader.get("/work/registry/coverage_figures?coverage=bodies", headers=ZH).text)
    assert "有党组织的小区，占全部小区" in page and "邻家园" in page, page
    found = dict(
        re.findall(
            r"<dt>([^<]+)</dt><dd>([^<]+)</dd>",
            reader.get("/work/registry/coverage_figures?coverage=bodies", headers=ZH).text,
        )
    )
    assert (found["应有的"], found["不符合的"], found["所缺"]) == ("2", "1", "党组织")
    shown = said(reader.get("/work/registry/coverage_map?coverage=bodies", headers=EN).text)
    assert "Party body" in shown and "没有" not in shown


def test_zero_is_a_figure_too(reader: FlaskClient) -> None:
    page = reader.get("/work/registry/link_figures?kind=pairing", headers=ZH).text
    assert "<dt>关系</dt><dd>0</dd>" in page


def test_what_is_wrong_is_said_and_what_is_no_page_is_not_there(reader: FlaskClient) -> None:
    wrong = reader.get("/work/registry/coverage_figures?coverage=no-such", headers=ZH)
    assert wrong.status_code == 422 and "no-such" in wrong.text
    for path in ("organisation_tree", f"get_place?place={COMPOUND}"):
        assert reader.get(f"/work/registry/{path}", headers=ZH).status_code == 404
