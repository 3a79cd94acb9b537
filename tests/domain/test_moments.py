"""The two times of a fact, and what a row says of those that were entered late."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.moments import Span, before, day_of, days_late, imported, late_entries, later, plus_hours, shown
from shared.domain.record import Record
from tests.kit import AT
from tests.kit.rows import record_of

DAY_AFTER = "2025-03-05T09:00:00+08:00"


def record(occurred: str, recorded: str, type: str = "IssueResolved", **more: Any) -> Record:
    return record_of(type, b"{}", 1, **{"time": recorded, "occurred": occurred} | more)


def test_moments_are_compared_as_moments_whatever_their_offset() -> None:
    assert later("", AT, "2025-03-04T01:00:01Z") == "2025-03-04T01:00:01Z"
    assert later("", "") == ""
    assert before("2025-03-04T00:59:59Z", AT) and not before("2025-03-04T01:00:00Z", AT)
    assert not before("", AT) and not before(AT, "")
    assert (day_of("2025-03-04T16:00:00Z"), shown("2025-03-04T16:00:00Z")) == ("2025-03-05", "2025-03-05 00:00:00")
    assert plus_hours(AT, 24) == DAY_AFTER


def test_a_span_begins_with_the_first_fact_and_ends_with_the_latest_that_is_no_mark() -> None:
    span = Span().to(AT).to("2025-03-09T00:00:00+08:00", mark=True).to("2025-03-03T09:00:00+08:00")
    assert span == Span(AT, AT)
    assert span.to(DAY_AFTER) == Span(AT, DAY_AFTER)


@pytest.mark.parametrize(
    ("recorded", "days"),
    [(AT, 0), ("2025-03-05T00:59:59Z", 0), ("2025-03-05T01:00:00Z", 1), ("2025-03-03T09:00:00+08:00", 0), ("", 0)],
)
def test_a_fact_is_late_by_whole_days(recorded: str, days: int) -> None:
    assert days_late(record(AT, recorded)) == days


def test_a_row_counts_late_entries_and_has_both_times_of_the_last_of_each_kind() -> None:
    """(part of X02)"""
    row = late_entries({}, record(AT, AT))
    assert row == {"late": 0, "late_entries": {}}
    row = late_entries(row, record(AT, DAY_AFTER))
    row = late_entries(row, record(AT, DAY_AFTER, "IssueClosed", causation_id="import:operator:token"))
    times = {"occurred": AT, "recorded": DAY_AFTER}
    assert row == {
        "late": 2,
        "late_entries": {"IssueResolved": times | {"imported": 0}, "IssueClosed": times | {"imported": 1}},
    }
    again = late_entries(row, record(DAY_AFTER, DAY_AFTER))
    assert (again["late"], list(again["late_entries"])) == (2, ["IssueClosed"])


def test_what_a_policy_makes_of_an_import_is_imported_too() -> None:
    assert imported(record(AT, AT, command_id="import:1", causation_id="e-1"))
    assert not imported(record(AT, AT, command_id="c-1", causation_id="e-1"))
