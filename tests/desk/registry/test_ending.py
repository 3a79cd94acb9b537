"""Places move, merge, split and are pulled down: codes end, name their successors, and what is open follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from tests.desk.registry.test_rows import adopt, officer
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, STREET
from tests.kit.desk import Desk

OTHER, NEW, SECOND = f"{STREET}.003", f"{STREET}.003.001", f"{STREET}.003.002"
TODAY, LATER = "2025-03-04", "2025-03-06T09:00:00+08:00"


class Both:
    """The registry's desk, and that of the issue ledger, which follows it."""

    def __init__(self, registry: Desk, issues: Desk) -> None:
        self.registry, self.issues, self._told = registry, issues, 0

    def tell(self) -> None:
        """What the registry has recorded since arrives at the ledger of issues."""
        records = list(self.registry.log.read(self._told))
        self._told += len(records)
        self.issues.tell_all("registry", [(one.type, msgspec.json.decode(one.data)) for one in records])

    def register(self, place: str, name: str, kind: str = "compound") -> None:
        parent = place.rpartition(".")[0]
        self.registry.ask("register_place", "operator", place=place, kind=kind, name=name, parent=parent)

    def end(self, place: str = COMPOUND, change: str = "moved", *successors: str, **more: Any) -> Any:
        asked = {"place": place, "change": change, "successors": list(successors), "reason": "街道区划调整决定"} | more
        return self.registry.ask("end_place", "operator", **asked)

    def empty(self) -> None:
        """The bodies and buildings of the compound end."""
        for body in ("group-1", "group-2", "branch"):
            self.registry.ask("dissolve_organisation", "operator", organisation_id=body, reason="小区划出")
        for building in (BUILDING, COMPOUND + ".02"):
            self.end(building, "abolished")

    def report(self, place: str, by: str = "post-grid") -> str:
        asked = {"place": place, "category": "lamp", "description": "路灯不明"} | (
            {"channel": "visit"} if by.startswith("post") else {}
        )
        return str(self.issues.ask("report_issue", by, **asked)["id"])


@pytest.fixture
def both(desk: Desk, tmp_path: Path) -> Iterator[Both]:
    adopt(desk, "roles", "grid_worker", "网格员", level="community", powers=["issue.*", "visit.*"], intake=1)
    adopt(desk, "roles", "resident", "居民", level="", powers=["issue.report", "issue.judge"], intake=0)
    adopt(desk, "channels", "portal", "网上")
    issues = Desk("issues", tmp_path / "issues", [])
    both = Both(desk, issues)
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-01-01")
    both.register(OTHER, "邻近社区", "community")
    both.register(NEW, "联邦新城")
    both.register(SECOND, "联邦二村")
    ask = {"type": "party", "name": "邻近社区党委", "level": "community", "place": OTHER, "since": "2020-01-01"}
    desk.ask("establish_organisation", "operator", organisation_id="o-other", parent_id="street-committee", **ask)
    post = {"post_id": "post-other", "organisation_id": "o-other", "role": "grid_worker", "title": "网格员"}
    desk.ask("establish_post", "operator", **post)
    desk.ask("register_person", "operator", person_id="p-wang", name="王依土", place=OTHER)
    desk.ask("appoint_person", "operator", post_id="post-other", person_id="p-wang", since="2025-01-01")
    both.tell()
    yield both
    issues.close()


def test_a_place_ends_only_when_it_is_empty_and_what_is_left_is_named(both: Both) -> None:
    with pytest.raises(IllegalStateError, match=r"there still are: .*1号楼.*2号楼.*compound党组织") as refused:
        both.end(COMPOUND, "moved", NEW)
    assert set(refused.value.fields) == {"place"}
    both.empty()
    assert both.end(COMPOUND, "moved", NEW)["events"] == 1
    assert both.end(COMPOUND, "moved", NEW)["events"] == 0, "said twice, done once"
    with pytest.raises(IllegalStateError, match="ended on 2025-03-04 already"):
        both.end(COMPOUND, "merged", SECOND)


@pytest.mark.parametrize(
    ("change", "successors", "more", "field"),
    [
        ("moved", (), {}, "successors"),
        ("moved", (NEW, SECOND), {}, "successors"),
        ("split", (NEW,), {}, "successors"),
        ("abolished", (NEW,), {}, "successors"),
        ("split", (NEW, SECOND), {}, "heir"),
        ("split", (NEW, SECOND), {"heir": COMMUNITY}, "heir"),
        ("moved", (COMPOUND,), {}, "successors"),
        ("moved", (f"{STREET}.009",), {}, "successors"),
        ("moved", (BUILDING,), {}, "successors"),
        ("moved", (NEW,), {"since": "2025-03-05"}, "since"),
        ("eaten", (NEW,), {}, "change"),
    ],
)
def test_a_change_that_says_too_little_changes_nothing(
    both: Both, change: str, successors: tuple[str, ...], more: dict[str, Any], field: str
) -> None:
    before = len(list(both.registry.log.read(0)))
    with pytest.raises((BadInputError, IllegalStateError, NotFoundError)) as refused:
        both.end(COMPOUND, change, *successors, **more)
    assert field in refused.value.fields
    assert len(list(both.registry.log.read(0))) == before


