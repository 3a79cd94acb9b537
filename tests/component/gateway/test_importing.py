"""Tables of other registers are brought in over HTTP: once, with where they are from, and with what is wrong by line and column."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from services.console.client import Client
from services.console.importing import Brought, Table, bring_in
from shared.domain.errors import BadInputError
from shared.domain.moments import imported
from tests.component.gateway.every_command import World
from tests.kit.city import COMMUNITY, COMPOUND
from tests.kit.town import OPERATOR_TOKEN

PLACES = f"""地点,类别,名称,上级地点
{COMMUNITY}.101,compound,东南造船厂宿舍,{COMMUNITY}
{COMMUNITY}.101.01,building,一号楼,{COMMUNITY}.101
"""
MEASURES = f"""place,measure,value,unit,qualifier,since,sentence
{COMMUNITY}.101,area,16900,m2,about,2018-01-01,占地约16900平方米
{COMMUNITY}.101,residents,600,persons,about_at_least,2018-01-01,居民约600余人
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("town"))
    yield world
    world.close()


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[Client]:
    """The operator's client of a town behind a real HTTP server."""
    server = make_server("127.0.0.1", 0, world.town.app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    client = Client(f"http://127.0.0.1:{server.server_port}", OPERATOR_TOKEN)
    yield client
    client.close()
    server.shutdown()
    thread.join()


@pytest.fixture
def bring(client: Client, tmp_path: Path) -> Any:
    def bring(text: str, dry_run: bool = False, language: str = "zh") -> Brought:
        path = tmp_path / "台账.csv"
        path.write_text(text, encoding="utf-8")
        return bring_in(Table(path, "小区台账2018", language), client, dry_run)

    return bring


def test_a_table_is_brought_in_once_with_document_sentence_and_qualifier(
    world: World, client: Client, bring: Any
) -> None:
    """A dry run records nothing; a second reading neither; each fact says from which document and sentence, how exact, by whom (X12)."""
    before = world.head("registry")
    done = bring(PLACES, dry_run=True)
    assert (done.checked, done.recorded, done.refused) == (2, 0, []) and world.head("registry") == before
    done = bring(MEASURES, dry_run=True)
    assert [(line, column) for line, column, _reason in done.refused] == [(2, "place"), (3, "place")], "not there yet"
    assert world.head("registry") == before
    for text in (PLACES, MEASURES):
        done = bring(text)
        assert (done.recorded, done.known, done.refused) == (2, 0, [])
    after = world.head("registry")
    assert after == before + 4
    for text in (PLACES, MEASURES):
        done = bring(text)
        assert (done.recorded, done.known, done.refused) == (0, 2, [])
    assert world.head("registry") == after, "the same document twice gives the same facts once"
    page = client.get("/api/registry/get_place", {"place": f"{COMMUNITY}.101"})
    assert {one["measure"]: (one["value"], one["qualifier"], one["source"]) for one in page["measures"]} == {
        "area": (16900, "about", "小区台账2018：占地约16900平方米"),
        "residents": (600, "about_at_least", "小区台账2018：居民约600余人"),
    }
    fact = list(world.town.places["registry"].node.log.read(after - 1))[-1]
    assert fact.type == "PlaceMeasured" and imported(fact)


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_is_wrong_is_said_by_line_and_column_in_the_readers_language(
    world: World, bring: Any, dry_run: bool
) -> None:
    wrong = f"""place,measure,value,unit,since
{COMPOUND},area,很大,m2,2018-01-01
{COMPOUND},ghosts,3,persons,2018-01-01
{COMMUNITY}.999,area,3,m2,2018-01-01
{COMPOUND},area,3,m2
{COMPOUND},area,3,m2,

{COMPOUND},area,3,m2,2018-13-01
"""
    before = world.head("registry")
    done = bring(wrong, dry_run)
    assert [(line, column) for line, column, _reason in done.refused] == [
        (2, "value"),
        (3, "measure"),
        (4, "place"),
        (5, ""),
        (6, "since"),
        (8, "since"),
    ]
    assert world.head("registry") == before
    assert all(any("一" <= character <= "鿿" for character in reason) for _line, _column, reason in done.refused)
    english = bring(wrong, dry_run, "en").refused
    assert not any("一" <= character <= "鿿" for _line, _column, reason in english for character in reason)


def test_a_table_of_something_else_is_refused_as_a_whole(bring: Any) -> None:
    for text in ("", "颜色,味道\n红,甜\n", "place,measure,value\n", "place,place,kind,name,parent\n", '"place\n'):
        with pytest.raises(BadInputError):
            bring(text)
