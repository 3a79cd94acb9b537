"""Report-ins as they are listed and counted, for those who confirm them."""

from __future__ import annotations

import pytest

from shared.domain.errors import BadInputError, ForbiddenError
from tests.kit.city import COMMUNITY, COMPOUND, OTHER_COMPOUND, STREET
from tests.kit.desk import Desk


def test_report_ins_are_listed_for_those_who_confirm_them(desk: Desk) -> None:
    """(part of B11, C40, D11)"""
    desk.ask("survey_member", "post-worker", person_id="p-1", unit="bureau", level="district", place=COMPOUND)
    desk.ask("survey_member", "post-worker", person_id="p-2", unit="bureau", level="city", place=COMPOUND)
    id = desk.ask("report_in", "p-1", unit="bureau", place=COMPOUND)["id"]
    assert id == "member-p-1"
    unit = desk.ask("report_in", "post-worker", kind="unit", unit="bureau", place=COMMUNITY)
    assert unit["id"] == f"unit-bureau-{COMMUNITY}"
    assert desk.ask("confirm_report_in", "post-worker", report_id=id, end="place")["actions"] == ["end_report_in"]
    (row,) = desk.ask("find_report_ins", "p-1", person_id="p-1")["rows"]
    assert (row["status"], row["ends"], row["level"], row["actions"]) == (
        *("reported_in", ["place"], "district"),
        ["end_report_in"],
    )
    assert "confirmed" not in row
    surveyed = desk.ask("find_report_ins", "post-worker", status="surveyed")["rows"]
    assert [row["person_id"] for row in surveyed] == ["p-2"]
    with pytest.raises(ForbiddenError, match="volunteer.confirm"):
        desk.ask("find_report_ins", "p-2", person_id="p-1")
    figures = desk.ask("volunteer_figures", "", place=STREET)
    counted = ("members_surveyed", "members_reported", "members_not_reported", "members_confirmed", "units_reported")
    assert [figures[name] for name in counted] == [2, 1, 1, 0, 1]
    desk.ask("confirm_report_in", "post-director", report_id=id, end="unit", evidence="letter")
    desk.ask("report_in", "p-1", unit="bureau", place=OTHER_COMPOUND, at="2025-03-05T09:00:00+08:00")
    here, there = (desk.ask("volunteer_figures", "", place=place) for place in (COMPOUND, OTHER_COMPOUND))
    assert [here[name] for name in counted] == [1, 0, 1, 0, 0]
    assert [there[name] for name in counted] == [1, 1, 0, 0, 0]


def test_a_report_in_is_named_by_the_id_that_was_given(desk: Desk) -> None:
    with pytest.raises(BadInputError) as caught:
        desk.ask("confirm_report_in", "post-worker", report_id="p-1", end="place")
    assert set(caught.value.fields) == {"report_id"}
