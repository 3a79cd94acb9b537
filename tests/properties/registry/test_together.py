"""Aggregates of the registry together: whatever is asked of them in whatever order, what must hold over all of them holds on every day."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.domain.city import every
from shared.domain.city_rows import NEVER
from shared.domain.errors import LinliError
from shared.domain.territory import within
from shared.log import StoredCommit
from tests.desk.registry.founding import founded
from tests.desk.registry.test_rows import adopt
from tests.domain.registry.facts import COMMUNITY, words
from tests.kit.desk import Desk

BEGINS = date(2025, 3, 4)
COMPOUNDS = tuple(f"{COMMUNITY}.10{number}" for number in range(4))
PERSONS = tuple(f"p-{number}" for number in range(4))
MODES, CATEGORIES = ("joint", "unit", "members"), ("employed", "retired")
#: Of each compound: a body that is watched, one that watches, the branch; each with one post.
BODIES = ("council", "board", "party")
PLACE, OTHER = st.sampled_from(COMPOUNDS), st.sampled_from(COMPOUNDS)
PERSON, BODY = st.sampled_from(PERSONS), st.sampled_from(BODIES)
MODE, CATEGORY = st.sampled_from([*MODES, "none-such"]), st.sampled_from([*CATEGORIES, "none-such"])
#: Days by which what is said lies ahead or back.
SHIFT = st.sampled_from([0, 0, 0, -1, -2, 1, 3])


@cache
def _told() -> tuple[Path, list[StoredCommit]]:
    """A desk's folder and commits after the city was founded: told once, copied for each run."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    desk = founded(folder)
    powers = ["standing.decide", "person.classify", "registry.appoint"]
    adopt(desk, "roles", "secretary", "书记", powers=powers)
    adopt(desk, "roles", "member", "成员", powers=[])
    adopt(desk, "organisation_types", "board", "监事会", apart=["council"])
    codes = [{"code": code, **words(code)} for code in MODES]
    adopt(desk, "schemes", "mode", "模式", subject="place", of="compound", codes=codes, total=True)
    given = {"scheme": "mode", "subject": f"{COMMUNITY}.007", "code": "unit", "grounds": "决议"}
    desk.ask("decide_standing", "post-secretary", **given)
    classes = [{"code": code, **words(code)} for code in CATEGORIES]
    adopt(desk, "classifications", "member", "队伍", classes=classes)
    asks = [{"code": "branch", **words("branch"), "what": "body", "of": ["party"]}]
    told = {"means": "有支部的小区", "means_en": "compounds with a branch"}
    adopt(desk, "coverages", "branches", "覆盖", subject="place", of="compound", asks=asks, **told)
    for person in PERSONS:
        desk.ask("register_person", "operator", person_id=person, name=person, place=COMMUNITY)
    for place in COMPOUNDS[:2]:
        named = {"place": place, "kind": "compound", "name": place, "parent": COMMUNITY}
        desk.ask("register_place", "operator", **named, standings={"mode": "unit"})
        for body in BODIES:
            id = f"{body}-{place[-3:]}-0"
            named = {"type": body, "level": "compound", "place": place, "name": f"{body}{id}"}
            desk.ask("establish_organisation", "operator", organisation_id=id, parent_id="committee", **named)
            held = {"organisation_id": id, "role": "member", "title": "成员"}
            desk.ask("establish_post", "operator", post_id=f"post-{id}", **held)
    desk.catch_up()
    commits = list(desk.log.read_commits())
    desk.close()
    return folder, commits


