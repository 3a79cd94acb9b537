"""The inbox and the page of a case: what may be done comes from the service, and is done with its derived forms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from services.issues.service import IssueService
from shared.views.sqlite import SqliteViews
from tests.component.gateway.city import OPERATOR, PASSWORD
from tests.component.gateway.test_work import EN, ZH, said, send, sign_in
from tests.component.gateway.toys import ServedCity
from tests.kit.city import COMPOUND

REPORT = {"place": COMPOUND, "category": "facility.streetlight", "description": "3号楼前的路灯不亮"}


@pytest.fixture()
def city(tmp_path: Path) -> Iterator[ServedCity]:
    made = ServedCity(tmp_path, "issues", IssueService)
    yield made
    made.desk.close()


@pytest.fixture()
def worker(city: ServedCity, tmp_path: Path) -> Iterator[FlaskClient]:
    accounts = Accounts(SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True))
    for person in ("p-grid", "p-secretary"):
        accounts.create(person, PASSWORD, "person", person)
    client = create_app(city, accounts, (b"s" * 32,), OPERATOR).test_client()
    sign_in(client, "p-grid")
    yield client
    accounts.close()


def test_a_case_goes_from_the_inbox_to_its_end_by_clicking(worker: FlaskClient, city: ServedCity) -> None:
    id = city.desk.ask("report_issue", "p-resident", **REPORT)["id"]
    page = worker.get("/inbox", headers=ZH).text
    assert f'id="issue-{id}"' in page and "3号楼前的路灯不亮" in page
    assert f"/work/issues/triage_issue?issue_id={id}&amp;to=/inbox" in page
    assert "（C" not in worker.get(f"/work/issues/triage_issue?issue_id={id}", headers=ZH).text  # rows of the catalogue
    form = worker.get(f"/work/issues/triage_issue?issue_id={id}&to=/inbox", headers=ZH).text
    assert "small" in form and 'name="severity"' in form and 'name="to" value="/inbox"' in form
    triage = {"issue_id": id, "severity": "small", "tier": "compound", "reason": "一盏灯", "to": "/inbox"}
    answer = send(worker, f"/work/issues/triage_issue?issue_id={id}", **triage)
    assert answer.headers["Location"] == f"/inbox#issue-{id}"
    page = worker.get("/inbox", headers=ZH).text
    assert "已完成：" in said(page) and f"/work/issues/dispatch_issue?issue_id={id}" in page

    offered = worker.get(f"/work/issues/dispatch_issue?issue_id={id}", headers=ZH).text
    assert all(f'value="{post}"' in offered for post in ("post-grid", "post-secretary", "post-housing"))
    assert 'value="post-vacant"' not in offered, "only posts that can take it"
    dispatch = {"issue_id": id, "post_id": "post-grid", "duty": "修好路灯", "due": "", "working_days": ""}
    refused = send(worker, f"/work/issues/dispatch_issue?issue_id={id}", **dispatch)
    assert (
        refused.status_code in (409, 422) and "修好路灯" in refused.text
    )  # without a time limit nothing is dispatched
    assert (
        send(worker, f"/work/issues/dispatch_issue?issue_id={id}", **dispatch | {"working_days": "3"}).status_code
        == 303
    )
    page = worker.get("/inbox", headers=ZH).text
    assert 'action="/work/issues/accept_issue"' in page  # nothing to fill in: one tap
    assert send(worker, "/inbox", issue_id=id).status_code == 405
    assert send(worker, f"/work/issues/accept_issue?issue_id={id}", issue_id=id).status_code == 303
    outcome = {"issue_id": id, "outcome": "换了灯泡"}
    assert send(worker, f"/work/issues/resolve_issue?issue_id={id}", **outcome).status_code == 303
    assert "换了灯泡" in worker.get(f"/cases/{id}", headers=ZH).text


@pytest.mark.parametrize("language", [ZH, EN], ids=["zh", "en"])
def test_the_case_and_the_derived_page_say_what_comes_next_and_who_may_do_the_rest(
    worker: FlaskClient, city: ServedCity, language: dict[str, str]
) -> None:
    id = city.desk.ask("report_issue", "p-resident", **REPORT)["id"]
    for path in (f"/cases/{id}", f"/work/issues/issue/{id}"):
        page = worker.get(path, headers=language)
        assert page.status_code == 200
        assert f"/work/issues/triage_issue?issue_id={id}" in page.text, path
    nobody = worker.application.test_client()
    page = nobody.get(f"/cases/{id}", headers=language).text
    assert "/work/issues/" not in page
    assert "标题 post-grid" in page if language is ZH else "post-grid" in page  # who may do it


def test_lists_and_things_of_a_real_service_stand(worker: FlaskClient, city: ServedCity) -> None:
    id = city.desk.ask("report_issue", "p-resident", **REPORT)["id"]
    page = worker.get("/work/issues/find_issues?status=reported", headers=ZH)
    assert page.status_code == 200 and f'id="issue-{id}"' in page.text
    plan = {"place": [COMPOUND], "planned_on": "2199-01-01"}
    answer = send(worker, "/work/issues/plan_visit", **plan)
    assert answer.status_code == 303
    shown = worker.get(
        answer.headers["Location"], headers=ZH
    )  # no query answers with one visit: it is looked for in the list
    assert shown.status_code == 200 and "2199年1月1日" in said(shown.text)
