"""The loop closes by clicking: who may call back finds what waits in their territory, the reporter answers on their own case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.component.gateway.every_command import HOLDERS, PASSWORD, World
from tests.component.gateway.test_work import EN, ZH, _token, said, send


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
