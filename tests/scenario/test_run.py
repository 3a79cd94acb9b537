"""Running a scenario against a server that speaks the gateway's contract: keys, order, refusals, races, repeating."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.console.scenario import load, run
from services.console.scenario.run import Runner, StoryError
from services.console.scenario.sending import Sender
from shared.domain.errors import BadInputError, IllegalStateError, UnavailableError
from tests.scenario.toy_gateway import OPERATOR, Refuse, Sent, Toy, serving

STORY = """\
scenario: toy-story
title: {zh: 小, en: small}
accounts:
  grid: {person: p-01, zh: 网格员, en: grid worker}
  cadre: {person: p-02, zh: 干部, en: cadre}
data:
  opinions:
    - {no: 1, day: 2025-03-04}
    - {no: 2, day: 2025-03-05}
    - {no: 3, day: 2025-03-05}
steps:
  - for: {o: opinions}
    at: ${o.day} 09:30
    parallel: 4
    who: grid
    do: issues.report_issue
    with: {place: "350104", category: road, description: "路 ${o.no}", channel: visit}
    save: o.issue
  - for: {o: opinions}
    at: 2025-03-06 10:00
    parallel: 4
    who: cadre
    post: post-7
    do: issues.accept_issue
    with: {issue_id: "${o.issue}"}
"""
FIGURES = """
figures:
  - {title: {zh: 数, en: number}, rows: [C15], ask: issues.issue_figures, path: collected, equals: 3}
"""
RACE = """\
  - at: 2025-03-07 10:00
    together:
      - {who: grid, do: volunteers.claim_wish, with: {wish_id: w-1}}
      - {who: cadre, do: volunteers.claim_wish, with: {wish_id: w-1}}
    succeed: 1
    save: winner
  - {at: 2025-03-08 10:00, who: "${winner}", do: volunteers.fulfil_wish, with: {wish_id: w-1}}
"""
BULK = """\
  - for: {n: {from: 1, to: 250, over: 3}}
    at: 2025-03-09 09:00
    bulk: 100
    who: grid
    post: post-7
    do: registry.register_place
    with: {place: "350104.${n.n}", kind: compound, name: "第${n.n}小区", parent: "350104"}
"""
REFUSED = """\
  - at: 2025-03-09 10:00
    do: issues.close_issue
    with: {issue_id: i-1, because: so}
    refused: forbidden
