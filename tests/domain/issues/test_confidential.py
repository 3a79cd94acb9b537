"""Quarrels are for staff only from their category on, and any text can be moved out of public sight, in the open."""

from __future__ import annotations

from services.issues.issue.facts import TextWithheld
from services.issues.issue.outcome import withhold_text
from services.issues.issue.state import ISSUE
from tests.domain.issues.test_intake import REPORTED
from tests.kit.spec import given


def test_withholding_a_text_twice_records_it_once() -> None:
    done = TextWithheld(issue_id=REPORTED.issue_id, withheld="duty", why="names")
    given(ISSUE, REPORTED.issue_id, REPORTED).when(withhold_text, withheld="duty", reason="names").then(done)
    given(ISSUE, REPORTED.issue_id, REPORTED, done).when(withhold_text, withheld="duty", reason="x").then_nothing()
