"""Money is never dated back, and what was published of it stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.funding.definition import DEFINITION
from shared.domain.errors import IllegalStateError
from tests.desk.funding.test_service import _desk, collected
from tests.kit.city import COMPOUND
from tests.kit.desk import Desk

NEXT_DAY = "2025-03-05T09:00:00+08:00"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = _desk(tmp_path)
    yield desk
    desk.close()


def test_no_command_that_moves_or_tells_money_can_be_dated_back() -> None:
    """Whatever a city says of windows: nor its projects, whose budgets, approvals and acceptances are what money rests on."""
    assert [name for name, command in DEFINITION.commands.items() if command.late != 0] == []


def test_a_payment_is_requested_signed_and_paid_when_it_is(desk: Desk) -> None:
    project = collected(desk)
    ask = {"project_id": project, "payee": "某公司", "purpose": "路灯", "amount_fen": 10}
    desk.now = NEXT_DAY
    with pytest.raises(IllegalStateError, match="request_payment is recorded when it happens and never dated back"):
        desk.ask("request_payment", "post-applicant", at="2025-03-04T18:00:00+08:00", **ask)
    payment = desk.ask("request_payment", "post-applicant", at=NEXT_DAY, **ask)["payment_id"]
    read = {"project_id": project, "payment_id": payment, "version": 1, "amount_fen": 10}
    for imported in ("", "operator:token"):  # not in an import either: it would lie before the request
        with pytest.raises(
            IllegalStateError, match="dated 2025-03-04 18:00:00, but the last .* is of 2025-03-05 09:00:00"
        ):
            desk.ask(
                "review_payment",
                "post-branch",
                at="2025-03-04T18:00:00+08:00",
                imported=imported or "operator:token",
                body="branch",
                verdict="approved",
                **read,
            )


def test_a_project_is_proposed_and_approved_when_it_is(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    desk.now = NEXT_DAY
    ask = {"title": "路灯", "place": COMPOUND, "budget_fen": 10, "shares": {"residents": 10}}
    ask |= {"criteria": [{"code": "lit", "zh": "亮", "en": "lit"}]}
    earlier = "2025-03-04T18:00:00+08:00"
    with pytest.raises(IllegalStateError, match="propose_project is recorded when it happens and never dated back"):
        desk.ask("propose_project", "post-keeper", at=earlier, project_id="pr-9", **ask)
    desk.ask("propose_project", "post-keeper", at=NEXT_DAY, project_id="pr-9", **ask)
    desk.now = "2025-03-06T09:00:00+08:00"
    for command, more in (("approve_project", {}), ("cancel_project", {"reason": "x"})):
        with pytest.raises(IllegalStateError, match=f"{command} is recorded when it happens"):
            desk.ask(command, "post-keeper", at="2025-03-05T18:00:00+08:00", project_id="pr-9", **more)
    desk.close()


def test_a_project_that_money_moved_in_goes_forward_only_too(desk: Desk) -> None:
    """Each receipt is booked in its project."""
    project = collected(desk)
    receipt = {"project_id": project, "source": "society", "payer": "x", "amount_fen": 1}
    desk.ask("record_receipt", "post-accountant", at=NEXT_DAY, **receipt)
    with pytest.raises(IllegalStateError, match="of the project is of 2025-03-05 09:00:00"):
        desk.ask("finish_works", "post-keeper", project_id=project, at="2025-03-05T08:00:00+08:00")
    with pytest.raises(IllegalStateError, match="of the project is of 2025-03-05 09:00:00"):
        desk.ask("record_receipt", "post-accountant", at="2025-03-05T08:00:00+08:00", imported="o", **receipt)


def test_a_published_statement_stays_and_the_next_one_tells_the_correction(desk: Desk) -> None:
    """(part of X02)"""
    project = collected(desk)
    told = {"project_id": project}
    first = desk.ask("disclose_statement", "post-keeper", **told)["statement_id"]
    published = desk.ask("get_statement", statement_id=first)
    (receipt,) = desk.ask("find_receipts", project_id=project, source="government")["rows"]
    ask = {"receipt_id": receipt["receipt_id"], "reason": "记错了"}
    desk.ask("reverse_receipt", "post-accountant", at=NEXT_DAY, **told, **ask)
    second = desk.ask("disclose_statement", "post-keeper", at=NEXT_DAY, **told)["statement_id"]
    assert desk.ask("get_statement", statement_id=first) == published
    assert published["income"]["government"] == 300
    assert desk.ask("get_statement", statement_id=second)["income"]["government"] == 0