def test_nothing_new_begins_at_an_ended_place_and_the_refusal_names_its_successors(both: Both) -> None:
    """In the registry and in every service that follows it; a later end leads on to what there is today."""
    both.empty()
    both.end(COMPOUND, "split", NEW, SECOND, heir=NEW)
    both.end(NEW, "merged", SECOND)
    both.tell()
    for ask in (
        lambda: both.register(f"{COMPOUND}.03", "3号楼", "building"),
        lambda: both.report(COMPOUND),
        lambda: both.registry.ask(
            "establish_organisation",
            "operator",
            organisation_id="o-late",
            type="party",
            name="迟来支部",
            level="compound",
            place=COMPOUND,
            parent_id="committee",
        ),
    ):
        with pytest.raises(IllegalStateError, match=rf"联邦新城 ended on {TODAY}; it is 联邦二村 \({SECOND}\) now"):
            ask()
    with pytest.raises(IllegalStateError):
        both.registry.ask("rename_place", "operator", place=COMPOUND, name="新名")
    with pytest.raises(IllegalStateError, match="ended"):
        both.registry.ask(
            "measure_place", "operator", place=COMPOUND, measure="area", value=1, unit="m2", since="2025-01-01"
        )


def test_what_is_open_follows_and_what_is_closed_stays(both: Both) -> None:
    """An open issue is at the heir, with who takes in issues there; a withdrawn one says what its place is now."""
    opened, closed = both.report(COMPOUND), both.report(COMPOUND, "p-he")
    both.issues.ask("withdraw_issue", "p-he", issue_id=closed, reason="误报")
    both.empty()
    both.end(COMPOUND, "split", NEW, SECOND, heir=SECOND)
    both.tell()
    row = both.issues.ask("get_issue", "post-other", issue_id=opened)
    assert (row["place"], row["post_id"], row["person_id"]) == (SECOND, "post-other", "p-wang")
    assert [one["what"] for one in row["timeline"]] == ["IssueReported", "IssueRelocated", "IssueHandedUp"]
    assert "accept_issue" in row["actions"] or "triage_issue" in row["actions"]
    row = both.issues.ask("get_issue", "post-grid", issue_id=closed)
    assert row["place"] == COMPOUND
    assert row["place_names"][-1]["now"] == [
        {"place": SECOND, "zh": "联邦二村", "en": ""},
        {"place": NEW, "zh": "联邦新城", "en": ""},
    ]
    for place, counts in ((COMMUNITY, {"withdrawn": 1}), (OTHER, {"open": 1}), (STREET, {"open": 1, "withdrawn": 1})):
        assert both.issues.ask("issue_figures", "post-grid", place=place)["by_status"] == counts


def test_places_and_figures_of_any_day_are_those_of_that_day(both: Both) -> None:
    """What was counted at the old code counts until its end; standings end, persons belong to the heir."""
    by = officer(both.registry, "standing.decide")
    codes = [{"code": "unit", "zh": "单位", "en": "unit"}]
    rules = {"subject": "place", "of": "compound", "total": False, "power": "standing.decide"}
    adopt(both.registry, "schemes", "mode", "模式", codes=codes, **rules)
    ask = both.registry.ask
    ask("decide_standing", by, scheme="mode", subject=COMPOUND, code="unit", grounds="决议")
    ask("count_households", "operator", place=COMPOUND, households=232, as_of="2025-01-01")
    ask("register_person", "operator", person_id="p-he", name="何依妹", place=COMPOUND)
    both.empty()
    asked = {"place": COMPOUND, "change": "moved", "successors": [NEW], "reason": "决定"}
    ask("end_place", "operator", LATER, **asked)
    ask("count_households", "operator", LATER, place=NEW, households=230)
    figures = {day: ask("count_figures", place=STREET, on=f"2025-03-0{day}") for day in (5, 6)}
    assert [figures[day]["households"]["value"] for day in (5, 6)] == [232, 230]
    assert [figures[day]["places_by_kind"]["compound"] for day in (5, 6)] == [3, 2]
    assert [ask("standing_figures", scheme="mode", on=f"2025-03-0{day}")["standing"] for day in (5, 6)] == [1, 0]
    assert (both.registry.node.views.get("persons", "p-he") or {})["place"] == NEW
    below = {"place__under": STREET, "kind": "compound"}
    for day, there in (("2025-03-05", [COMPOUND, NEW, SECOND]), ("2025-03-06", [NEW, SECOND])):
        assert [row["place"] for row in ask("find_places", day=day, **below)["rows"]] == there
    gone = ask("find_places", day="2025-03-06", ended=True, **below)["rows"][0]
    assert (gone["status"], gone["change"], gone["successors"], gone["until"]) == (
        "ended",
        "moved",
        [NEW],
        "2025-03-06",
    )
    assert [one["place"] for one in ask("get_place", place=NEW)["predecessors"]] == [COMPOUND]


