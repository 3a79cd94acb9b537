"""Every row that a test cites is a row, stands in the test's own docstring, and `docs/coverage.md` tells it."""

from __future__ import annotations

import pytest

from tests.coverage import CATALOGUE, COVERAGE, Citation, cited_in, document, rows, states

ROWS = rows(CATALOGUE.read_text())
KNOWN = {row.id for row in ROWS}


def test_the_page_is_what_the_tests_say() -> None:
    """Run `python -m tests.coverage` when this fails."""
    assert COVERAGE.read_text() == document()


def test_all_rows_of_the_catalogue_are_read() -> None:
    text = CATALOGUE.read_text()
    assert len(ROWS) == 248 and len(KNOWN) == 248
    assert {row.owner for row in ROWS} == {"registry", "issues", "volunteers", "funding", "audit", "gateway"}
    assert all(row.meaning and (row.chinese or row.id.startswith("X")) for row in ROWS)
    for change in (("| C12 |", "- C12 |"), ("| C12 | S2 |", "| C12 |")):
        with pytest.raises(ValueError, match="C12 has|247 are found"):
            rows(text.replace(*change))
    with pytest.raises(ValueError, match="stands twice"):
        rows(text.replace("| C13 |", "| C12 |"))


CITED = '''"""About lamps."""


def test_lamps():
    """They shine for all (C12, X13), and some do at night (part of C14)."""
'''


def test_a_test_cites_whole_rows_and_parts_in_its_own_docstring() -> None:
    test = "a.py::test_lamps"
    expected = [Citation("C12", test, True), Citation("X13", test, True), Citation("C14", test, False)]
    assert cited_in(CITED, "a.py", KNOWN) == (expected, [])
    state = states(ROWS, expected)
    assert (state["C12"], state["C14"], state["C15"]) == ("works", "partial", "absent")


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (("About lamps", "About lamps (C12)"), "a.py:1: C12 is cited outside a test"),
        (("(C12, X13)", "(C12, X99)"), "a.py:4: there is no row X99"),
        (("(C12, X13)", "C12"), "a.py:4: C12 is mentioned, not cited"),
        (("def test_", "# C12\ndef test_"), "a.py:4: C12 is cited outside a test's docstring"),
        (("def test_lamps", "def lamps"), "a.py:4: C12 is cited outside a test"),
    ],
)
def test_any_other_citation_is_a_mistake(change: tuple[str, str], mistake: str) -> None:
    _, wrong = cited_in(CITED.replace(*change), "a.py", KNOWN)
    assert any(mistake in one for one in wrong), wrong
