"""A key belongs to its caller and its content: by API, by form, signed in or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.console.catalogue import service_class
from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from shared.views.sqlite import SqliteViews
from tests.component.gateway.city import OPERATOR
from tests.component.gateway.toys import ServedCity
from tests.kit.city import COMPOUND

REPORT = {"place": COMPOUND, "category": "facility.streetlight", "description": "路灯不亮"}
PLACE = ["350104", "350104.013", "350104.013.002", COMPOUND]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("issues")
    accounts = Accounts(SqliteViews(folder / "gateway.views.sqlite", VIEWS, durable=True))
    yield create_app(ServedCity(folder, "issues", service_class("issues")), accounts, (b"s" * 32,), OPERATOR)
    accounts.close()


def post(client: FlaskClient, key: str, **other: str) -> Any:
    return client.post("/api/issues/report_issue", json=REPORT | other, headers={"Idempotency-Key": key})


def send(client: FlaskClient, page: str, key: str, language: str = "zh-CN", **other: str) -> Any:
    """Send the form of a report with a key, as it stands on a page of this browser."""
    (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', page)[:1]
    data = REPORT | {"place": PLACE, "csrf_token": token, "command_id": key} | other
    return client.post("/report", data=data, headers={"Accept": "text/html", "Accept-Language": language})


def test_a_key_sent_again_with_other_content_is_refused(app: Flask) -> None:
    client = app.test_client()
    first = post(client, "lamp")
    assert post(client, "lamp").json["id"] == first.json["id"]
    other = post(client, "lamp", description="井盖坏了")
    assert (other.status_code, other.json["kind"]) == (422, "bad_input")
    assert other.json["message"].startswith("this key was used for something else")
    assert set(other.json["fields"]) == {"command_id"}


def test_two_who_are_not_signed_in_do_not_get_each_others_receipts(app: Flask) -> None:
    """Without a session nothing tells them apart, so one key stands for one content; browsers have keys of their own."""
    assert post(app.test_client(), "one").status_code == 200
    assert post(app.test_client(), "one", description="别人的话").status_code == 422
    found = set()
    for browser in (app.test_client(), app.test_client()):
        page = browser.get("/report").text
        found.add(send(browser, page, "mine").headers["Location"])
        found.add(send(browser, page, "mine").headers["Location"])
    assert len(found) == 2, "each browser has its own, and it only once"


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "先前的内容已记录"), ("en", "which was recorded")])
def test_a_form_sent_twice_with_other_words_says_so_and_can_be_sent_anew(app: Flask, language: str, words: str) -> None:
    browser = app.test_client()
    page = browser.get("/report").text
    first = send(browser, page, "twice", language)
    again = send(browser, page, "twice", language, description="其实是两盏灯不亮")
    assert again.status_code == 422 and words in again.text
    assert "其实是两盏灯不亮" in again.text, "what was typed stays"
    (fresh,) = re.findall(r'name="command_id" value="([^"]+)"', again.text)
    assert fresh != "twice"
    sent = send(browser, again.text, fresh, language, description="其实是两盏灯不亮")
    assert sent.status_code == 303 and sent.headers["Location"] != first.headers["Location"]


def test_a_case_is_found_by_its_number_however_it_is_typed(app: Flask) -> None:
    client = app.test_client()
    id = post(client, "found", description="找得到").json["id"]
    wide = "".join(chr(ord(one) + 0xFEE0) for one in id.replace("-", ""))
    for typed in (id, id.upper(), wide, f" {id[:8]} ", id.replace("-", ""), f"http://linli.example/cases/{id}/"):
        found = client.get("/cases", query_string={"number": typed})
        assert (found.status_code, found.headers.get("Location")) == (302, f"/cases/{id}"), typed
    for typed in ("nope", id[:7], "a\x00b", "找不到"):
        assert client.get("/cases", query_string={"number": typed}).status_code == 404, typed
    assert client.get("/cases").status_code == 200