def test_what_is_open_about_a_place_ends_first_and_its_links_end_with_it(both: Both) -> None:
    """A place that takes part in a programme, about which households are asked, does not end; what it is linked to is so until its end."""
    by = officer(both.registry, "programme.*", "survey.*", "link.*")
    ask = both.registry.ask
    questions = [{"code": "q", "zh": "满意吗", "en": "satisfied"}]
    adopt(both.registry, "surveys", "satisfied", "满意度", subject="place", of="compound", questions=questions)
    prongs = [{"code": "p", "zh": "一", "en": "one"}]
    adopt(both.registry, "programmes", "renewal", "改造", prongs=prongs, unit_of="compound")
    adopt(both.registry, "links", "support", "包建", near="organisation", far="place", far_of="compound", mutual=True)
    adopt(both.registry, "links", "near-by", "邻近", near="place", far="place")
    led = {"kind": "renewal", "lead_post_id": by, "title": "改造", "aim": "强基"}
    programme = ask("start_programme", by, **led)["id"]
    unit = ask("join_programme", by, programme_id=programme, subject=COMPOUND)["id"]
    survey = ask("open_survey", by, kind="satisfied", subject=COMPOUND, period="1")["id"]
    near = ask("propose_link", by, kind="near-by", near=COMPOUND, far=NEW, terms="联建")["id"]
    proposed = ask("propose_link", by, kind="support", near="committee", far=COMPOUND, terms="包建")["id"]
    both.empty()
    with pytest.raises(IllegalStateError, match=f"there still are: .*{unit}.*{survey}"):
        both.end(COMPOUND, "moved", NEW)
    ask("leave_programme", by, participation_id=unit, reason="划出")
    with pytest.raises(IllegalStateError, match=f"there still are: satisfied .{survey}.; end them first"):
        both.end(COMPOUND, "moved", NEW)
    ask("close_survey", by, survey_id=survey, conclusion="划出")
    ask("end_place", "operator", LATER, place=COMPOUND, change="moved", successors=[NEW], reason="决定")
    ended, declined = (ask("get_link", link_id=id) for id in (near, proposed))
    assert (ended["status"], ended["history"]) == ("ended", [{"since": TODAY, "until": "2025-03-06"}])
    assert (declined["status"], declined["reason"]) == ("declined", "决定")


def test_a_planned_visit_is_due_at_the_place_that_came_after(both: Both) -> None:
    both.issues.ask("plan_visit", "post-grid", visit_id="v-1", place=COMPOUND, planned_on=TODAY, person_id="p-lin")
    both.issues.ask("record_visit", "post-grid", visit_id="v-2", place=COMPOUND, visited_on=TODAY, person_id="p-lin")
    both.empty()
    both.end(COMPOUND, "moved", NEW)
    both.tell()
    places = {row["visit_id"]: row["place"] for row in both.issues.ask("find_visits", "post-other")["rows"]}
    assert places == {"v-1": NEW}, "whose workers have it now"
    (done,) = both.issues.ask("find_visits", "post-grid")["rows"]
    assert (done["visit_id"], done["place"]) == ("v-2", COMPOUND)
    both.issues.ask("record_visit", "post-other", visit_id="v-1", place=NEW, visited_on=TODAY, person_id="p-lin")


def test_a_page_of_places_reads_what_stands_at_them_at_once(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether each can end is asked of all of them together, however many there are."""
    for number in range(40):
        both.register(f"{COMPOUND}.9{number:02}", f"楼{number}", "building")
    asked: list[str] = []
    views = both.registry.node.views
    find = type(views).find

    def counting(self: Any, view: str, *given: Any, **more: Any) -> Any:
        asked.append(view)
        return find(self, view, *given, **more)

    monkeypatch.setattr(type(views), "find", counting)
    rows = both.registry.ask("find_places", "operator", place__under=COMPOUND, limit=50)["rows"]
    offers = {row["place"]: "end_place" in row["actions"] for row in rows}
    assert len(offers) == 43 and not offers[COMPOUND] and not offers[BUILDING] and offers[f"{COMPOUND}.900"]
    assert len(asked) <= 12, f"{len(asked)} questions for one page"
