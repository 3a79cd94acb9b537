"""A case goes forward only, late entries have a window and both dates, time limits are judged by what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.errors import IllegalStateError
from shared.domain.identity import new_id
from shared.log import Commit, NewEvent
from tests.kit import AT
from tests.kit.city import COMPOUND, entry, facts
from tests.kit.desk import Desk

BEFORE = "2025-03-03T09:00:00+08:00"
DUE, IN_TIME, AFTER = "2025-03-07", "2025-03-07T17:00:00+08:00", "2025-03-10T09:00:00+08:00"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("issues", tmp_path)
    yield desk
    desk.close()


def report(desk: Desk, **more: Any) -> str:
    ask = {"place": COMPOUND, "category": "facility.streetlight", "description": "路灯不明"}
    return str(desk.ask("report_issue", "p-resident", **ask, **more)["id"])


def triage(desk: Desk, id: str, **more: Any) -> Any:
    ask = {"severity": "small", "tier": "compound", "reason": "one lamp"}
    return desk.ask("triage_issue", "post-grid", issue_id=id, **ask, **more)


def dispatch(desk: Desk, id: str, **more: Any) -> Any:
    return desk.ask("dispatch_issue", "post-grid", issue_id=id, post_id="post-grid", duty="repair", due=DUE, **more)


def resolve(desk: Desk, id: str, **more: Any) -> Any:
    return desk.ask("resolve_issue", "post-grid", issue_id=id, outcome="lamp replaced", **more)


def dispatched(desk: Desk) -> str:
    id = report(desk)
    triage(desk, id)
    dispatch(desk, id)
    return id


def test_nothing_is_dated_before_the_last_that_is_known_of_the_case(desk: Desk) -> None:
    """The refusal names both times; also for an import."""
    id = report(desk)
    for imported in ("", "operator:token"):
        with pytest.raises(IllegalStateError) as caught:
            triage(desk, id, at=BEFORE, imported=imported)
        assert "dated 2025-03-03 09:00:00, but the last that is known of the issue is of 2025-03-04 09:00:00" in str(
            caught.value
        )
        assert set(caught.value.fields) == {"occurred"}
    triage(desk, id)
    with pytest.raises(IllegalStateError, match="is of 2025-03-04 09:00:00"):
        dispatch(desk, id, at=BEFORE)
    dispatch(desk, id)
    resolve(desk, id, at="2025-03-05T09:00:00+08:00")
    with pytest.raises(IllegalStateError, match="is of 2025-03-05 09:00:00"):
        desk.ask("record_follow_up", "post-street", issue_id=id, result="satisfied", at="2025-03-05T08:59:59+08:00")


def test_what_happens_at_once_is_never_refused_for_a_clock_that_is_behind(desk: Desk) -> None:
    """It takes the moment of the last fact."""
    id = report(desk, at="2025-03-04T09:00:02+08:00")
    assert triage(desk, id)["events"] == 1
    assert [step["at"] for step in desk.ask("get_issue", issue_id=id)["timeline"]] == ["2025-03-04T09:00:02+08:00"] * 2


def test_a_late_entry_has_a_window_and_both_dates(desk: Desk) -> None:
    """(part of X02)"""
    id = dispatched(desk)
    desk.now = "2025-03-15T09:00:00+08:00"
    with pytest.raises(
        IllegalStateError,
        match="resolve_issue may be entered 7 days late at most, so for 2025-03-08 and later; 2025-03-07 17:00:00",
    ):
        resolve(desk, id, at=IN_TIME)
    desk.now = "2025-03-14T09:00:00+08:00"
    resolve(desk, id, at=IN_TIME)
    case = desk.ask("get_issue", issue_id=id)
    times = {"occurred": IN_TIME, "recorded": desk.now, "imported": 0}
    assert (case["late"], case["late_entries"]) == (1, {"IssueResolved": times})
    step = case["timeline"][-1]
    assert (step["at"], step["recorded"], step["late"], step["imported"]) == (IN_TIME, desk.now, 6, 0)
    assert not {"recorded", "late"} & set(case["timeline"][0])
    assert desk.ask("issue_figures")["late"] == 1


def test_a_command_that_is_sent_again_after_its_window_gives_its_first_receipt(desk: Desk) -> None:
    id = dispatched(desk)
    desk.now = AFTER
    first = resolve(desk, id, at=IN_TIME, command_id="c-1")
    desk.now = "2025-06-01T09:00:00+08:00"
    assert resolve(desk, id, at=IN_TIME, command_id="c-1")["position"] == first["position"]


@pytest.mark.parametrize(
    ("told", "days"),
    [
        (entry("parameters", "late_entry_days", value=2), 2),
        (entry("windows", "issue.resolve", days=1), 1),
        (entry("windows", "resolve_issue", days=30), 30),
    ],
)
def test_a_city_says_how_late_a_command_may_be_entered(
    tmp_path: Path, told: tuple[str, dict[str, Any]], days: int
) -> None:
    desk = Desk("issues", tmp_path, [*facts(), told])
    id = dispatched(desk)
    desk.now = f"{date(2025, 4, 4) + timedelta(days)}T09:00:00+08:00"
    with pytest.raises(IllegalStateError, match=f"resolve_issue may be entered {days} days late"):
        resolve(desk, id, at="2025-04-03T23:59:59+08:00")
    assert resolve(desk, id, at="2025-04-04T00:00:00+08:00")["events"] == 1
    desk.close()


def test_a_city_that_allows_no_late_entry_takes_what_happens_now(tmp_path: Path) -> None:
    desk = Desk("issues", tmp_path, [*facts(), entry("windows", "issue.resolve", days=0)])
    id = dispatched(desk)
    desk.now = "2025-03-05T09:06:00+08:00"
    with pytest.raises(IllegalStateError, match="recorded when it happens and never dated back; 2025-03-05 09:00:00"):
        resolve(desk, id, at="2025-03-05T09:00:00+08:00")
    desk.now = "2025-03-05T09:04:00+08:00"  # clocks may be apart
    assert resolve(desk, id, at="2025-03-05T09:00:00+08:00")["events"] == 1
    desk.close()


def test_a_resolution_that_is_entered_late_but_in_its_window_counts_as_on_time(desk: Desk) -> None:
    """The clock has marked the case overdue meanwhile: that stays, and stands in nobody's way (part of C12)."""
    id = dispatched(desk)
    desk.now = AFTER
    desk.tick("2025-03-08")
    resolve(desk, id, at=IN_TIME)
    case = desk.ask("get_issue", issue_id=id)
    assert (case["in_time"], case["missed"], case["overdue"]) == ("yes", DUE, 0)
    assert [step["what"] for step in case["timeline"]][-2:] == ["IssueOverdue", "IssueResolved"]
    assert desk.ask("issue_figures")["in_time"] == {"yes": 1}


