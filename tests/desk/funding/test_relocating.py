"""Projects of a place that ends: open books and requests go to the heir, what is closed and what was paid stays where it was."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from shared.domain.errors import IllegalStateError
from tests.desk.funding.test_service import PROPOSAL, _desk, collected, paid
from tests.kit.city import COMPOUND, OTHER_COMPOUND


def test_open_projects_and_requests_go_to_the_heir_and_go_on_there(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    project, given_up = collected(desk), desk.ask("propose_project", "post-keeper", **PROPOSAL)["project_id"]
    payment = paid(desk, project, 100)
    asked = {
        "project_id": project,
        "payee": "建筑公司",
        "payee_kind": "organisation",
        "purpose": "路灯",
        "amount_fen": 50,
    }
    request = desk.ask("request_payment", "post-applicant", **asked)["payment_id"]
    assert desk.ask("funding_figures", place=COMPOUND)["spent_fen"] == 100
    end = {"place": COMPOUND, "change": "moved", "successors": [OTHER_COMPOUND], "heir": OTHER_COMPOUND}
    head = desk.log.head().position
    for _twice in range(2):
        desk.tell("registry", "PlaceEnded", since="2025-03-04", reason="区划调整", **end)
    assert Counter(record.type for record in desk.log.read(head)) == {"ProjectRelocated": 2, "PaymentRelocated": 1}
    places = {row["project_id"]: row["place"] for row in desk.ask("find_projects")["rows"]}
    assert places == {project: OTHER_COMPOUND, given_up: OTHER_COMPOUND}
    places = {row["payment_id"]: row["place"] for row in desk.ask("find_payments", project_id=project)["rows"]}
    assert places == {payment: COMPOUND, request: OTHER_COMPOUND}, "what was paid stays where it was"
    figures = [desk.ask("funding_figures", place=place) for place in (COMPOUND, OTHER_COMPOUND)]
    assert [(one["projects"], one["spent_fen"]) for one in figures] == [(0, 0), (2, 100)], "the books go on as one"
    read = {"project_id": project, "payment_id": request, "version": 1, "amount_fen": 50}
    for body in ("branch", "committee", "board"):
        desk.ask("review_payment", f"post-{body}", body=body, verdict="approved", **read)
    desk.ask("sign_payment", "post-signer", **read)
    desk.ask("make_payment", "post-cashier", project_id=project, payment_id=request)
    assert desk.ask("get_project", project_id=project)["spent_fen"] == 150
    with pytest.raises(IllegalStateError, match=f"it is .*{OTHER_COMPOUND}.* now"):
        desk.ask("propose_project", "post-keeper", **PROPOSAL)
    desk.close()
