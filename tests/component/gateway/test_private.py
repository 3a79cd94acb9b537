"""A private link: shown once, works without an account, tells nobody else, and says clearly when it is wrong or has ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.component.gateway.every_command import World
from tests.component.gateway.test_work import EN, ZH, _token, said
from tests.kit.city import COMPOUND

LINK = re.compile(r"http://localhost(/private/([^/\"<\s]+)/([0-9a-f]{48}))")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("town"))
    yield made
    made.close()


def reported(client: FlaskClient) -> tuple[str, str, str, str]:
    """Report a lamp; the page that says so, and the link with its issue and secret."""
    token = _token(client.get("/report", headers=ZH).text)
    form = {"place": COMPOUND, "category": "facility.streetlight", "description": "路灯不亮", "csrf_token": token}
    sent = client.post("/report", data=form | {"command_id": "form-1"}, headers=ZH)
    assert sent.status_code == 303, sent.text
    assert not LINK.search(sent.headers["Location"]) and "secret" not in sent.headers["Location"]
    again = client.post("/report", data=form | {"command_id": "form-1"}, headers=ZH)
    assert again.headers["Location"] == sent.headers["Location"], "sent twice it is reported once"
    page = client.get(sent.headers["Location"], headers=ZH)
    found = LINK.search(page.text)
    assert found and page.headers["Referrer-Policy"] == "no-referrer"
    assert not LINK.search(client.get(sent.headers["Location"], headers=ZH).text), "it is shown once"
    return page.text, *found.groups()


def answer(client: FlaskClient, id: str, command: str, **given: str) -> Any:
    token = _token(client.get(f"/private/{id}", headers=ZH).text)
    ask = {"command": command, "csrf_token": token, "command_id": f"k-{command}-{len(given)}"} | given
    return client.post(f"/private/{id}", data=ask, headers=ZH)


def test_who_has_no_account_answers_asks_again_and_withdraws(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    _page, path, id, secret = reported(world.town.app.test_client())
    phone = world.town.app.test_client()  # another browser, which knows nothing but the link
    opened = phone.get(path, headers=ZH)
    assert (opened.status_code, opened.headers["Location"]) == (303, f"/private/{id}")
    for one in (opened, phone.get(f"/private/{id}", headers=ZH)):
        assert one.headers["Referrer-Policy"] == "no-referrer" and "noindex" in one.headers["X-Robots-Tag"]
        assert one.headers["Cache-Control"] == "no-store" and secret not in one.text
    page = phone.get(f"/private/{id}", headers=ZH).text
    assert "撤回" in page and "要求重办" not in page and "未接通" not in page
    for command, person, given in (
        ("triage_issue", "p-grid", {"severity": "small", "reason": "x"}),
        ("dispatch_issue", "p-secretary", {"post_id": "post-grid", "duty": "修", "due": "2030-01-01"}),
        ("resolve_issue", "p-grid", {"outcome": "换了灯泡"}),
    ):
        world.do(person, "issues", command, issue_id=id, **given)
    refused = answer(phone, id, "record_follow_up", result="not_satisfied")
    assert refused.status_code == 422 and "不满意" in said(refused.text)
    refused = answer(phone, id, "record_follow_up", result="unreachable", note="x")
    assert refused.status_code == 409
    assert answer(phone, id, "record_follow_up", result="not_satisfied", note="还是不亮").status_code == 303
    assert "还是不亮" in world.town.app.test_client().get(f"/cases/{id}", headers=ZH).text
    assert answer(phone, id, "withdraw_issue", reason="自己换了").status_code == 303
    for where in (f"/private/{id}", f"/cases/{id}"):
        assert "已撤回" in phone.get(where, headers=ZH).text
    logged = capsys.readouterr()
    assert secret not in logged.out + logged.err and "/private/<issue_id>/<secret>" in logged.out + logged.err
    for place in world.town.places.values():
        stored = "".join(bytes(record.data).decode() for record in place.node.log.read())
        assert secret not in stored
    assert secret not in world.town.app.test_client().get(f"/audit?stream=issues/issue-{id}", headers=ZH).text


@pytest.mark.parametrize("language", [ZH, EN])
def test_a_wrong_link_gets_a_clear_page(world: World, language: dict[str, str]) -> None:
    _page, path, id, secret = reported(world.town.app.test_client())
    stranger = world.town.app.test_client()
    for wrong in (
        path[:-1] + ("0" if path[-1] != "0" else "1"),
        path[:-8],
        f"/private/no-such/{secret}",
        f"/private/{id}",
    ):
        found = stranger.get(wrong, headers=language)
        assert found.status_code == 404
        text = said(found.text)
        assert ("链接不完整或不对" in text) == (language is ZH) and ("not whole or not right" in text) == (
            language is EN
        )
        assert "路灯不亮" not in text and found.headers["Referrer-Policy"] == "no-referrer"
    assert stranger.post(f"/private/{id}", data={"command": "withdraw_issue"}, headers=language).status_code == 403