@pytest.mark.parametrize(
    ("at", "recorded", "imported", "judged"),
    [
        (IN_TIME, IN_TIME, "", "yes"),
        (AFTER, AFTER, "", "no"),
        (IN_TIME, "2026-01-01T09:00:00+08:00", "operator:token", "imported"),
        (IN_TIME, IN_TIME, "operator:token", "yes"),
        (AFTER, "2026-01-01T09:00:00+08:00", "operator:token", "no"),
    ],
)
def test_a_time_limit_is_judged_by_what_was_recorded(
    desk: Desk, at: str, recorded: str, imported: str, judged: str
) -> None:
    """Of what an import says nothing but the other register is a proof."""
    id = dispatched(desk)
    desk.now = recorded
    resolve(desk, id, at=at, imported=imported)
    assert desk.ask("get_issue", issue_id=id)["in_time"] == judged
    desk.ask("reopen_issue", "post-street", issue_id=id, reason="dark again", at=desk.now)
    assert desk.ask("get_issue", issue_id=id)["in_time"] == ""


def test_an_import_says_in_every_fact_who_brought_it_in(desk: Desk) -> None:
    """(part of X02, X12)"""
    desk.now = "2026-01-01T09:00:00+08:00"
    id = report(desk, at=AT, imported="operator:token")
    (record,) = desk.log.read()
    assert (record.causation_id, record.actor) == ("import:operator:token", "p-resident")
    (step,) = desk.ask("get_issue", issue_id=id)["timeline"]
    assert (step["imported"], step["recorded"]) == (1, desk.now)


def test_the_clock_takes_the_later_moment(desk: Desk) -> None:
    """A case that was extended to yesterday only today is overdue from today on, not from before it was extended."""
    id = dispatched(desk)
    desk.ask(
        "extend_issue", "post-street", issue_id=id, reason="rain", due="2025-03-09", at="2025-03-12T09:00:00+08:00"
    )
    desk.tick("2025-03-13")
    overdue = desk.ask("get_issue", issue_id=id)["timeline"][-1]
    assert (overdue["what"], overdue["at"]) == ("IssueOverdue", "2025-03-12T09:00:00+08:00")


def test_a_log_that_runs_backwards_still_opens_and_goes_on(desk: Desk) -> None:
    """Facts of before this was refused stay as they are; what follows lies behind the latest of them."""
    id = report(desk)
    record = next(iter(desk.log.read()))
    data = msgspec.json.decode(bytes(record.data)) | {"severity": "small", "tier": "compound", "reason": "x"}
    names = ("issue_id", "severity", "tier", "reason", "organisation_id", "level")
    old = NewEvent(
        type="IssueTriaged",
        schema=2,
        data=msgspec.Raw(msgspec.json.encode({name: data[name] for name in names}, order="sorted")),
        id=new_id(),
        occurred="2025-02-01T09:00:00+08:00",
    )
    commit = Commit(
        stream=record.stream,
        expected_version=1,
        events=(old,),
        command="x",
        command_id=new_id(),
        actor="x",
        place=COMPOUND,
    )
    desk.log.append(commit)
    desk.catch_up()
    assert desk.ask("get_issue", issue_id=id)["status"] == "triaged"
    with pytest.raises(IllegalStateError, match="is of 2025-03-04 09:00:00"):
        dispatch(desk, id, at=BEFORE)
    assert dispatch(desk, id)["events"] == 1


def test_works_that_were_accepted_before_the_case_went_on_resolve_it_when_it_had_gone_on(desk: Desk) -> None:
    """A policy is never refused: it takes the moment of the last fact of the case."""
    id = report(desk, at="2025-03-06T09:00:00+08:00")
    desk.tell("funding", "ProjectAccepted", project_id="p1", issue_ids=[id], place=COMPOUND)  # dated AT
    step = desk.ask("get_issue", issue_id=id)["timeline"][-1]
    assert (step["what"], step["at"]) == ("IssueResolved", "2025-03-06T09:00:00+08:00")
