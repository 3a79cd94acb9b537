"""Tables of other registers are brought in over HTTP: once, with where they are from, and with what is wrong by line and column."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from services.console.client import Client
from services.console.importing import bring_in, read
from shared.domain.errors import BadInputError, ForbiddenError
from shared.domain.moments import imported
from shared.following.tables import Brought
from tests.component.gateway.every_command import PASSWORD, World
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
        return bring_in(read(path, "小区台账2018", language), client, dry_run)

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


def table(first: int, last: int, above: str = COMMUNITY) -> str:
    """A table of compounds."""
    lines = (f"{above}.{number},compound,第{number}院,{above}" for number in range(first, last + 1))
    return "\n".join(("place,kind,name,parent", *lines))


def commits(world: World, after: int) -> list[int]:
    """How many facts each commit of the registry holds."""
    log = world.town.places["registry"].node.log
    return [commit.last_position - commit.position + 1 for commit in log.read_commits(after)]


def test_a_hundred_lines_are_one_commit_and_a_run_that_was_cut_off_goes_on(world: World, bring: Any) -> None:
    """Each hundred lines are one act; what a first run had brought in is known to the second, whole or not (part of X12)."""
    before = world.head("registry")
    done = bring(table(200, 319))
    assert (done.recorded, commits(world, before)) == (120, [100, 20])
    done = bring(table(200, 449))
    assert (done.recorded, done.known, done.refused) == (130, 120, [])
    assert commits(world, before) == [100, 20, 80, 50]
    after = world.head("registry")
    assert (bring(table(200, 449)).known, world.head("registry")) == (250, after)


def test_a_line_that_is_refused_leaves_the_others_and_a_dry_run_says_the_same(world: World, bring: Any) -> None:
    """A name that another line of the table takes, a parent that comes later: said by line, and in a dry run as well (X12)."""
    lines = f"""place,kind,name,parent
{COMMUNITY}.601,compound,海棠苑,{COMMUNITY}
{COMMUNITY}.602,compound,海棠苑,{COMMUNITY}
{COMMUNITY}.604.01,building,一号楼,{COMMUNITY}.604
{COMMUNITY}.604,compound,石榴苑,{COMMUNITY}
{COMMUNITY}.604.02,building,二号楼,{COMMUNITY}.604
"""
    before = world.head("registry")
    dry = bring(lines, dry_run=True)
    assert (dry.checked, world.head("registry")) == (3, before)
    done = bring(lines)
    assert (done.recorded, done.known) == (3, 0)
    assert [(line, column) for line, column, _ in done.refused] == [
        (3, "name"),
        (4, "parent"),
    ] and dry.refused == done.refused
    assert commits(world, before) == [3]


def test_a_dry_run_knows_what_earlier_lines_would_make(bring: Any) -> None:
    above = f"{COMMUNITY}.700"
    yards = "\n".join(f"{above}.{number},building,{number}号楼,{above}" for number in range(1, 151))
    done = bring(f"place,kind,name,parent\n{above},compound,百栋院,{COMMUNITY}\n{yards}", dry_run=True)
    assert (done.checked, done.refused) == (151, [])


def test_names_are_sealed_line_by_line_and_a_dry_run_makes_no_key(world: World, bring: Any) -> None:
    persons = "person_id,name,place\n" + "\n".join(f"m-{n},林{n}号,{COMPOUND}" for n in range(3))
    keys = world.town.personal
    assert (bring(persons, dry_run=True).checked, keys.erase("m-0")) == (3, False), "there is no key to destroy"
    before = world.head("registry")
    assert bring(persons).recorded == 3
    facts = list(world.town.places["registry"].node.log.read(before))
    assert [fact.stream for fact in facts] == ["person-m-0", "person-m-1", "person-m-2"]
    assert not any("林" in bytes(fact.data).decode() for fact in facts)
    assert [keys.open(json.loads(bytes(fact.data))["name"]) for fact in facts] == ["林0号", "林1号", "林2号"]
    assert bring(persons).known == 3


def test_the_same_key_gives_what_it_wrote_first_and_another_content_is_refused(world: World, client: Client) -> None:
    path, headers = "/api/operations/bring-in", {"Idempotency-Key": "first-hundred"}
    line = {"place": f"{COMMUNITY}.801", "kind": "compound", "name": "丁香苑", "parent": COMMUNITY}
    told = {"command": "register_place", "lines": [line]}
    assert client.post(path, told, headers)["lines"] == [{"id": line["place"], "events": 1}]
    world.do("founder", "registry", "rename_place", place=line["place"], name="紫丁香苑")
    head = world.head("registry")
    assert client.post(path, told, headers)["lines"] == [{"id": line["place"], "events": 0}]
    with pytest.raises(BadInputError, match="used for something else"):
        client.post(path, told | {"lines": [line | {"name": "别的苑"}]}, headers)
    assert world.head("registry") == head


def test_who_brings_in_needs_the_power_of_each_command_and_an_operator_who_vouches(
    world: World, client: Client
) -> None:
    path = "/api/operations/bring-in"
    told = {
        "command": "classify_person",
        "lines": [{"scheme": "x", "person_id": "p-1", "code": "y", "grounds": "台账"}],
    }
    (line,) = client.post(path, told)["lines"]
    assert line["error"]["kind"] == "forbidden", "an operator classifies nobody"
    for command in ("erase_person", "no_such"):
        with pytest.raises(BadInputError, match="nothing that can be done for many"):
            client.post(path, told | {"command": command})
    with pytest.raises(ForbiddenError, match="only an operator"):
        person = Client(client._url, signed_in(client, "p-secretary"))
        person.post(path, told)
    (line,) = person.post(path, told, {"Linli-Import": client.token})["lines"]
    assert line["error"]["kind"] in ("forbidden", "bad_input", "not_found"), "the same checks as by hand"
    person.close()


def signed_in(client: Client, name: str) -> str:
    """The token of an account."""
    token: str = client.post("/api/sign-in", {"username": name, "password": PASSWORD})["token"]
    return token


def test_what_others_write_meanwhile_is_seen(world: World, bring: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that somebody takes between the decision and the commit is refused, as by hand."""
    node = world.town.places["registry"].node
    append, late = node.log.append, []

    def slow(commit: Any) -> Any:
        if not late:
            late.append(commit)
            told = {"place": f"{COMMUNITY}.901", "kind": "compound", "name": "木槿苑", "parent": COMMUNITY}
            world.do("founder", "registry", "register_place", **told)
        return append(commit)

    monkeypatch.setattr(node.log, "append", slow)
    done = bring(
        f"place,kind,name,parent\n{COMMUNITY}.902,compound,木槿苑,{COMMUNITY}\n{COMMUNITY}.903,compound,芙蓉苑,{COMMUNITY}"
    )
    assert late and (done.recorded, [(line, column) for line, column, _ in done.refused]) == (1, [(2, "name")])


