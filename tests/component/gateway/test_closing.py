"""The loop closes by clicking: who may call back finds what waits in their territory, the reporter answers on their own case."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from shared.domain.calendar import today
from shared.domain.errors import ForbiddenError
from tests.component.gateway.every_command import HOLDERS, PASSWORD, World
from tests.component.gateway.test_work import EN, ZH, _token, said, send
from tests.kit.city import BUILDING, COMPOUND


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("town"))
    yield made
    made.close()


def browser(world: World, person: str) -> FlaskClient:
    client = world.town.app.test_client()
    token = _token(client.get("/sign-in", headers=ZH).text)
    ask = {"username": person, "password": PASSWORD, "csrf_token": token}
    assert client.post("/sign-in", data=ask, headers=ZH).status_code == 303
    return client


def test_the_queue_of_calls_is_that_of_the_territory(world: World) -> None:
    id = world.issue("resolved")  # by the grid worker
    secretary = browser(world, "p-secretary").get("/inbox?list=answered", headers=ZH).text
    assert f'id="issue-{id}"' in secretary and f"/work/issues/record_follow_up?issue_id={id}" in secretary
    cashier = browser(world, "p-cashier").get("/inbox?list=answered", headers=ZH).text
    assert f'id="issue-{id}"' not in cashier and "待回访销号" not in cashier  # no power, no queue


@pytest.mark.parametrize("result", ["satisfied", "not_satisfied"])
def test_the_reporter_answers_on_their_own_case(world: World, result: str) -> None:
    """(part of C09)"""
    id = world.issue("resolved")
    resident = browser(world, "p-resident")
    page = resident.get(f"/cases/{id}", headers=ZH).text
    assert "这件事解决了吗" in page and "没有解决" in page and "未接通" not in page
    assert "这件事解决了吗" not in browser(world, "p-neighbour").get(f"/cases/{id}", headers=ZH).text
    ask = {
        "issue_id": id,
        "result": result,
        "csrf_token": _token(page),
        "command_id": f"k-{result}",
        "to": f"/cases/{id}",
    }
    if result == "not_satisfied":
        refused = resident.post("/work/issues/record_follow_up", data=ask, headers=ZH)
        assert (refused.status_code == 422 and "哪里不满意" in said(refused.text)) or "不满意" in said(refused.text)
    answer = resident.post("/work/issues/record_follow_up", data=ask | {"note": "还是不亮"}, headers=ZH)
    assert answer.status_code == 303 and answer.headers["Location"].startswith(f"/cases/{id}")
    page = resident.get(f"/cases/{id}", headers=ZH).text
    assert "还是不亮" in page
    asked_again = result == "satisfied"  # until it is closed they may think again
    assert ("这件事解决了吗" in page) == asked_again


def test_a_form_of_another_site_signs_nobody_out(world: World) -> None:
    client = browser(world, "p-grid")
    kept = client.get_cookie("linli_session")
    assert kept is not None and kept.decoded_value
    assert (
        client.get("/inbox", headers=ZH | {"Sec-Fetch-Site": "cross-site"}).status_code == 200
    )  # a link arrives signed in
    stranger = world.town.app.test_client()  # the browser keeps our cookie back when another site sends a form
    answer = stranger.post("/report", data={"description": "x"}, headers=ZH | {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "linli_session" not in str(answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("path", ["/report", "/work/issues/report_issue"])
def test_a_half_written_form_is_kept_when_the_language_changes(world: World, path: str) -> None:
    client = browser(world, "p-resident")
    answer = send(client, path, description="楼道很黑", say_in="en")
    assert answer.status_code == 200
    assert "楼道很黑" in answer.text and 'lang="en"' in answer.text and "Report" in said(answer.text)
    assert 'lang="en"' in client.get("/", headers=ZH).text  # and it stays so


@pytest.mark.parametrize(
    "path", ["/nothing", "/projects/nope", "/cases/nope", "/work/issues/issue/nope", "/work/issues/x"]
)
def test_what_is_not_there_is_said_in_the_reader_s_language(world: World, path: str) -> None:
    client = browser(world, "p-grid")
    for language, words in ((ZH, ("没有", "找不到")), (EN, ("there is no",))):
        answer = client.get(path, headers=language)
        assert answer.status_code == 404
        text = said(answer.text)
        assert any(word in text for word in words), text
        assert ("there is no" in text) == (language is EN), text


def test_whoever_holds_a_post_has_a_work_page(world: World) -> None:
    for person in HOLDERS:
        assert browser(world, person).get("/work", headers=ZH).status_code == 200


def test_a_building_takes_in_shows_and_counts_what_is_its_own_and_is_diagnosed(world: World) -> None:
    """Reported at the building by its residents, listed and counted there by itself, and what ails it is recorded there (A14)."""
    resident, grid = browser(world, "p-resident"), browser(world, "p-grid")
    elsewhere = world.issue()  # in the compound
    ask = {"place": BUILDING, "category": "order.litter", "description": "楼道堆物", "command_id": "k-building"}
    page = resident.get("/report", headers=ZH).text
    unknown = resident.post("/report", data=ask | {"place": f"{BUILDING}.9", "csrf_token": _token(page)}, headers=ZH)
    assert unknown.status_code in (404, 422)
    answer = resident.post("/report", data=ask | {"csrf_token": _token(page)}, headers=ZH)
    assert answer.status_code == 303
    (id,) = re.findall(r"[0-9a-f-]{36}", answer.headers["Location"])
    here = grid.get(f"/work/issues/find_issues?place__under={BUILDING}", headers=ZH).text
    assert f'id="issue-{id}"' in here and "楼道堆物" in here and f'id="issue-{elsewhere}"' not in here
    counted = [grid.get(f"/work/issues/issue_figures?place={where}", headers=ZH).text for where in (BUILDING, COMPOUND)]
    assert "<dt>收集到</dt><dd>1</dd>" in counted[0] and "<dt>收集到</dt><dd>1</dd>" not in counted[1]
    problem = {"category": "order.litter", "note": "楼道堆物"}
    diagnosis = {"place": BUILDING, "kind": "baseline", "problems": [problem], "diagnosed_on": today()}
    made = world.do("p-grid", "issues", "record_diagnosis", **diagnosis)
    shown = grid.get(f"/work/issues/find_diagnoses?place__under={BUILDING}", headers=ZH).text
    assert f'id="diagnosis-{made}"' in shown
    with pytest.raises(ForbiddenError):
        world.do("p-resident", "issues", "record_diagnosis", **diagnosis)