"""


@pytest.fixture
def toy() -> Iterator[Toy]:
    """A fresh toy gateway that counts reports."""
    with serving() as found:
        found.answers["/api/issues/issue_figures"] = lambda toy, query: {"collected": count(toy, "report_issue")}
        yield found


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder with the operator's token."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "operator.token").write_text(OPERATOR)
    monkeypatch.setenv("LINLI_DATA", str(folder))
    return folder


def count(toy: Toy, command: str) -> int:
    """How many commands of a name were done."""
    return sum(one.path.endswith(f"/{command}") for one in toy.sent)


def story(tmp_path: Path, more: str = "", figures: str = FIGURES) -> Path:
    """The story as a file."""
    file = tmp_path / "story.yaml"
    file.write_text(STORY + more + figures, encoding="utf-8")
    return file


def only_first_claim(toy: Toy) -> Any:
    """The rule that a wish has one claimant."""

    def rule(sent: Sent) -> None:
        if sent.path.endswith("/claim_wish") and count(toy, "claim_wish"):
            raise Refuse(409, "illegal_state", "claimed already")
        if sent.path.endswith("/close_issue"):
            raise Refuse(403, "forbidden", "no mandate")

    return rule


def test_every_step_is_sent_once_as_told(toy: Toy, tmp_path: Path, data: Path) -> None:
    assert run(story(tmp_path), toy.url, json=True)
    assert len(toy.sent) == 6
    accepted = [one for one in toy.sent if one.path.endswith("accept_issue")]
    reported = {f"id-{number}" for number, one in enumerate(toy.sent, 1) if one.path.endswith("report_issue")}
    assert {one.body["issue_id"] for one in accepted} == reported
    one = accepted[0]
    assert one.who == "cadre" and one.headers["linli-post"] == "post-7"
    assert one.headers["linli-occurred"] == "2025-03-06T10:00:00+08:00" and one.headers["linli-after"] == "issues=3"
    assert len({sent.headers["idempotency-key"] for sent in toy.sent}) == 6
    assert {name: account["person_id"] for name, account in toy.accounts.items()} == {"grid": "p-01", "cadre": "p-02"}
    kept = data / "demo-accounts.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["grid"]["password"] == toy.accounts["grid"]["password"]


@pytest.mark.parametrize("forget", [False, True])
def test_a_second_run_changes_nothing(toy: Toy, tmp_path: Path, data: Path, forget: bool) -> None:
    """(part of X12)"""
    toy.rule = only_first_claim(toy)
    assert run(story(tmp_path, RACE + REFUSED), toy.url, json=True)
    sent, accounts = list(toy.sent), dict(toy.accounts)
    before = toy.requests
    if forget:
        (data / "scenarios" / "toy-story.json").unlink()
    assert run(story(tmp_path, RACE + REFUSED), toy.url, json=True)
    assert toy.sent == sent and toy.accounts == accounts
    assert forget or toy.requests - before < 6  # status, accounts and figures only


def test_a_run_that_stopped_in_the_middle_goes_on(toy: Toy, tmp_path: Path) -> None:
    def break_off(sent: Sent) -> None:
        if sent.path.endswith("accept_issue"):
            raise Refuse(500, "error", "a mistake of the program")

    toy.rule = break_off
    with pytest.raises(StoryError, match=r"story\.yaml:\d+, step 2, turn 0 .*a mistake of the program"):
        run(story(tmp_path), toy.url, json=True)
    toy.rule = lambda sent: None
    assert count(toy, "report_issue") == 3
    assert run(story(tmp_path), toy.url, json=True)
    assert count(toy, "report_issue") == 3 and count(toy, "accept_issue") == 3


def test_a_busy_city_is_asked_again_with_the_same_key(toy: Toy, tmp_path: Path) -> None:
    toy.busy = 5
    assert run(story(tmp_path), toy.url, json=True)
    assert len(toy.sent) == 6


def test_a_city_that_stays_busy_ends_the_run(toy: Toy, tmp_path: Path, data: Path) -> None:
    toy.busy = 10**6
    runner = Runner(load(story(tmp_path)), Sender(toy.url, patience=0.5), OPERATOR, data, tmp_path / "story.yaml")
    with pytest.raises(UnavailableError):
        runner.run(quiet=True)


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(UnavailableError, match="linli up"):
        run(story(tmp_path), url, json=True)


def test_of_two_at_the_same_moment_exactly_one_gets_it_and_goes_on(toy: Toy, tmp_path: Path) -> None:
    toy.rule = only_first_claim(toy)
    assert run(story(tmp_path, RACE), toy.url, json=True)
    claim, fulfilled = (
        next(one for one in toy.sent if one.path.endswith(name)) for name in ("claim_wish", "fulfil_wish")
    )
    assert claim.who == fulfilled.who


def test_two_winners_fail_the_story(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="2 of 2 succeeded, not 1"):
        run(story(tmp_path, RACE), toy.url, json=True)


def test_what_must_be_refused_and_is_done_fails_the_story(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="must be refused as forbidden, but was done"):
        run(story(tmp_path, REFUSED), toy.url, json=True)


def test_what_is_refused_for_another_reason_fails_the_story(toy: Toy, tmp_path: Path) -> None:
    def rule(sent: Sent) -> None:
        if sent.path.endswith("close_issue"):
            raise Refuse(409, "illegal_state", "not yet resolved")

    toy.rule = rule
    with pytest.raises(StoryError, match=r"the reason is another .*not yet resolved"):
        run(story(tmp_path, REFUSED), toy.url, json=True)


def test_a_wrong_figure_is_shown_with_what_was_found(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = story(tmp_path, figures=FIGURES.replace("equals: 3", "equals: 4"))
    assert not run(file, toy.url, json=True)
    figure = json.loads(capsys.readouterr().out)["figures"][0]
    assert (figure["expected"], figure["found"], figure["holds"], figure["rows"]) == (4, 3, False, ["C15"])
    assert not run(file, toy.url, json=False)
    assert "✗" in (shown := capsys.readouterr().out) and "1 of 1 figures differ" in shown


def test_parts_must_sum_to_the_figure(toy: Toy, tmp_path: Path) -> None:
    toy.answers["/api/issues/issue_figures"] = lambda toy, query: {"collected": 3, "a": 1, "b": 1}
    file = story(tmp_path, figures=FIGURES.replace("equals: 3", "equals: 3, parts: [a, b]"))
    assert not run(file, toy.url, json=True)
    toy.answers["/api/issues/issue_figures"] = lambda toy, query: {"collected": 3, "a": 1, "b": 2}
    assert run(file, toy.url, json=True)


def test_waiting_asks_until_it_holds_and_saves_what_it_found(toy: Toy, tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []

    def answer(toy: Toy, query: dict[str, str]) -> Any:
        asked.append(query)
        return {"rows": [{"issue_id": "found-1"}] if len(asked) > 2 else []}

    toy.answers["/api/issues/find_issues"] = answer
    wait = """\
  - at: 2025-03-07 10:00
    wait: issues.find_issues
    with: {origin: p-1/f-1}
    path: rows.#
    equals: 1
    save: {f: rows.0.issue_id}
  - {at: 2025-03-08 10:00, who: grid, do: issues.accept_issue, with: {issue_id: "${f}"}}