class Together(RuleBasedStateMachine):
    """A community with compounds that come and go, bodies, posts, persons, standings and classifications."""

    def __init__(self) -> None:
        super().__init__()
        self.day, self.done = BEGINS, 0
        self.folder = tempfile.TemporaryDirectory()
        told, commits = _told()
        copied = shutil.copytree(told, Path(self.folder.name) / "copy")
        self.desk = Desk("registry", copied, commits=commits)

    def teardown(self) -> None:
        self.desk.close()
        self.folder.cleanup()

    def on(self, shift: int = 0) -> str:
        return (self.day + timedelta(shift)).isoformat()

    def act(self, method: str, by: str = "operator", **ask: Any) -> None:
        """Ask for something, at noon of the day; what is refused writes nothing."""
        head = self.desk.log.head().position
        try:
            self.desk.ask(method, by, f"{self.on()}T12:00:00+08:00", **ask)
        except LinliError:
            assert self.desk.log.head().position == head, f"{method} was refused and wrote something"
        else:
            self.done += 1
            DONE[method] += 1

    # what is asked

    @rule(place=PLACE, mode=st.sampled_from([*MODES, *MODES, "none-such", ""]))
    def register(self, place: str, mode: str) -> None:
        named = {"place": place, "kind": "compound", "name": place, "parent": COMMUNITY}
        self.act("register_place", **named, standings={"mode": mode} if mode else {})

    @rule(
        place=st.sampled_from([*COMPOUNDS, *COMPOUNDS[2:]]),
        heir=OTHER,
        change=st.sampled_from(["moved", "abolished"]),
        shift=SHIFT,
    )
    def end_place(self, place: str, heir: str, change: str, shift: int) -> None:
        successors = [heir] if change == "moved" else []
        self.act("end_place", place=place, change=change, successors=successors, reason="r", since=self.on(shift))

    @rule(place=PLACE, mode=MODE, shift=SHIFT)
    def decide(self, place: str, mode: str, shift: int) -> None:
        asked = {"scheme": "mode", "subject": place, "code": mode, "since": self.on(shift)}
        self.act("decide_standing", "post-secretary", grounds=f"决议{self.done}", **asked)

    @rule(row=st.integers(0, 9))
    def end_standing(self, row: int) -> None:
        rows = list(every(self.desk.node.views, "standings", {"status": "standing"}))
        if rows:
            self.act("end_standing", "post-secretary", standing_id=rows[row % len(rows)]["standing_id"], reason="r")

    @rule(person=PERSON, code=CATEGORY, shift=SHIFT)
    def classify(self, person: str, code: str, shift: int) -> None:
        asked = {"scheme": "member", "person_id": person, "code": code, "since": self.on(shift)}
        self.act("classify_person", "post-secretary", grounds=f"台账{self.done}", **asked)

    @rule(row=st.integers(0, 9), shift=SHIFT)
    def end_classification(self, row: int, shift: int) -> None:
        rows = list(every(self.desk.node.views, "classifications", {}))
        if rows:
            asked = {"classification_id": rows[row % len(rows)]["classification_id"], "until": self.on(shift)}
            self.act("end_classification", "post-secretary", reason="r", **asked)

    @rule(place=PLACE, body=BODY, shift=SHIFT)
    def establish(self, place: str, body: str, shift: int) -> None:
        """A body with a post, under an id that is new once the one before has ended."""
        id = f"{body}-{place[-3:]}-{self._ended(body, place)}"
        named = {"type": body, "level": "compound", "place": place, "name": f"{body}{id}", "since": self.on(shift)}
        self.act("establish_organisation", organisation_id=id, parent_id="committee", **named)
        self.act("establish_post", post_id=f"post-{id}", organisation_id=id, role="member", title="成员")

    def _ended(self, body: str, place: str) -> int:
        rows = every(self.desk.node.views, "organisations", {"type": body, "place": place})
        return sum(bool(row["until"]) for row in rows)

    @rule(body=BODY, place=PLACE, shift=SHIFT)
    def dissolve(self, body: str, place: str, shift: int) -> None:
        id = f"{body}-{place[-3:]}-{self._ended(body, place)}"
        self.act("abolish_post", post_id=f"post-{id}", reason="r", until=self.on(min(shift, 0)))
        self.act("dissolve_organisation", organisation_id=id, reason="r", until=self.on(shift))

    @rule(body=BODY, place=PLACE, parent=st.sampled_from(["", "committee", "street-committee", "branch"]), shift=SHIFT)
    def move(self, body: str, place: str, parent: str, shift: int) -> None:
        id = f"{body}-{place[-3:]}-{self._ended(body, place)}"
        self.act("move_organisation", organisation_id=id, new_parent_id=parent, reason="r", since=self.on(shift))

    @rule(
        body=st.sampled_from(BODIES[:2]),
        place=st.sampled_from(COMPOUNDS[:1]),
        person=st.sampled_from(PERSONS[:2]),
        since=SHIFT,
        days=st.none() | st.integers(1, 4),
    )
    def appoint(self, body: str, place: str, person: str, since: int, days: int | None) -> None:
        until = "" if days is None else self.on(since + days)
        post = f"post-{body}-{place[-3:]}-{self._ended(body, place)}"
        self.act("appoint_person", post_id=post, person_id=person, since=self.on(since), until=until)

    @rule(row=st.integers(0, 9), shift=SHIFT)
    def leave(self, row: int, shift: int) -> None:
        rows = list(every(self.desk.node.views, "posts", {"person_id__gt": ""}))
        held = rows[row % len(rows)] if rows else {"post_id": "none", "person_id": PERSONS[0]}
        asked = {"post_id": held["post_id"], "person_id": held["person_id"], "until": self.on(shift)}
        self.act("end_appointment", **asked)

    @precondition(lambda self: self.day < BEGINS + timedelta(9))
    @rule(days=st.integers(1, 2))
    def days_pass(self, days: int) -> None:
        for _ in range(days):
            self.day += timedelta(1)
            self.desk.tick(self.on())
        for day in self._days():
            self._coverage(day)

    # what holds

    def _days(self) -> Iterable[str]:
        return (self.on(-back) for back in range((self.day - BEGINS).days + 1))

    def _compounds(self, day: str) -> set[str]:
        rows = every(self.desk.node.views, "places", {"kind": "compound"})
        return {row["place"] for row in rows if row["registered"] <= day < row["ended"]}

    @invariant()
    def modes_are_a_partition_of_the_compounds_today(self) -> None:
        """At every position of the log: no compound without its code, none with two."""
        found = self.desk.ask("standing_figures", scheme="mode", on=self.on())
        here = self._compounds(self.on())
        assert found["missing"] == [] and found["subjects"] == len(here) == sum(found["codes"].values())

    @invariant()
    def standings_follow_on_each_other_without_gap_or_overlap(self) -> None:
        for row in every(self.desk.node.views, "standings", {"scheme": "mode"}):
            held = [one for one in row["history"] if one["since"] != one["until"]]
            for before, after in pairwise(held):
                assert before["until"] == after["since"], f"{row['subject']}: {held}"
            ended = (self.desk.node.views.get("places", row["subject"]) or {})["ended"]
            assert (held[-1]["until"] or NEVER) == ended, f"{row['subject']} is {ended}, its mode {held[-1]}"

    @invariant()
    def a_member_has_one_category_a_day(self) -> None:
        rows = list(every(self.desk.node.views, "classifications", {"scheme": "member"}))
        assert len({row["person_id"] for row in rows}) == len(rows), "one row a person"
        for row in rows:
            _apart((one["since"], one["until"] or NEVER) for one in row["history"])
        found = self.desk.ask("classification_figures", scheme="member", on=self.on())
        assert sum(found["codes"].values()) == found["persons"]

    @invariant()
    def a_post_has_one_holder_and_no_body_watches_over_its_own(self) -> None:
        terms = [term for term in every(self.desk.node.views, "appointments", {}) if term["since"] < term["held_until"]]
        by_post, by_person = defaultdict(list), defaultdict(list)
        for term in terms:
            by_post[term["post_id"]].append((term["since"], term["held_until"]))
            by_person[term["person_id"]].append(term)
        for held in by_post.values():
            _apart(held)
        for mine in by_person.values():
            watched = [term for term in mine if term["post_id"].startswith("post-council-")]
            watching = [term for term in mine if term["post_id"].startswith("post-board-")]
            for one in watched:
                for other in watching:
                    near = within(one["place"], other["place"]) or within(other["place"], one["place"])
                    both = one["since"] < other["held_until"] and other["since"] < one["held_until"]
                    assert not (near and both), f"{one} and {other}"

    @invariant()
    def nobody_holds_a_post_of_what_has_ended(self) -> None:
        views = self.desk.node.views
        for row in every(views, "posts", {"person_id__gt": ""}):
            body = views.get("organisations", row["organisation_id"]) or {}
            place = views.get("places", row["place"]) or {}
            until = row["until"] or NEVER
            assert until <= body["ended"] <= place["ended"] or not row["person_id"], f"{row}: {body}, {place}"

    def _coverage(self, day: str) -> None:
        """On each day, those that have a branch and those named as having none are all the compounds there were."""
        found = self.desk.ask("coverage_figures", coverage="branches", on=day)
        assert found["covered"] + len(found["missing"]) == found["subjects"] == len(self._compounds(day))

    @invariant()
    def coverage_has_an_answer_today(self) -> None:
        self._coverage(self.on())

    @invariant()
    def each_body_is_below_one_that_exists(self) -> None:
        views = self.desk.node.views
        for row in every(views, "organisations", {}):
            for before, after in pairwise(row["parents"]):
                assert before["until"] == after["since"], f"{row['organisation_id']} was under nothing for a while"
            for one in row["parents"]:
                above = views.get("organisations", one["parent_id"]) if one["parent_id"] else None
                if above is not None and one["since"] != one["until"]:
                    assert above["since"] <= one["since"] and (one["until"] or NEVER) <= above["ended"], f"{row}"


def _apart(periods: Iterable[tuple[str, str]]) -> None:
    """No two periods have a day in common."""
    held = sorted((since, until) for since, until in periods if since < until)
    for before, after in pairwise(held):
        assert before[1] <= after[0], f"{before} and {after} overlap"


#: How often each command did something.
DONE = Counter[str]()


def _run(machine: type[Together], runs: int = 80) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )


def test_what_must_hold_holds_whatever_is_asked() -> None:
    """Modes, categories, holders, bodies that watch and coverage, over all aggregates together (part of X03, X14)."""
    DONE.clear()
    _run(Together)
    reached = {*("register_place", "end_place", "decide_standing", "classify_person", "end_classification")}
    reached |= {
        *("establish_organisation", "dissolve_organisation", "move_organisation", "appoint_person", "end_appointment")
    }
    assert reached <= set(DONE), DONE


BROKEN = {
    "a post that is held is filled again": "services.registry.post.holding._check_vacant",
    "who is watched watches": "services.registry.post.holding.check_apart",
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_that_is_left_out_is_found(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine asserts can fail: without one of the registry's rules it does."""
    monkeypatch.setattr(BROKEN[rule], lambda *_: None)
    with pytest.raises(AssertionError):
        _run(Together, 20)
