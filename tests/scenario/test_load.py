"""Reading a scenario: everything wrong is found before anything is sent, with line and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.scenario import load
from services.console.scenario.model import Do, Keyed, Pending, Scenario, Together, Wait, resolved
from services.console.scenario.paths import MISSING, find, holds
from shared.domain.errors import BadInputError

STORY = Path(__file__).parents[2] / "deploy/scenarios/sanchajie.yaml"
START = """\
scenario: small-story
title: {zh: 小, en: small}
accounts:
  grid: {person: p-01, zh: 网格员, en: grid worker}
data:
  place: 350104.013
  opinions:
    - {no: 1, lead: street, day: 2025-03-04}
    - {no: 2, lead: community, day: 2025-03-05}
steps:
"""
END = """
figures:
  - {title: {zh: 数, en: number}, rows: [C15], ask: issues.issue_figures, path: collected, equals: 2}
"""
REPORT = """\
  - for: {o: opinions}
    at: ${o.day} 09:30
    who: grid
    do: issues.report_issue
    with: {place: "${place}.00${o.no}", category: road, description: "路 ${o.no}", channel: visit}
    save: o.issue
"""
TRIAGE = """\
  - for: {o: opinions}
    at: ${o.day} 10:30
    who: grid
    do: issues.triage_issue
    with: {issue_id: "${o.issue}", severity: small, tier: compound, reason: 小}
"""


def read(tmp_path: Path, steps: str = REPORT, start: str = START, end: str = END) -> Scenario:
    """Load a scenario made of parts."""
    file = tmp_path / "story.yaml"
    file.write_text(start + steps + end, encoding="utf-8")
    return load(file)


def refused(tmp_path: Path, steps: str = REPORT, start: str = START, end: str = END) -> dict[str, Any]:
    """The mistakes found in a scenario: line to reason."""
    with pytest.raises(BadInputError, match="nothing was sent") as error:
        read(tmp_path, steps, start, end)
    return {place.partition(":")[2]: reason for place, reason in error.value.fields.items()}


def line(text: str, part: str) -> str:
    """The number of the line that has a part."""
    return str(next(number for number, one in enumerate(text.splitlines(), 1) if part in one))


def test_the_story_of_lianbang_has_no_mistakes_and_tells_its_partition() -> None:
    story = load(STORY)
    assert (
        f"{story.count} steps, {len(story.figures)} figures" in (STORY.parents[2] / "docs" / "scenarios.md").read_text()
    )
    assert list(story.steps) == sorted(story.steps, key=lambda step: step.at)
    partition = next(figure for figure in story.figures if figure.parts == ("by_level.community", "by_level.street"))
    assert partition.equals == 56 and set(partition.rows) == {"C15", "C16", "C17"}
    races = [step for step in story.steps if isinstance(step, Together)]
    assert [(len(race.calls), race.succeed) for race in races] == [(2, 1)]
    assert {step.refused for step in story.steps if isinstance(step, Do)} == {"", "forbidden", "illegal_state"}


def test_the_story_of_lianbang_says_what_it_borrows_and_cites_only_what_it_tells() -> None:
    story = load(STORY)
    assert "监事会、三方会审、一支笔签批" in story.about["zh"] and "borrowed" in story.about["en"]
    assert "are borrowed from Chengdu" in (STORY.parents[2] / "README.md").read_text()
    cited = {row for figure in story.figures for row in figure.rows}
    assert {"C13", "C50"} <= cited and "C44" not in cited, "an area is told, no epidemic is"
    told = [step.call.arguments.get("name") for step in story.steps if isinstance(step, Do)]
    assert {"金浦社区", "金浦社区党委", "联邦片区"} <= set(told) and not any("新城社区" in str(name) for name in told)


def test_loops_are_unrolled_names_replaced_and_steps_put_in_the_order_of_time(tmp_path: Path) -> None:
    story = read(tmp_path, REPORT + TRIAGE)
    assert [(step.number, step.turn, step.at[:16]) for step in story.steps] == [
        ("1", "0", "2025-03-04T09:30"),
        ("2", "0", "2025-03-04T10:30"),
        ("1", "1", "2025-03-05T09:30"),
        ("2", "1", "2025-03-05T10:30"),
    ]
    first = story.steps[0]
    assert isinstance(first, Do)
    assert first.call.arguments["place"] == "350104.013.001" and first.call.arguments["description"] == "路 1"
    assert first.key("small-story") == "small-story:1:0" and first.saves == {"opinions.0.issue": "id"}
    second = story.steps[1]
    assert isinstance(second, Do)
    assert second.call.arguments["issue_id"] == Pending("opinions.0.issue", "o.issue")
    assert resolved(second.call.arguments, {"opinions.0.issue": "x-1"})["issue_id"] == "x-1"


def test_only_turns_that_fit_where_are_taken_and_lists_are_made_of_them(tmp_path: Path) -> None:
    steps = (
        REPORT
        + """\
  - at: 2025-03-10 09:00
    who: grid
    do: funding.propose_project
    with:
      title: 路
      place: "${place}"
      issue_ids: {for: {o: opinions, where: {lead: street}}, give: "${o.issue}"}
      budget_fen: 100
      shares: {government: 100}
      criteria: [{code: road, zh: 路平, en: level}]
  - at: 2025-03-11 09:00
    who: grid
    do: funding.accept_project
    with: {project_id: pr-1, criteria: {road: true}, issues: {for: {o: opinions}, name: "${o.issue}", give: true}}
