"""三岗十八级: grades of workers, measured by a version of a table, which anybody computes again from what is recorded."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.registry.person import PersonRegistered
from services.registry.post.state import PersonAppointed, PostEstablished
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.period import whole_years
from tests.desk.registry.test_rows import adopt, officer
from tests.desk.registry.test_rows_of_coverages import role
from tests.desk.registry.test_rows_of_staff import register, tell
from tests.domain.registry.facts import COMMUNITY
from tests.kit.desk import Desk

TRACKS = {"head": "正职岗", "deputy": "副职岗", "worker": "一般岗"}
#: Six levels of each of three types of posts, one level for 20 points more.
GRADES = [
    {"track": track, "level": 1 + level + 6 * number, "least": 10 + 20 * level, "coefficient": 1000 + 100 * level}
    for number, track in enumerate(reversed(TRACKS))
    for level in range(6)
]
MERITS = [
    {"code": "service", "zh": "工作年限", "en": "years", "points": 3, "most": 30, "years": True},
    {"code": "degree", "zh": "学历", "en": "degree", "points": 10, "most": 3},
    {"code": "award", "zh": "表彰", "en": "award", "points": 5, "most": 2},
]
TABLE: dict[str, Any] = {
    "tracks": [{"code": code, "zh": zh, "en": code} for code, zh in TRACKS.items()],
    "merits": MERITS,
    "grades": GRADES,
    "workers": ["worker"],
}


def by_hand(table: dict[str, Any], fact: dict[str, Any]) -> tuple[int, int, int]:
    """What a stranger computes with the published table and the recorded inputs, without the program."""
    points = 0
    for merit in table["merits"]:
        count = fact["years"] if merit.get("years") else fact["units"].get(merit["code"], 0)
        points += merit["points"] * min(count, merit["most"])
    fit = [one for one in table["grades"] if one["track"] == fact["track"] and one["least"] <= points]
    return points, fit[-1]["level"], fit[-1]["coefficient"]


def measured(desk: Desk) -> list[dict[str, Any]]:
    return [msgspec.json.decode(record.data) for record in desk.log.read(0) if record.type == "GradeMeasured"]


def test_315_workers_are_measured_by_three_posts_and_eighteen_levels_and_anybody_computes_it_again(desk: Desk) -> None:
    """Each result names the version of its table and its inputs; a later version changes no result of before (B39)."""
    by = officer(desk, "grade.measure")
    role(desk, "worker", "社区工作者")
    assert len({(one["track"], one["level"]) for one in GRADES}) == 18 and len(TRACKS) == 3
    adopt(desk, "grade_tables", "pay", "三岗十八级", **TABLE)
    tracks = list(TRACKS)
    for number in range(315):
        tell_worker(desk, number)
    desk.catch_up()
    ask: dict[str, Any] = {"scheme": "pay"}
    for number in range(315):
        inputs = {"degree": number % 4, "award": number % 3}
        since = f"{2024 - number % 33}-03-{1 + number % 9:02d}"
        told = {"person_id": f"w-{number:03d}", "track": tracks[number % 3], "serving_since": since}
        if 3 * min(30, whole_years(since, "2025-03-04")) + 10 * min(3, number % 4) + 5 * (number % 3) < 10:
            with pytest.raises(IllegalStateError, match="fewer than the lowest level"):
                desk.ask("measure_grade", by, **ask, **told, units=inputs)
            inputs = {"degree": 1}
        assert desk.ask("measure_grade", by, **ask, **told, units=inputs)["events"] == 1
    facts = measured(desk)
    assert len(facts) == 315
    assert {fact["level"] for fact in facts} == set(range(1, 19)), "all eighteen levels occur"
    for fact in facts:
        assert (fact["scheme_version"], fact["years"]) == (1, whole_years(fact["serving_since"], "2025-03-04"))
        assert (fact["points"], fact["level"], fact["coefficient"]) == by_hand(TABLE, fact)
    found = desk.ask("grading_figures", **ask, place=COMMUNITY)
    assert (found["measured"], found["persons"], found["without"]) == (315, 315, 0)
    assert sum(count for levels in found["levels"].values() for count in levels.values()) == 315
    richer = TABLE | {"merits": [MERITS[0] | {"points": 4}, *MERITS[1:]]}
    desk.ask("adopt_entry", "operator", kind="grade_tables", code="pay", zh="三岗十八级", en="pay", data=richer)
    rows = desk.ask("find_gradings", by, **ask, limit=500, place__under=COMMUNITY)["rows"]
    for row in rows[::20]:
        shown = desk.ask("get_grading", by, grading_id=row["grading_id"])
        assert shown["agrees"] and shown["recomputed"]["points"] == shown["points"], "by the version of then"
    (row,) = (row for row in rows if row["person_id"] == "w-020")
    told = {name: row[name] for name in ("person_id", "track", "serving_since", "units")}
    assert desk.ask("measure_grade", by, **ask, **told)["events"] == 1
    again = measured(desk)[-1]
    assert again["scheme_version"] == 2 and again["points"] > row["points"]
    assert (again["points"], again["level"], again["coefficient"]) == by_hand(richer, again)
    shown = desk.ask("get_grading", by, grading_id=row["grading_id"])
    assert shown["agrees"] and [one["scheme_version"] for one in shown["history"]] == [1, 2]
    assert desk.ask("measure_grade", by, **ask, **told)["events"] == 0, "the same again says nothing new"
    head = desk.log.head().position
    for refused, wrong in (
        (NotFoundError, {"person_id": "p-nobody"}),
        (BadInputError, {"track": "chief"}),
        (BadInputError, {"units": {"service": 3}}),
        (BadInputError, {"units": {"degree": -1}}),
        (BadInputError, {"scheme": "no-such"}),
        (IllegalStateError, {"as_of": "2025-03-05"}),
        (IllegalStateError, {"as_of": "2025-03-03"}),
        (IllegalStateError, {"person_id": "w-001", "serving_since": "2025-03-05"}),
        (ForbiddenError, {"person_id": "p-chen"}),
    ):
        with pytest.raises(refused):
            desk.ask("measure_grade", by, **ask | told | wrong)
    for caller in ("", "p-lin"):
        with pytest.raises(ForbiddenError):
            desk.ask("measure_grade", caller, **ask, **told)
        with pytest.raises(NotFoundError):
            desk.ask("get_grading", caller, grading_id=row["grading_id"])
    assert desk.log.head().position == head


def tell_worker(desk: Desk, number: int) -> None:
    """A registered worker of the community, as facts of before."""
    person, post = f"w-{number:03d}", f"post-w-{number:03d}"
    where = {"organisation_id": "committee", "role": "worker", "place": COMMUNITY}
    tell(desk, f"person-{person}", PersonRegistered(person_id=person, name="", place=COMMUNITY))
    held = PersonAppointed(post_id=post, person_id=person, since="2025-01-01", until="", **where)
    tell(desk, f"post-{post}", PostEstablished(post_id=post, title=post, title_en="", **where), held)


_FAULTS: list[dict[str, Any]] = [
    {"grades": []},
    {"workers": ["no-such"]},
    {"tracks": [*TABLE["tracks"], TABLE["tracks"][0]]},
    {"tracks": [*TABLE["tracks"], {"code": "idle", "zh": "无级", "en": "idle"}]},
    {"grades": [*GRADES, GRADES[-1]]},
    {"grades": [*GRADES, GRADES[-1] | {"level": 99}]},
    {"grades": [*GRADES, {"track": "chief", "level": 1, "least": 0, "coefficient": 1}]},
    {"merits": [*MERITS, MERITS[0]]},
    {"rule": "guess"},
]


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_table_that_cannot_be_read_one_way_only_is_refused(desk: Desk, fault: dict[str, Any]) -> None:
    """Levels rise with their points, of types of posts that the table has (part of B39)."""
    role(desk, "worker", "社区工作者")
    with pytest.raises(BadInputError, match="do not fit"):
        adopt(desk, "grade_tables", "pay", "三岗十八级", **TABLE | fault)
    register(desk, "p-1")
    with pytest.raises(BadInputError, match="not on the city's list"):
        desk.ask("grading_figures", scheme="pay")


def test_years_of_service_are_whole() -> None:
    """A year is full on its anniversary (part of B39)."""
    days = [("2020-03-04", "2025-03-03"), ("2020-03-04", "2025-03-04"), ("2024-02-29", "2025-02-28")]
    assert [whole_years(*pair) for pair in [*days, ("2024-02-29", "2025-03-01"), ("2025-03-04", "2025-03-04")]] == [
        4,
        5,
        0,
        1,
        0,
    ]
