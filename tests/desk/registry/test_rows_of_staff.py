"""Rows of the catalogue about members and staff, each in one test: ledgers by category, headcounts, 4 + N, files, training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from services.registry.classification import PersonClassified, classification_id
from services.registry.indicator import makes
from services.registry.person import BirthRecorded, PersonRegistered
from services.registry.place.state import HouseholdsCounted, PlaceRegistered
from services.registry.post.state import PersonAppointed, PostEstablished
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.identity import new_id
from shared.log import Commit, NewEvent
from tests.desk.registry.founding import founded
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_coverages import cover, hold, lacking, need, role
from tests.domain.registry.facts import COMMUNITY, COMPOUND
from tests.kit.desk import Desk

DAY = "2025-03-04"
MORNING = "T09:00:00+08:00"
MEMBERS = {"direct": "直管党员", "employed": "在职党员", "retired": "离退休党员", "floating": "流动党员"}


def tell(desk: Desk, stream: str, *events: Event, place: str = COMMUNITY, day: str = "2025-01-01") -> None:
    """Facts as they were recorded on a day."""
    desk._at = day + MORNING
    facts = tuple(
        NewEvent(
            type=type(event).__name__,
            schema=1,
            data=msgspec.Raw(msgspec.json.encode(event)),
            id=new_id(),
            occurred=day + MORNING,
        )
        for event in events
    )
    who = {"actor": "", "on_behalf_of": "", "mandate": "", "place": place}
    desk.log.append(Commit(stream=stream, expected_version=0, events=facts, command="told", command_id=new_id(), **who))


def classified(person: str, scheme: str, code: str, place: str = COMMUNITY, **more: str) -> tuple[str, Event]:
    """The stream and the fact of what a person is."""
    id = classification_id(scheme, person)
    told = {
        "organisation_id": "",
        "code_zh": code,
        "code_en": code,
        "former": "",
        "since": "2025-01-01",
        "grounds": "台账",
    } | more
    fact = PersonClassified(
        classification_id=id, scheme=scheme, scheme_version=1, person_id=person, place=place, code=code, **told
    )
    return f"classification-{id}", fact


def classes(desk: Desk, scheme: str, zh: str, codes: dict[str, str], **more: Any) -> Any:
    """Adopt a classification of persons."""
    return adopt(
        desk,
        "classifications",
        scheme,
        zh,
        classes=[{"code": code, "zh": word, "en": code} for code, word in codes.items()],
        **more,
    )


def register(desk: Desk, *persons: str) -> None:
    for person in persons:
        desk.ask("register_person", "operator", person_id=person, name=person, place=COMMUNITY)


def classify(desk: Desk, by: str, scheme: str, person: str, code: str, **more: str) -> Any:
    return desk.ask(
        "classify_person", by, **{"scheme": scheme, "person_id": person, "code": code, "grounds": "组织关系"} | more
    )


def test_each_of_4623_members_has_one_category_with_its_history(desk: Desk) -> None:
    """Four categories and more by data; a member has exactly one at a time, changed from a day on, with the codes adding up (B34)."""
    by = officer(desk, "person.classify")
    classes(desk, "member", "党员类别", MEMBERS)
    counts = {"direct": 2100, "employed": 1203, "retired": 1100, "floating": 219}
    number = 0
    for code, count in counts.items():
        for _ in range(count):
            number += 1
            stream, fact = classified(f"m-{number}", "member", code)
            tell(desk, stream, fact)
    desk.catch_up()
    register(desk, "p-new")

    def figures(on: str = "") -> dict[str, Any]:
        found: dict[str, Any] = desk.ask("classification_figures", scheme="member", on=on)
        assert sum(found["codes"].values()) == found["persons"], "nobody is counted twice or left out"
        return found

    assert figures()["persons"] == 4622
    assert classify(desk, by, "member", "p-new", "employed", since="2025-03-01")["events"] == 1
    assert figures()["codes"] == counts | {"employed": 1204}
    assert figures()["persons"] == 4623
    assert classify(desk, by, "member", "p-new", "retired", since="2025-03-03")["events"] == 1
    assert figures()["codes"] == counts | {"retired": 1101} and figures()["persons"] == 4623
    assert figures("2025-03-02")["codes"] == counts | {"employed": 1204}, "the day's own figures stay"
    assert figures("2025-02-28")["persons"] == 4622
    (row,) = desk.ask("find_classifications", by, scheme="member", person_id="p-new", place__under=COMMUNITY)["rows"]
    assert [(one["code"], one["since"], one["until"]) for one in row["history"]] == [
        ("employed", "2025-03-01", "2025-03-03"),
        ("retired", "2025-03-03", ""),
    ]
    assert (row["name"], row["code"]) == ("p-new", "retired")
    head = desk.log.head().position
    for refused, ask in (
        (IllegalStateError, {"code": "retired", "grounds": "别的依据"}),
        (BadInputError, {"code": "honorary"}),
        (IllegalStateError, {"code": "direct", "since": "2025-03-05"}),
        (IllegalStateError, {"code": "direct", "since": "2025-03-02"}),
        (NotFoundError, {"code": "direct", "organisation_id": "no-such"}),
    ):
        with pytest.raises(refused):
            classify(desk, by, "member", "p-new", **ask)
    with pytest.raises(NotFoundError, match="no person"):
        classify(desk, by, "member", "p-nobody", "direct")
    with pytest.raises(ForbiddenError, match="themselves"):
        classify(desk, by, "member", "p-chen", "direct")
    with pytest.raises(ForbiddenError):
        classify(desk, "p-lin", "member", "p-new", "direct")
    for caller in ("", "p-lin"):
        with pytest.raises(ForbiddenError):
            desk.ask("find_classifications", caller, scheme="member", place__under=COMMUNITY)
        with pytest.raises(NotFoundError):
            desk.ask("get_classification", caller, classification_id=row["classification_id"])
    assert desk.ask("get_classification", by, classification_id=row["classification_id"])["name"] == "p-new"
    with pytest.raises(IllegalStateError, match="must stay") as dropped:
        classes(desk, "member", "党员类别", {"direct": "直管党员"})
    assert "retired (1101)" in str(dropped.value.fields)
    assert desk.log.head().position == head
    assert desk.ask("end_classification", by, classification_id=row["classification_id"], reason="转出")["events"] == 1
    assert figures()["persons"] == 4622 and figures("2025-03-03")["persons"] == 4623


def test_a_branch_is_mainly_of_retired_members_or_seen_not_to_be(desk: Desk) -> None:
    """Composition of a branch by category; the majority is more than half of its members, never exactly half (D05)."""
    by = officer(desk, "person.classify")
    classes(desk, "member", "党员类别", MEMBERS)
    register(desk, "p-1", "p-2", "p-3", "p-4")
    for person, code in (("p-1", "retired"), ("p-2", "retired"), ("p-3", "employed"), ("p-4", "employed")):
        classify(desk, by, "member", person, code, organisation_id="branch", since="2025-03-01")
    register(desk, "p-5")
    classify(desk, by, "member", "p-5", "employed", organisation_id="committee")

    def of_branch(on: str = "") -> tuple[dict[str, int], str]:
        found = desk.ask("classification_figures", scheme="member", organisation_id="branch", on=on)
        return {code: count for code, count in found["codes"].items() if count}, found["majority"]

    assert of_branch() == ({"retired": 2, "employed": 2}, "")
    classify(desk, by, "member", "p-4", "retired", organisation_id="branch", since="2025-03-03")
    assert of_branch() == ({"retired": 3, "employed": 1}, "retired")
    assert of_branch("2025-03-02") == ({"retired": 2, "employed": 2}, "")
    classify(desk, by, "member", "p-1", "retired", organisation_id="committee")
    assert of_branch() == ({"retired": 2, "employed": 1}, "retired"), "who moves to another branch counts there"
    with pytest.raises(NotFoundError):
        classify(desk, by, "member", "p-2", "retired", organisation_id="no-such")
    assert of_branch("2025-02-28") == ({}, "")


SOURCES = {
    "member": "社区党员",
    "resident": "居民代表",
    "grid": "网格员",
    "head": "楼院长",
    "warm": "热心居民",
}


def test_members_of_a_self_management_committee_are_of_five_categories(desk: Desk) -> None:
    """Nobody gets a seat before it is said which of the five they are; the composition counts persons, not seats (A21)."""
    by = officer(desk, "person.classify")
    role(desk, "committee_member", "自管会成员")
    classes(desk, "source", "自管会成员类别", SOURCES)
    with pytest.raises(BadInputError, match="do not fit"):
        adopt(desk, "organisation_types", "self_rule", "自管会", members="no-such")
    adopt(desk, "organisation_types", "self_rule", "自管会", members="source")
    establish(desk, "o-self", "self_rule")
    head = desk.log.head().position
    with pytest.raises(IllegalStateError, match="classified by source"):
        hold(desk, "post-0", "o-self", "committee_member", "p-lin")
    assert [row["post_id"] for row in desk.ask("find_posts", organisation_id="o-self", vacant=True)["rows"]] == [
        "post-0"
    ]
    assert desk.log.head().position == head + 1, "the post is there, nobody holds it"
    for number, code in enumerate([*SOURCES, "warm"], 1):
        register(desk, f"p-{number}")
        classify(desk, by, "source", f"p-{number}", code, since="2025-03-01")
        hold(desk, f"post-{number}", "o-self", "committee_member", f"p-{number}")
    hold(desk, "post-again", "o-self", "committee_member", "p-1")
    found = desk.ask("staff_figures", place=COMPOUND, type="self_rule", scheme="source")
    assert found["codes"] == dict.fromkeys(SOURCES, 1) | {"warm": 2}
    assert (found["posts"], found["persons"], found["several"], found["unclassified"]) == (7, 6, 1, 0)
    with pytest.raises(IllegalStateError, match="must stay"):
        desk.ask("retire_entry", "operator", kind="classifications", code="source", reason="不用了")


# Fenyang: 32 communities whose staff are 315 persons.
CITY = "141182"
#: 27 communities of 1,800 households and 5 of 1,500, as one worker for 300 households is 187.
HOUSEHOLDS = [1800] * 27 + [1500] * 5
RULE = {
    "of": "community",
    "seats": [
        {"code": "head", "zh": "书记兼主任", "en": "secretary and director", "roles": ["first", "director"]},
        {"code": "deputy", "zh": "专职副书记", "en": "deputy secretary", "roles": ["deputy"]},
        {"code": "vice", "zh": "专职副主任", "en": "deputy directors", "roles": ["vice"], "count": 2},
    ],
    "workers": ["worker"],
    "per_households": 300,
}


def _holds(desk: Desk, person: str, place: str, *roles: str) -> None:
    for one in roles:
        post = f"post-{person}-{one}"
        where = {"organisation_id": f"o-{place[-2:]}", "role": one, "place": place}
        made = PostEstablished(post_id=post, title=post, title_en="", **where)
        held = PersonAppointed(post_id=post, person_id=person, since="2025-01-01", until="", **where)
        tell(desk, f"post-{post}", made, held, place=place)


@pytest.fixture(scope="module")
def fenyang(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """32 communities with their posts: 32 × 4 seats and 187 workers, of whom many are in the team and some are graduates."""
    desk = founded(tmp_path_factory.mktemp("fenyang"))
    register(desk, "d-3", "w-1")
    for code in ("first", "director", "deputy", "vice", "worker", "team", "graduate"):
        role(desk, code, code)
    adopt(desk, "staffing", "four_plus_n", "4+N", **RULE)
    worker = 0
    for number, households in enumerate(HOUSEHOLDS):
        place = f"{CITY}.c{number:02d}"
        home = f"{place}.01"
        tell(
            desk,
            f"place-{place}",
            PlaceRegistered(place=place, kind="community", name=f"第{number}社区", name_en="", parent=CITY),
            place=place,
        )
        counted = HouseholdsCounted(place=home, households=households, as_of="2025-01-01", qualifier="about")
        estate = PlaceRegistered(place=home, kind="compound", name=f"第{number}院", name_en="", parent=place)
        tell(desk, f"place-{home}", estate, counted, place=home)
        _holds(desk, f"s-{number}", place, "first", "director")
        _holds(desk, f"d-{number}", place, "deputy", "team")
        for vice in ("a", "b"):
            _holds(desk, f"v{vice}-{number}", place, "vice", "team")
        for _ in range(households // 300):
            worker += 1
            team = ["team"] if worker <= 151 else []
            graduate = ["graduate"] if worker > 148 else []
            _holds(desk, f"w-{worker}", home if worker % 2 else place, "worker", *team, *graduate)
    desk.catch_up()
    yield desk
    desk.close()


def test_315_are_four_in_each_of_32_communities_and_workers_by_households(fenyang: Desk) -> None:
    """Both sides: 32 × 4 + 187 required and held, serving 56,100 households; a vacancy and a shortfall are named (B35)."""
    ask = {"rule": "four_plus_n", "place": CITY}
    found = fenyang.ask("staffing_report", **ask)
    assert (found["places"], found["full"], found["uncounted"]) == (32, 32, 0)
    assert (found["seats_required"], found["workers_required"], found["required"]) == (32 * 4, 187, 315)
    assert (found["seats_held"], found["workers_held"], found["held"], found["persons"]) == (32 * 4, 187, 315, 315)
    assert (found["vacant"], found["short"], found["over"], found["served"]) == (0, 0, 0, 56_100)
    assert {row["qualifier"] for row in found["rows"]} == {"about"}, "households are as exact as they were counted"
    past = fenyang.ask("staffing_report", **ask, on="2024-12-31")
    assert (past["places"], past["held"]) == (0, 0)
    fenyang.ask("end_appointment", "operator", post_id="post-d-3-deputy", person_id="d-3", until=DAY)
    fenyang.ask("end_appointment", "operator", post_id="post-w-1-worker", person_id="w-1", until=DAY)
    found = fenyang.ask("staffing_report", **ask)
    assert (found["required"], found["held"], found["full"]) == (315, 313, 30)
    assert (found["vacant"], found["short"]) == (1, 1)
    assert {row["subject"][-3:]: (row["seats_held"], row["short"]) for row in found["rows"] if row["held"] < 10} == {
        "c03": (3, 0),
        "c00": (4, 1),
    } | {f"c{number}": (4, 0) for number in range(27, 32)}
    before = fenyang.ask("staffing_report", **ask, on="2025-03-03")
    assert (before["held"], before["full"]) == (315, 32), "the day before nobody had left"
    adopt(fenyang, "staffing", "lenient", "4+N（放宽）", **RULE | {"rounding": "up", "tolerance": 1})
    lenient = fenyang.ask("staffing_report", rule="lenient", place=CITY)
    assert (lenient["workers_required"], lenient["short"], lenient["vacant"]) == (187, 0, 1)
    wrong: list[dict[str, Any]] = [
        {"seats": []},
        {"per_households": 0},
        {"workers": ["no-such"]},
        {"of": "castle"},
        {"seats": [RULE["seats"][0] | {"roles": ["no-such"]}]},  # type: ignore[index]  # data of an entry
    ]
    for part in wrong:
        with pytest.raises(BadInputError, match="do not fit"):
            adopt(fenyang, "staffing", "wrong", "错", **RULE | part)
    with pytest.raises(BadInputError, match="not on the city's list"):
        fenyang.ask("staffing_report", rule="no-such")
    with pytest.raises(IllegalStateError, match="must stay"):
        fenyang.ask("retire_entry", "operator", kind="roles", code="vice", reason="不用了")


def test_heads_are_counted_by_person_and_never_by_adding_roles(fenyang: Desk) -> None:
    """32 secretaries, 247 of the team, 39 graduates are 315 persons although the roles add up to 318 (B37)."""
    ask = {"place": CITY, "on": "2025-03-01"}
    found = fenyang.ask("staff_figures", roles=["first", "team", "graduate"], **ask)
    assert found["by_role"] == {"first": 32, "team": 247, "graduate": 39}
    assert sum(found["by_role"].values()) == 318 and found["persons"] == 315
    assert found["several"] == 3 and found["posts"] == 318
    assert fenyang.ask("staff_figures", **ask)["persons"] == 315, "whatever posts they hold besides"
    assert fenyang.ask("staff_figures", place=CITY, on="2024-12-31")["persons"] == 0
    with pytest.raises(BadInputError):
        fenyang.ask("staff_figures", roles=["NO"])
    with pytest.raises(BadInputError, match="not on the city's list"):
        fenyang.ask("staff_figures", scheme="no-such")


def test_the_secretary_is_the_director_too_and_nobody_else(desk: Desk) -> None:
    """One person holds both posts: the director's goes with the secretary's; held by two persons the seat is seen to be parted (B36)."""
    for code in ("first", "director", "deputy", "vice", "worker"):
        role(desk, code, code)
    adopt(desk, "organisation_types", "residents", "居委会")
    establish(desk, "o-residents", "residents", level="community", place=COMMUNITY, parent_id="street-committee")
    adopt(desk, "staffing", "four_plus_n", "4+N", **RULE)
    hold(desk, "post-first", "committee", "first", "p-1", since="2025-03-01")

    def head() -> tuple[int, bool]:
        (row,) = desk.ask("staffing_report", rule="four_plus_n", place=COMMUNITY)["rows"]
        (seat,) = (seat for seat in row["seats"] if seat["code"] == "head")
        return seat["held"], seat["parted"]

    assert head() == (0, False), "a secretary alone is not both"
    post = {"post_id": "post-director", "organisation_id": "o-residents", "role": "director", "title": "主任"}
    desk.ask("establish_post", "operator", **post, ex_officio_post_id="post-first")
    register(desk, "p-2")
    with pytest.raises(IllegalStateError, match="goes with post-first, which p-2 does not hold"):
        desk.ask("appoint_person", "operator", post_id="post-director", person_id="p-2")
    desk.ask("appoint_person", "operator", post_id="post-director", person_id="p-1", since="2025-03-02")
    assert head() == (1, False)
    desk.ask("end_appointment", "operator", post_id="post-first", person_id="p-1", until=DAY)
    assert head() == (0, False), "who is secretary no longer is director no longer"
    hold(desk, "post-first-2", "committee", "first", "p-1")
    hold(desk, "post-director-2", "o-residents", "director", "p-2")
    assert head() == (0, True)
    (row,) = desk.ask("staffing_report", rule="four_plus_n", place=COMMUNITY)["rows"]
    assert (row["seats_required"], row["seats_held"], row["workers_required"], row["households"]) == (4, 0, 0, 0)


def test_full_time_and_part_time_staff_are_told_apart_by_community_and_compound(desk: Desk) -> None:
    """Who is there full-time and who part-time, of whom of how many it is not known; a person has one of the two (B50)."""
    by = officer(desk, "person.classify")
    role(desk, "worker", "社区工作者")
    classes(desk, "force", "专兼职", {"full_time": "专职", "part_time": "兼职"})
    register(desk, "p-1", "p-2", "p-3")
    for person, code in (("p-1", "full_time"), ("p-2", "part_time"), ("p-3", "part_time")):
        classify(desk, by, "force", person, code, since="2025-03-01")
    for number, (person, body) in enumerate(
        [("p-1", "committee"), ("p-1", "branch"), ("p-2", "branch"), ("p-3", "group-1"), ("p-lin", "committee")]
    ):
        hold(desk, f"post-w{number}", body, "worker", person, since="2025-03-02")

    def shown(each: str, **more: str) -> list[tuple[str, int, dict[str, int], int]]:
        found = desk.ask("staff_figures", roles=["worker"], scheme="force", each=each, **more)
        for row in (found, *found["rows"]):
            assert sum(row["codes"].values()) + row["unclassified"] == row["persons"]
        return [(row["subject"], row["persons"], row["codes"], row["unclassified"]) for row in found["rows"]]

    assert shown("community") == [(COMMUNITY, 4, {"full_time": 1, "part_time": 2}, 1)]
    assert shown("compound") == [(COMPOUND, 3, {"full_time": 1, "part_time": 2}, 0)]
    assert shown("compound", on="2025-03-03") == [], "no compound was registered that day"
    with pytest.raises(BadInputError, match="no code of force"):
        classify(desk, by, "force", "p-lin", "both")
    classify(desk, by, "force", "p-3", "full_time")
    assert shown("compound") == [(COMPOUND, 3, {"full_time": 2, "part_time": 1}, 0)]
    classes(desk, "own", "自定", {"yes": "是"}, power="person.classify.own")
    with pytest.raises(ForbiddenError):
        classify(desk, by, "own", "p-lin", "yes")


FILES = {
    "resume": "履历表",
    "appraisal": "考核材料",
    "education": "学历学位材料",
    "technical": "专业技术职务材料",
    "party": "党团材料",
}
AUDIT = {"whole": "齐全", "faulty": "有缺"}


def test_files_of_32_secretaries_and_247_of_the_team_are_audited_by_five_kinds_of_documents(fenyang: Desk) -> None:
    """A file is whole when all five kinds were found whole; who lacks what is named, to staff only; nobody audits their own (B40)."""
    for code, zh in FILES.items():
        classes(fenyang, f"file.{code}", zh, AUDIT)
    asks = [need(code, zh, "classified", f"file.{code}", standing=["whole"]) for code, zh in FILES.items()]
    for one, zh in (("first", "书记档案"), ("team", "班子档案")):
        cover(fenyang, f"files_{one}", zh, *asks, subject="person", of=one)
    terms = fenyang.ask("staff_figures", roles=["first", "team"], place=CITY, on="2025-03-01")
    assert terms["by_role"] == {"first": 32, "team": 247} and terms["persons"] == 279
    seats = [f"{one}-{number}" for number in range(32) for one in ("s", "d", "va", "vb")]
    everybody = [*seats, *(f"w-{number}" for number in range(1, 152))]
    assert len(everybody) == 279
    for person in everybody:
        for code in FILES:
            bad = person in ("s-7", "w-9") and code in ("education", "party")
            tell(fenyang, *classified(person, f"file.{code}", "faulty" if bad else "whole", place=CITY))
    fenyang.catch_up()
    ask = {"place": CITY, "on": "2025-03-01"}
    first = fenyang.ask("coverage_figures", "operator", coverage="files_first", **ask)
    team = fenyang.ask("coverage_figures", "operator", coverage="files_team", **ask)
    assert [(found["covered"], found["subjects"], found["without"]) for found in (first, team)] == [
        (31, 32, 1),
        (246, 247, 1),
    ]
    assert lacking(first) == {"s-7": ["education", "party"]} and lacking(team) == {"w-9": ["education", "party"]}
    assert {one["code"]: one["having"] for one in first["needs"]} == dict.fromkeys(FILES, 32) | {
        "education": 31,
        "party": 31,
    }
    everyone = fenyang.ask("coverage_figures", coverage="files_first", **ask)
    assert (everyone["without"], everyone["missing"]) == (1, []), "figures are for everybody, who lacks what is not"
    with pytest.raises(ForbiddenError):
        fenyang.ask("coverage_map", coverage="files_first", **ask)
    assert len(fenyang.ask("coverage_map", "operator", coverage="files_first", **ask)["rows"]) == 32
    by = officer(fenyang, "person.classify")
    with pytest.raises(ForbiddenError, match="themselves"):
        classify(fenyang, by, "file.party", "p-chen", "whole")
    for faulty in (
        {"subject": "place", "of": "community"},
        {"subject": "person", "of": "no-such"},
    ):
        with pytest.raises(BadInputError, match="do not fit"):
            cover(fenyang, "wrong", "错", *asks, **faulty)
    with pytest.raises(BadInputError, match="do not fit"):
        cover(fenyang, "wrong", "错", need("body", "组织", "body", "party"), subject="person", of="first")
    with pytest.raises(IllegalStateError, match="must stay"):
        fenyang.ask("retire_entry", "operator", kind="classifications", code="file.party", reason="不用了")


def test_all_secretaries_of_yards_are_trained_in_three_topics(desk: Desk) -> None:
    """Trained are those who had all three topics, of all who hold such a post that day; training stays with the person (D44)."""
    by = officer(desk, "person.classify")
    role(desk, "yard_secretary", "院落党组织书记")
    topics = {"life": "组织生活制度", "modes": "院落治理模式", "contact": "联系服务群众方式"}
    for code, zh in topics.items():
        classes(desk, f"training.{code}", zh, {"trained": "已培训"})
    asks = [need(code, zh, "classified", f"training.{code}") for code, zh in topics.items()]
    cover(desk, "trained", "书记全覆盖培训", *asks, subject="person", of="yard_secretary")
    for number, body in enumerate(("branch", "group-1", "group-2"), 1):
        hold(desk, f"post-y{number}", body, "yard_secretary", f"p-{number}", since="2025-03-01")

    def trained(on: str = "") -> tuple[int, int]:
        found = desk.ask("coverage_figures", by, coverage="trained", place=COMMUNITY, on=on)
        return found["covered"], found["subjects"]

    for code in topics:
        for person in ("p-1", "p-2", "p-3"):
            if (person, code) != ("p-3", "contact"):
                classify(desk, by, f"training.{code}", person, "trained", grounds="街道第1期", since="2025-03-03")
    assert trained() == (2, 3) and trained("2025-03-02") == (0, 3)
    found = desk.ask("coverage_figures", by, coverage="trained", place=COMMUNITY)
    assert lacking(found) == {"p-3": ["contact"]}
    with pytest.raises(IllegalStateError, match="not before"):
        classify(desk, by, "training.life", "p-1", "trained", grounds="补记", since="2025-03-02")
    classify(desk, by, "training.contact", "p-3", "trained", grounds="街道第2期")
    assert trained() == (3, 3), "100 %: three of three"
    desk.ask("end_appointment", "operator", post_id="post-y3", person_id="p-3", until=DAY)
    assert trained() == (2, 2)
    register(desk, "p-4")
    desk.ask("appoint_person", "operator", post_id="post-y3", person_id="p-4")
    assert trained() == (2, 3), "the successor has had none of it"
    with pytest.raises(ForbiddenError):
        classify(desk, "p-4", "training.life", "p-4", "trained")


SCHOOLING = {"middle": "高中及以下", "college": "大专", "bachelor": "本科", "master": "研究生"}


def test_education_and_age_of_the_staff_are_told_of_how_many_on_which_day(fenyang: Desk) -> None:
    """307 of 315 have been to college, which is 97.5 %, and they are 39 years old on average, with who is not known counted apart (B38)."""
    classes(fenyang, "schooling", "学历", SCHOOLING)
    enough = need("college", "大专及以上", "classified", "schooling", standing=["college", "bachelor", "master"])
    cover(fenyang, "college", "大专及以上学历", enough, subject="person", of="")
    ask = {"place": CITY, "on": "2025-03-01"}
    rows = fenyang.ask("coverage_map", "operator", coverage="college", limit=500, **ask)["rows"]
    everybody = sorted(row["subject"] for row in rows)
    assert len(everybody) == 315
    codes = [*["middle"] * 8, *["college"] * 150, *["bachelor"] * 150, *["master"] * 7]
    for number, (person, code) in enumerate(zip(everybody, codes, strict=True)):
        tell(fenyang, *classified(person, "schooling", code, place=CITY))
        # born on 1 July: 29 to 49 years old, 39 on average
        if person not in ("d-3", "w-1"):
            tell_born(fenyang, person, f"{1975 + number % 21}-07-01")
    fenyang.catch_up()
    share = fenyang.ask("coverage_figures", coverage="college", **ask)
    assert (share["covered"], share["subjects"], share["without"]) == (307, 315, 8)
    assert makes("97.5", 315) == [307] and makes("97.5", 279) == [272], "so the denominator is told"
    found = fenyang.ask("staff_figures", scheme="schooling", aged=True, **ask)
    assert found["codes"] == {"bachelor": 150, "college": 150, "master": 7, "middle": 8}
    assert found["unclassified"] == 0 and found["persons"] == 315
    assert found["ages"]["known"] == 313 and found["ages"]["without"] == 2
    assert found["ages"]["years"] == sum(
        2025 - (1975 + number % 21) - 1 for number, person in enumerate(everybody) if person not in ("d-3", "w-1")
    )
    assert 385 <= found["ages"]["tenths"] < 395, "39 years"
    assert fenyang.ask("staff_figures", **ask)["ages"]["known"] == 0, "not asked for"
    before = fenyang.ask("staff_figures", scheme="schooling", aged=True, place=CITY, on="2024-12-31")
    assert (before["persons"], before["ages"]["years"]) == (0, 0)
    few = fenyang.ask("staff_figures", aged=True, place=f"{CITY}.c00", roles=["first"], on="2025-03-01")
    assert few["persons"] == 1 and (few["ages"]["years"], few["ages"]["tenths"]) == (0, 0), "nobody's own age is told"
    assert "1975-07-01" not in fenyang.stored, "days of birth are sealed"
    with pytest.raises(IllegalStateError, match="not come yet"):
        fenyang.ask("record_birth", "operator", person_id="d-3", born="2025-03-05")
    with pytest.raises(ForbiddenError):
        fenyang.ask("record_birth", "p-lin", person_id="d-3", born="1980-01-01")
    assert fenyang.ask("record_birth", "operator", person_id="d-3", born="1980-01-01")["events"] == 1
    assert fenyang.ask("record_birth", "operator", person_id="d-3", born="1980-01-01")["events"] == 0
    assert fenyang.ask("staff_figures", aged=True, **ask)["ages"]["known"] == 314
    rows = fenyang.ask("find_persons", "operator", place__under=COMMUNITY)["rows"]
    assert rows and all("born" not in row for row in rows)


def tell_born(desk: Desk, person: str, born: str) -> None:
    """Somebody whose day of birth is known, sealed as a command seals it."""
    sealed = desk.personal.seal(person, born)
    named = PersonRegistered(person_id=person, name="", place=CITY)
    tell(desk, f"person-{person}", named, BirthRecorded(person_id=person, born=sealed, place=CITY), place=CITY)


INDICATOR = {"means": "大专及以上人数占“两委”干部总数", "means_en": "with college, of all of the committees"}


def test_an_indicator_has_dated_values_with_denominators_and_what_cannot_be_right_is_flagged(desk: Desk) -> None:
    """ "Raised to" without an earlier value, a rate that no count makes, no denominator: each is entered and flagged (B52)."""
    by = officer(desk, "indicator.state")
    for code, unit in (("college", "percent"), ("age", "years"), ("settled", "percent"), ("stations", "count")):
        adopt(desk, "indicators", code, code, unit=unit, **INDICATOR)

    def state(scheme: str, as_of: str, value: str, of: int = 0, change: str = "stated") -> str:
        told = {"scheme": scheme, "as_of": as_of, "value": value, "denominator": of, "change": change}
        return str(desk.ask("state_indicator", by, place=COMMUNITY, source="工作总结", **told)["id"])

    def values(id: str) -> list[tuple[str, str, int, list[str], list[int]]]:
        shown = desk.ask("get_indicator", indicator_id=id)
        return [
            tuple(one[name] for name in ("day", "value", "denominator", "flags", "counts")) for one in shown["values"]
        ]  # type: ignore[misc]  # rows are of any kind

    college = state("college", "2025-01-01", "97.5", 315, "raised")
    assert values(college) == [("2025-01-01", "97.5", 315, ["no_earlier"], [307])]
    state("college", "2022-01-01", "80", 305)
    assert values(college) == [
        ("2022-01-01", "80", 305, [], [243, 244, 245]),
        ("2025-01-01", "97.5", 315, [], [307]),
    ]
    assert not desk.ask("find_indicators", scheme="college", flagged=True)["rows"]
    (fact,) = (msgspec.json.decode(one.data) for one in desk.log.read(0) if b'"97.5"' in bytes(one.data))
    assert fact["flags"] == ["no_earlier"], "what was found at entry stays recorded"
    age = state("age", "2025-01-01", "39", 0, "lowered")
    assert values(age)[0][3] == ["no_denominator", "no_earlier"]
    state("age", "2025-01-01", "39", 315, "lowered")
    state("age", "2022-01-01", "38.5", 305)
    assert values(age)[1][3] == ["not_so"], "39 is not lowered from 38.5"
    settled = state("settled", "2025-01-01", "98", 17)
    assert values(settled) == [("2025-01-01", "98", 17, ["impossible"], [])], "neither 16 nor 17 of 17 is 98 %"
    assert makes("94.1", 17) == [16] and makes("100", 17) == [17] and makes("94", 17) == [16]
    flagged = {row["scheme"] for row in desk.ask("find_indicators", flagged=True)["rows"]}
    assert flagged == {"age", "settled"}
    state("stations", "2025-01-01", "30")
    head = desk.log.head().position
    for wrong in (
        ("college", "2025-01-02", "100.1", 315),
        ("college", "2025-01-02", "97.5 %", 315),
        ("college", "2025-01-02", "-1", 315),
        ("stations", "2025-01-02", "30", 32),
        ("no-such", "2025-01-02", "30"),
    ):
        with pytest.raises(BadInputError):
            state(*wrong)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(IllegalStateError, match="not come yet"):
        state("college", "2025-03-05", "97.5", 315)
    with pytest.raises(ForbiddenError):
        desk.ask("state_indicator", "p-lin", place=COMMUNITY, scheme="age", as_of=DAY, value="39", source="总结")
    assert desk.log.head().position == head