"""
    )
    story = read(tmp_path, steps)
    propose, accept = (step for step in story.steps if isinstance(step, Do) and step.call.service == "funding")
    assert propose.call.arguments["issue_ids"] == [Pending("opinions.0.issue", "o.issue")]
    assert isinstance(accept.call.arguments["issues"], Keyed)
    saved = {"opinions.0.issue": "a-1", "opinions.1.issue": "b-2"}
    assert resolved(accept.call.arguments, saved)["issues"] == {"a-1": True, "b-2": True}


def test_working_days_are_those_of_mainland_china(tmp_path: Path) -> None:
    steps = REPORT.replace("${o.day} 09:30", "2025-01-27 09:30\n    working_days_later: 1")
    assert {step.at[:10] for step in read(tmp_path, steps).steps} == {"2025-02-05"}  # the Spring Festival is between


def test_turns_of_one_step_at_the_same_time_are_sent_together_up_to_parallel(tmp_path: Path) -> None:
    steps = REPORT.replace("${o.day} 09:30", "2025-03-04 09:30\n    parallel: 8")
    assert [len(batch) for batch in read(tmp_path, steps).batches()] == [2]
    assert [len(batch) for batch in read(tmp_path, steps.replace("parallel: 8", "parallel: 1")).batches()] == [1, 1]
    assert [len(batch) for batch in read(tmp_path, steps).batches(after=1)] == [1]


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        ("    who: grid", "    whom: grid", "whom", "whom is unknown"),
        ("who: grid", "who: nobody", "who:", "no account 'nobody'"),
        ("report_issue", "reprot_issue", "for:", "no command reprot_issue"),
        ("issues.report", "issue.report", "for:", "no service issue"),
        ("do: issues.report_issue", "do: report_issue", "do:", "service and what it offers"),
        ("${o.day} 09:30", "2025-02-30 09:30", "at:", "not a real time"),
        ("${o.day} 09:30", "2999-01-01 09:30", "at:", "has not come yet"),
        ("${o.day} 09:30", "tomorrow", "at:", "must be a local time"),
        ("${o.day} 09:30", "${o.date} 09:30", "at:", "must be a local time"),
        ('${o.no}", channel', '${o.nr}", channel', "for:", "nothing is called o.nr"),
        ("{o: opinions}", "{o: opinion}", "for:", "no list opinion"),
        ("{o: opinions}", "{o: place}", "for:", "list, not over text"),
        ("{o: opinions}", "{o: opinions, where: {lead: nobody}}", "for:", "runs over nothing"),
        ("channel: visit", "channel: Smoke", "with:", "channel: must be a code"),
        ("channel: visit", "channel: visit, colour: red", "with:", "colour: is not asked for"),
        ("category: road, ", "", "with:", "category: is missing"),
        ("category: road", "category: 7", "with:", "category: must be text"),
        ("save: o.issue", "save: o.no", "save:", "in the data already"),
        ("save: o.issue", "save: [a]", "save:", "save must be a name"),
        ("save: o.issue", "refused: sometimes", "refused:", "refused must be one of"),
        ("save: o.issue", "parallel: 99", "parallel:", "whole number from 1 to 16"),
        ("save: o.issue", "bulk: 101", "bulk:", "whole number from 1 to 100"),
        ("save: o.issue", "bulk: 100", "bulk:", "commands of the registry"),
        ("save: o.issue", "wait: issues.find_issues", "for:", "exactly one of"),
        ("save: o.issue", "save: o.issue\n    'who': grid", "'who':", "given twice"),
        ("路 ${o.no}", "路 ${o.no", "with:", "not closed"),
        ("路 ${o.no}", "路 ${opinions}", "with:", "a list and cannot stand within a text"),
        ("with: {place", "with: !!set {place", "with:", "not possible here"),
    ],
)
def test_a_mistake_in_a_step_is_named_with_its_line(tmp_path: Path, old: str, new: str, at: str, reason: str) -> None:
    assert old in REPORT
    steps = REPORT.replace(old, new)
    found = refused(tmp_path, steps)
    last = len(START.splitlines())
    number = str(last + int(line(steps, at)))
    assert reason in found.get(number, ""), found


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("scenario: small-story", "scenario: Small Story", "small letters"),
        ("title: {zh: 小, en: small}", "title: small", "Chinese and English"),
        ("{person: p-01, zh: 网格员, en: grid worker}", "{person: p-01, zh: 网格员}", "en is missing"),
        ("grid: {person: p-01", "operator: {person: p-01", "cannot be a name to sign in"),
        ("data:", "date:", "date is unknown here"),
        ("path: collected", "path: collected..", "not a path"),
        ("rows: [C15]", "rows: [Z99]", "rows of the catalogue"),
        ("ask: issues.issue_figures", "ask: issues.report_issue", "no query report_issue"),
        ("ask: issues.issue_figures", "ask: issues.issue_figures, with: {plaice: x}", "plaice: is not asked for"),
        (", equals: 2", "", "equals is missing"),
        ("figures:\n  -", "figures: []\nx:\n  -", "what the events must give"),
    ],
)
def test_a_mistake_outside_the_steps_is_named(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in START + END
    found = refused(tmp_path, start=START.replace(old, new), end=END.replace(old, new))
    assert any(reason in one for one in found.values()), found


def test_a_name_must_be_saved_before_it_is_used(tmp_path: Path) -> None:
    late = TRIAGE.replace("10:30", "08:30")  # before the report of the same day
    assert any("neither the data nor an earlier step" in reason for reason in refused(tmp_path, REPORT + late).values())
    twice = REPORT + REPORT.replace("09:30", "09:45")
    assert any("saved already" in reason for reason in refused(tmp_path, twice).values())


def test_all_mistakes_are_told_at_once_up_to_a_page(tmp_path: Path) -> None:
    steps = "".join(f"  - {{at: 2025-01-02 09:00, who: x{number}, do: issues.accept_issue}}\n" for number in range(30))
    found = refused(tmp_path, steps)
    assert len(found) <= 21 and "more" in next(reason for place, reason in found.items() if place == "")


@pytest.mark.parametrize("text", ["", "[]", "- 1", "a: [", "\x00", "a: *b", "{{}: 1}", "&a [*a]", "scenario: 1\n" * 2])
def test_what_is_no_scenario_is_refused_with_the_reason(tmp_path: Path, text: str) -> None:
    file = tmp_path / "story.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError):
        load(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        load(tmp_path / "none.yaml")


@given(
    st.binary(max_size=400) | st.text(max_size=400).map(lambda text: (START + text + END).encode("utf-8", "replace"))
)
def test_nothing_in_a_file_makes_reading_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("any") / "story.yaml"
    file.write_bytes(content)
    with pytest.raises(BadInputError):
        load(file)


def test_what_yaml_would_guess_stays_text(tmp_path: Path) -> None:
    start = START.replace(
        "place: 350104.013", "place: 350104.013\n  said: [no, 09:30, 2025-03-04, 1e3, 0x10, 1_000, .5, 007]"
    )
    steps = REPORT.replace("{o: opinions}", "{o: said}").replace("${o.day} 09:30", "2025-03-04 09:30")
    story = read(tmp_path, steps.replace("00${o.no}", "1").replace("路 ${o.no}", "${o}"), start)
    said = [step.call.arguments["description"] for step in story.steps if isinstance(step, Do)]
    assert said == ["no", "09:30", "2025-03-04", "1e3", "0x10", "1_000", ".5", "007"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("by.street", 12), ("rows.1.id", "b"), ("rows.#", 2), ("rows[id=b].n", 7), ("rows[n=7].id", "b"),
        ("by.none", MISSING), ("rows.2", MISSING), ("rows[id=c]", MISSING), ("by.street.x", MISSING),
    ],
)  # fmt: skip
def test_paths_lead_into_answers(path: str, found: Any) -> None:
    answer = {"by": {"street": 12}, "rows": [{"id": "a", "n": 1}, {"id": "b", "n": 7}]}
    assert find(answer, path) == found


def test_a_figure_holds_only_when_it_is_the_same_value_of_the_same_kind() -> None:
    assert holds(56, 56) and not holds(56, "56") and not holds(True, 1) and not holds(MISSING, None)
    assert holds({"numerator": 65, "denominator": 75, "definition": "…"}, {"numerator": 65, "denominator": 75})
    assert not holds({"numerator": 65}, {"numerator": 65, "denominator": 75})


def test_waiting_needs_what_to_look_for(tmp_path: Path) -> None:
    saved = "save: {found: rows.0.issue_id}"
    steps = f"  - {{at: 2025-03-04 10:00, wait: issues.find_issues, path: rows.#, equals: 1, {saved}}}\n"
    step = read(tmp_path, steps).steps[0]
    assert isinstance(step, Wait) and step.within == 20
    assert any("path and equals" in reason for reason in refused(tmp_path, steps.replace("equals: 1, ", "")).values())


def test_a_series_runs_over_numbers_spread_over_others_in_turn(tmp_path: Path) -> None:
    report = REPORT.replace("for: {o: opinions}", "for: {o: {from: 2, to: 5, over: 3}}").replace(
        "${o.day}", "2025-03-04"
    )
    told = read(
        tmp_path, report.replace('"${place}.00${o.no}"', '"${place}.00${o.of}"').replace("路 ${o.no}", "路 ${o.n}")
    )
    sent = [step.call.arguments for step in told.steps if isinstance(step, Do)]
    assert [(one["place"][-1], one["description"]) for one in sent] == [
        ("2", "路 2"),
        ("3", "路 3"),
        ("1", "路 4"),
        ("2", "路 5"),
    ]


@pytest.mark.parametrize(
    "series", ["{from: 5, to: 2}", "{from: 1, to: x}", "{from: 1, to: 100000}", "{from: 1, to: 2, over: 0}", "{to: 2}"]
)
def test_a_series_that_is_none_is_named(tmp_path: Path, series: str) -> None:
    report = (
        REPORT.replace("for: {o: opinions}", f"for: {{o: {series}}}")
        .replace("${o.day}", "2025-03-04")
        .replace("o.no", "o.n")
    )
    assert any("a series needs whole numbers" in str(reason) for reason in refused(tmp_path, report).values())