def sent(world: World, who: str, content: str, **more: str) -> tuple[int, str]:
    """A table sent by the portal's form: the status and the page."""
    browser = world.town.app.test_client()
    signed = {"username": who, "password": PASSWORD}
    token = csrf(browser.get("/sign-in").text)
    browser.post("/sign-in", data=signed | {"csrf_token": token})
    page = browser.get("/work/table")
    assert page.status_code == 200
    form: dict[str, Any] = {"csrf_token": csrf(page.text), "file": (BytesIO(content.encode()), "台账.csv")} | more
    answer = browser.post("/work/table", data=form, content_type="multipart/form-data")
    return answer.status_code, unescape(answer.text)


def csrf(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def test_the_citys_office_checks_a_table_in_the_portal_and_then_imports_it(world: World) -> None:
    """The page shows each refusal by line and records nothing; the button below it imports what can be (part of X12)."""
    lines = f"地点,类别,名称,上级地点\n{COMMUNITY}.951,compound,玉兰苑,{COMMUNITY}\n{COMMUNITY}.952,castle,桂花苑,{COMMUNITY}\n"
    before = world.head("registry")
    status, page = sent(world, "founder", lines)
    assert (status, world.head("registry")) == (200, before)
    assert "1行可以登记，1处有问题" in page and re.search(r"第3行 · 类别", page)
    assert 'name="import"' in page and "玉兰苑" in page, "what was checked is what is imported"
    status, page = sent(world, "founder", lines, **{"import": "yes"})
    assert status == 200 and "新登记1行，已有0行，1处有问题" in page
    assert world.head("registry") == before + 1
    assert "新登记0行，已有1行" in sent(world, "founder", lines, **{"import": "yes"})[1]


def test_the_page_refuses_what_is_no_table_and_who_has_no_power(world: World) -> None:
    before = world.head("registry")
    status, page = sent(world, "founder", "颜色,味道\n红,甜\n")
    assert status == 422 and "不属于任何可导入的内容" in page
    status, page = sent(world, "founder", table(1, 2001))
    assert status == 422 and "2001行太多" in page
    status, page = sent(world, "p-resident", table(970, 971), **{"import": "yes"})
    assert status == 200 and "2处有问题" in page and "权限" in page
    assert world.head("registry") == before
    assert world.town.app.test_client().get("/work/table").status_code in (302, 303, 401)