"""
    assert run(story(tmp_path, wait), toy.url, json=True)
    assert toy.sent[-1].body == {"issue_id": "found-1"} and asked[0] == {"origin": "p-1/f-1"}


def test_waiting_in_vain_ends_with_what_was_found(toy: Toy, tmp_path: Path) -> None:
    toy.answers["/api/issues/find_issues"] = lambda toy, query: {"rows": []}
    wait = "  - {at: 2025-03-07 10:00, wait: issues.find_issues, path: rows.#, equals: 1, within: 1}\n"
    with pytest.raises(StoryError, match="is 0 after 1 s, not 1"):
        run(story(tmp_path, wait), toy.url, json=True)


def test_a_file_with_a_mistake_sends_nothing(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        run(story(tmp_path, "  - {at: never, do: issues.accept_issue}\n"), toy.url, json=True)
    assert toy.requests == 0


def test_changed_steps_are_not_mixed_with_those_loaded_before(toy: Toy, tmp_path: Path) -> None:
    assert run(story(tmp_path), toy.url, json=True)
    file = story(tmp_path)
    file.write_text(file.read_text().replace("description: ", "description: !!str "))  # the same, said otherwise
    assert run(file, toy.url, json=True)
    file.write_text(file.read_text().replace("category: road", "category: wall"))
    with pytest.raises(IllegalStateError, match="were changed since"):
        run(file, toy.url, json=True)


def test_the_memory_of_another_city_is_not_believed(toy: Toy, tmp_path: Path) -> None:
    assert run(story(tmp_path), toy.url, json=True)
    toy.sent.clear()
    toy.receipts.clear()
    assert run(story(tmp_path), toy.url, json=True)
    assert len(toy.sent) == 6


def test_a_lost_password_is_replaced(toy: Toy, tmp_path: Path, data: Path) -> None:
    assert run(story(tmp_path), toy.url, json=True)
    old = toy.accounts["grid"]["password"]
    (data / "demo-accounts.json").unlink()
    (data / "scenarios" / "toy-story.json").unlink()
    assert run(story(tmp_path), toy.url, json=True)
    assert toy.accounts["grid"]["password"] != old and len(toy.sent) == 6


def test_an_account_of_somebody_else_is_left_alone(toy: Toy, tmp_path: Path, data: Path) -> None:
    toy.accounts["grid"] = {"username": "grid", "person_id": "somebody", "password": "their-own"}
    with pytest.raises(IllegalStateError, match="another person"):
        run(story(tmp_path), toy.url, json=True)
    assert toy.accounts["grid"]["password"] == "their-own" and not toy.sent
    assert not (data / "demo-accounts.json").exists()


def test_turns_in_bulk_are_one_act_a_hundred_with_a_key_of_its_own(toy: Toy, tmp_path: Path, data: Path) -> None:
    """A run that was cut off, and one that remembers nothing, send the same hundreds under the same keys (part of X12)."""

    def unavailable(sent: Sent) -> None:
        if sent.path == "/api/operations/bring-in" and sent.body["lines"][0]["place"] == "350104.201":
            raise Refuse(409, "illegal_state", "not now")

    toy.rule = unavailable
    with pytest.raises(StoryError, match="not now"):
        run(story(tmp_path, BULK), toy.url, json=True)
    toy.rule = lambda sent: None
    assert run(story(tmp_path, BULK), toy.url, json=True)
    bulk = [one for one in toy.sent if one.path == "/api/operations/bring-in"]
    assert [len(one.body["lines"]) for one in bulk] == [100, 100, 50]
    assert {one.body["command"] for one in bulk} == {"register_place"} and {one.who for one in bulk} == {"grid"}
    assert bulk[0].headers["linli-import"] == OPERATOR and bulk[0].headers["linli-post"] == "post-7"
    assert [line["place"] for one in bulk for line in one.body["lines"]] == [f"350104.{n}" for n in range(1, 251)]
    sent = list(toy.sent)
    (data / "scenarios" / "toy-story.json").unlink()
    assert run(story(tmp_path, BULK), toy.url, json=True) and toy.sent == sent


def test_a_line_that_is_refused_in_bulk_fails_the_story_and_names_its_turn(toy: Toy, tmp_path: Path) -> None:
    refusal = {"error": {"kind": "illegal_state", "message": "there already", "fields": {}}}
    toy.line = lambda line: refusal if line["place"] == "350104.120" else {"id": "x", "events": 1}
    with pytest.raises(StoryError, match=r"step 3, turn 119.*there already"):
        run(story(tmp_path, BULK), toy.url, json=True)
