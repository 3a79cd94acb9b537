"""Time limits over a year whose holidays were not announced are marked, and counted again once its calendar comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.issues.issue.counting import count_again
from services.issues.issue.facts import IssueDispatched, LimitCountedAgain
from services.issues.issue.state import ISSUE
from shared.domain.calendar import is_working_day, working_day_after
from tests.domain.issues.facts import DISPATCHED, ISSUE_ID, REPORTED, TRIAGED
from tests.kit import given
from tests.kit.city import COMPOUND, entry
from tests.kit.desk import Desk
from tests.kit.rows import city

#: 2027 as it might be announced: a longer New Year, and a Saturday worked for it.
YEAR = entry("calendars", "2027", off=["2027-01-01", "2027-01-04"], worked=["2027-01-09"])
BEFORE, AFTER = working_day_after("2026-12-30", 3), "chinesecalendar-1.11.0/city-2027"
#: Working days from 4 March 2025 to the third of 2027, so that the test runs on whatever day it is.
FAR = sum(is_working_day(date(2025, 3, 5) + timedelta(day)) for day in range(667)) + 2


def dispatched(**more: Any) -> IssueDispatched:
    limit = {"due": BEFORE.date, "calendar": BEFORE.calendar, "working_days": 3}
    return msgspec.structs.replace(DISPATCHED, **limit | more)


def test_a_limit_is_counted_again_by_the_calendar_that_came_and_says_what_it_was() -> None:
    spec = given(ISSUE, ISSUE_ID, REPORTED, TRIAGED, dispatched())
    ask = {"since": "2026-12-30", "city": city("2027-01-02", YEAR)}
    again = LimitCountedAgain(issue_id=ISSUE_ID, before="2027-01-05", due="2027-01-06", calendar=AFTER)
    spec.when(count_again, **ask).then(again)
    spec.when(count_again, **ask | {"city": city("2027-01-02")}).then_nothing()  # it has not come
    for other in (dispatched(calendar=""), dispatched(working_days=0), dispatched(calendar="chinesecalendar-1.11.0")):
        given(ISSUE, ISSUE_ID, REPORTED, TRIAGED, other).when(count_again, **ask).then_nothing()
    same = {
        "since": "2026-12-30",
        "city": city("2027-01-02", entry("calendars", "2027", off=["2027-01-01"], worked=[])),
    }
    unmoved = LimitCountedAgain(issue_id=ISSUE_ID, before="2027-01-05", due="2027-01-05", calendar=AFTER)
    spec.when(count_again, **same).then(unmoved)  # it is no longer provisional


def _dispatched(desk: Desk) -> str:
    ask = {"place": COMPOUND, "category": "facility.road", "description": "坑"}
    id: str = desk.ask("report_issue", "p-resident", **ask)["id"]
    desk.ask("triage_issue", "post-grid", issue_id=id, severity="small", reason="x")
    desk.ask("dispatch_issue", "post-grid", issue_id=id, post_id="post-grid", duty="补", working_days=FAR)
    return id


@pytest.fixture
def december(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("issues", tmp_path)
    yield desk
    desk.close()


def told(desk: Desk, id: str) -> tuple[str, int]:
    case = desk.ask("get_issue", issue_id=id)
    (row,) = desk.ask("find_issues", number=id)["rows"]
    assert (row["due"], row["provisional"]) == (case["due"], case["provisional"])
    return case["due"], case["provisional"]


def test_the_mark_is_in_answers_and_goes_when_the_city_adopts_the_calendar(december: Desk) -> None:
    """At once: the fact of the registry is followed."""
    id = _dispatched(december)
    assert told(december, id) == ("2027-01-05", 1)
    assert december.ask("get_issue", issue_id=id)["timeline"][-1]["provisional"] == 1
    december.tell_all("registry", [entry("days_off", "fair", first="2027-01-05", last="")])
    assert told(december, id) == ("2027-01-05", 1), "days off of its own are no calendar of the year"
    december.tell_all("registry", [entry("calendars", "2028", off=[], worked=[])])
    assert told(december, id) == ("2027-01-05", 1), "nor is another year"
    december.tell_all("registry", [YEAR])
    december.catch_up()
    assert told(december, id) == ("2027-01-07", 0), "with the day off that came meanwhile"
    step = december.ask("get_issue", issue_id=id)["timeline"][-1]
    assert (step["what"], step["before"], step["due"]) == ("LimitCountedAgain", "2027-01-05", "2027-01-07")


def test_the_clock_counts_again_what_the_program_came_to_know(december: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the library that knows the announced years is renewed; once, however often the day is ticked."""
    id = _dispatched(december)
    december.tick("2026-12-31")
    assert told(december, id) == ("2027-01-05", 1)
    from shared.domain import calendar

    _name, works, years = calendar._library()
    free = {"2027-01-01", "2027-01-04"}
    knows = lambda day: day.isoformat() not in free and (works(day) if day.year in years else day.weekday() < 5)  # noqa: E731  # two lines as a function say no more
    monkeypatch.setattr(calendar, "_library", lambda: ("renewed", knows, years | {2027}))
    assert december.tick("2027-01-01") == 1
    assert told(december, id) == ("2027-01-06", 0)
    assert december.tick("2027-01-01") == december.tick("2027-01-02") == 0


def test_what_was_overdue_by_the_provisional_limit_is_not_so_any_more(december: Desk) -> None:
    id = _dispatched(december)
    december.tick("2027-01-06")
    assert december.ask("get_issue", issue_id=id)["overdue"] == 1
    december.tell_all("registry", [YEAR])
    december.catch_up()
    case = december.ask("get_issue", issue_id=id)
    assert (case["due"], case["overdue"]) == ("2027-01-06", 0)
    december.tick("2027-01-07")
    assert december.ask("get_issue", issue_id=id)["overdue"] == 1


def test_a_named_day_is_not_counted_again(december: Desk) -> None:
    id = _dispatched(december)
    december.ask("extend_issue", "post-secretary", issue_id=id, due="2027-02-01", reason="材料")
    assert told(december, id) == ("2027-02-01", 0)
    december.tell_all("registry", [YEAR])
    assert told(december, id) == ("2027-02-01", 0)
