"""A city is founded through the service: what was commanded is what the queries show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.registry.definition import DEFINITION
from services.registry.post.going_with import WENT_WITH
from services.registry.service import RegistryService
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.parameters import PARAMETERS
from shared.words import known
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, PROFILE, STREET
from tests.kit.desk import Desk
from tests.kit.words import missing, of_service

CHEN = "post-secretary"


def facts(desk: Desk) -> list[Any]:
    return [(record.type, record.place) for record in desk.log.read()]


def test_everything_that_is_declared_can_be_called_and_has_words() -> None:
    for name in {**DEFINITION.commands, **DEFINITION.queries}:
        assert callable(getattr(RegistryService, name))
    for query in DEFINITION.queries.values():
        assert query.answer["properties"], f"the answer of {query.name} is not described"
    assert missing(of_service("registry")) == []
    assert [name for name in PARAMETERS if not known("parameters", name)] == []


def test_facts_are_published_under_their_place(desk: Desk) -> None:
    assert ("PersonAppointed", COMMUNITY) in facts(desk)
    assert ("OrganisationEstablished", BUILDING) in facts(desk)
    assert facts(desk)[0] == ("ProfilePublished", "")
    assert ("EntryAdopted", "") in facts(desk)


def test_a_name_is_nowhere_in_the_log_and_the_views(desk: Desk, tmp_path: Path) -> None:
    """(part of X09)"""
    stored = b"".join(bytes(record.data) for record in desk.node.log.read())
    assert "陈依明".encode() not in stored and b"sealed:v1:p-chen:" in stored
    files = b"".join(file.read_bytes() for file in tmp_path.glob("*.sqlite*"))
    assert "陈依明".encode() not in files


def test_names_are_masked_for_the_public_and_open_for_staff_of_the_place(desk: Desk) -> None:
    everyone = {"person_ids": ["p-chen", "p-lin", "p-nobody"]}
    assert desk.ask("person_names", "", **everyone) == {"names": {"p-chen": "陈*"}}, "who holds an office"
    assert desk.ask("person_names", "p-lin", **everyone) == {"names": {"p-chen": "陈*", "p-lin": "林*"}}
    assert desk.ask("person_names", CHEN, **everyone) == {"names": {"p-chen": "陈依明", "p-lin": "林秀英"}}
    desk.ask("register_person", "operator", person_id="p-far", name="王建国", place=STREET)
    assert desk.ask("person_names", CHEN, person_ids=["p-far"]) == {"names": {}}, "of another place"
    for asked in ({}, {"place__under": COMMUNITY}):  # where nothing is said, those of one's own place
        assert [row["name"] for row in desk.ask("find_persons", CHEN, **asked)["rows"]] == ["陈依明", "林秀英"]
    for reader, where in ((CHEN, {"place__under": STREET}), ("p-lin", {})):
        with pytest.raises(ForbiddenError, match="read_names"):
            desk.ask("find_persons", reader, **where)


def test_an_erased_person_is_unreadable_everywhere(desk: Desk) -> None:
    """(part of X09)"""
    sealed = next(record for record in desk.node.log.read() if record.type == "PersonRegistered")
    with pytest.raises(IllegalStateError, match="holds the post 书记"):
        desk.ask("erase_person", "operator", person_id="p-chen", reason="本人申请")
    desk.ask("end_appointment", "operator", post_id="post-secretary", person_id="p-chen")
    once = "erase-chen"
    first = desk.ask("erase_person", "operator", command_id=once, person_id="p-chen", reason="本人申请")
    assert desk.ask("erase_person", "operator", command_id=once, person_id="p-chen", reason="本人申请") == first
    assert desk.ask("person_names", "operator", person_ids=["p-chen"]) == {"names": {"p-chen": ""}}
    assert desk.personal.open(msgspec.json.decode(sealed.data)["name"]) is None
    assert [row["person_id"] for row in desk.ask("find_persons", "operator")["rows"]] == ["p-lin"]
    with pytest.raises(IllegalStateError, match="erased"):
        desk.ask("appoint_person", "operator", post_id="post-secretary", person_id="p-chen")
    assert desk.ask("find_posts", "operator", role="secretary")["rows"][0]["holder"] == ""


def test_a_name_that_was_altered_does_not_spoil_a_list(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever keeps the machines running is told; the others are read as ever."""
    row = desk.node.views.get("persons", "p-chen")
    assert row is not None
    desk.node.views.save({("persons", "p-chen"): row | {"name": row["name"].replace("p-chen", "p-nobody")}})
    found = desk.ask("person_names", "operator", person_ids=["p-chen", "p-lin"])["names"]
    assert found["p-chen"] == "" and found["p-lin"]
    assert "personal data cannot be read" in capsys.readouterr().out


def test_posts_show_who_holds_them(read_only: Desk) -> None:
    rows = {row["post_id"]: row for row in read_only.ask("find_posts", "", place__under=STREET)["rows"]}
    secretary = rows["post-secretary"]
    assert (secretary["holder"], secretary["organisation"], secretary["vacant"]) == ("陈*", "community党组织", False)
    assert rows["post-grid"]["vacant"] is True and rows["post-grid"]["holder"] == ""
    assert [row["post_id"] for row in read_only.ask("find_posts", "operator", vacant=True)["rows"]] == ["post-grid"]
    held = read_only.ask("posts_of_person", "", person_id="p-chen")["posts"]
    assert [(post["post_id"], post["role"], post["title"], post["place"]) for post in held] == [
        ("post-secretary", "secretary", "书记", COMMUNITY)
    ]
    assert read_only.ask("posts_of_person", "operator", person_id="p-chen", on="2024-12-31") == {"posts": []}


def test_powers_follow_the_post(desk: Desk) -> None:
    """The secretary appoints; when the term is over the power is gone (part of C13)."""
    desk.ask("appoint_person", CHEN, post_id="post-grid", person_id="p-lin")
    desk.ask("end_appointment", "operator", post_id="post-secretary", person_id="p-chen")
    with pytest.raises(ForbiddenError, match="not yours"):
        desk.ask("end_appointment", CHEN, post_id="post-grid", person_id="p-lin")
    terms = desk.ask("find_appointments", "operator", person_id="p-chen")["rows"]
    assert [(row["since"], row["until"]) for row in terms] == [("2025-01-01", "2025-03-04")]


def test_the_public_and_residents_may_change_nothing(desk: Desk) -> None:
    for caller in ("", "p-lin"):
        with pytest.raises(ForbiddenError):
            desk.ask("register_place", caller, place=COMPOUND + ".03", kind="building", name="3号楼", parent=COMPOUND)
        with pytest.raises(ForbiddenError):
            desk.ask("register_person", caller, person_id="p-new", name="林某")
    assert desk.personal._keys.get("p-new") is None


def test_a_post_that_goes_with_another_falls_due(desk: Desk) -> None:
    """When the grid worker changes, the branch's secretary is to follow (A11)."""
    desk.ask(
        "establish_post",
        "operator",
        post_id="post-branch",
        organisation_id="branch",
        role="secretary",
        title="支部书记",
        ex_officio_post_id="post-grid",
    )

    def due() -> bool:
        return bool(desk.ask("find_posts", "operator", organisation_id="branch")["rows"][0]["succession_due"])

    assert due() is False
    with pytest.raises(IllegalStateError, match="goes with post-grid"):
        desk.ask("appoint_person", "operator", post_id="post-branch", person_id="p-lin")
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-01-01")
    assert due() is True
    desk.ask("appoint_person", "operator", post_id="post-branch", person_id="p-lin", since="2025-01-01")
    assert due() is False
    desk.ask("end_appointment", "operator", post_id="post-grid", person_id="p-lin", until="2025-03-01", reason="调动")
    row = desk.ask("find_posts", "operator", organisation_id="branch")["rows"][0]
    assert (row["vacant"], row["until"], due()) == (True, "2025-03-01", False), "it falls vacant in the same act"
    (term,) = desk.ask("find_appointments", "operator", post_id="post-branch")["rows"]
    assert (term["until"], term["reason"]) == ("2025-03-01", WENT_WITH)
    last = [record.commit_position for record in desk.log.read(0) if record.type == "AppointmentEnded"][-2:]
    assert last[0] == last[1], "one record for both"
    assert desk.ask("posts_of_person", "operator", person_id="p-lin", on="2025-03-01")["posts"] == []


def test_an_organisation_ends_after_what_is_in_it(desk: Desk) -> None:
    with pytest.raises(IllegalStateError, match="2 below it"):
        desk.ask("dissolve_organisation", "operator", organisation_id="branch", reason="合并")
    desk.ask("establish_post", "operator", post_id="post-1", organisation_id="group-1", role="secretary", title="组长")
    desk.ask("appoint_person", "operator", post_id="post-1", person_id="p-lin")
    with pytest.raises(IllegalStateError, match="组长"):
        desk.ask("dissolve_organisation", "operator", organisation_id="group-1", reason="合并")
    desk.ask("end_appointment", "operator", post_id="post-1", person_id="p-lin")
    desk.ask("dissolve_organisation", "operator", organisation_id="group-1", reason="合并")
    with pytest.raises(IllegalStateError, match="dissolved"):
        desk.ask("appoint_person", "operator", post_id="post-1", person_id="p-lin")
    assert [row["organisation_id"] for row in desk.ask("find_organisations", "operator", level="building")["rows"]] == [
        "group-2"
    ]
    assert len(desk.ask("find_organisations", "operator", level="building", on="2025-03-03")["rows"]) == 2


def test_ids_are_made_when_none_are_given(desk: Desk) -> None:
    once = "register-wang"
    first = desk.ask("register_person", "operator", command_id=once, name="王建国")
    assert desk.ask("register_person", "operator", command_id=once, name="王建国") == first
    other = desk.ask("register_person", "operator", name="王建国")
    assert first["id"] != other["id"] and first["events"] == 1


@pytest.mark.parametrize(
    ("method", "change", "field"),
    [
        ("register_place", {"place": "350104.013."}, "place"),
        ("register_place", {"place": "仓山"}, "place"),
        ("register_place", {"name": ""}, "name"),
        ("register_place", {"name": "x" * 101}, "name"),
        ("register_place", {"name": "楼\u200b"}, "name"),
        ("register_place", {"name": "楼\x00"}, "name"),
        ("register_place", {"colour": "red"}, "colour"),
        ("count_households", {"place": COMPOUND, "households": -1}, "households"),
        ("count_households", {"place": COMPOUND, "households": 1.5}, "households"),
        ("count_households", {"place": COMPOUND, "households": "5"}, "households"),
        ("count_households", {"place": COMPOUND, "households": 5, "as_of": "2025-02-30"}, "as_of"),
        ("count_households", {"place": COMPOUND, "households": 5, "as_of": "20250228"}, "as_of"),
        ("count_households", {"place": COMPOUND, "households": 5, "qualifier": "maybe"}, "qualifier"),
        ("adopt_profile", {"profile_id": "fuzhou", **PROFILE, "powers": {"secretary": ["do it"]}}, "powers"),
        ("adopt_profile", {"profile_id": "fuzhou", **PROFILE, "parameters": {"x": 2**53}}, "parameters"),
        ("adopt_profile", {"profile_id": "fuzhou", **PROFILE, "levels": []}, "levels"),
        ("register_person", {"person_id": "P-Chen", "name": "陈"}, "person_id"),
        ("find_places", {"limit": 0}, "limit"),
        ("find_places", {"order": "name"}, "order"),
        ("person_names", {"person_ids": ["p-chen", "!"]}, "person_ids"),
    ],
)
def test_bad_input_names_the_field_and_changes_nothing(
    read_only: Desk, method: str, change: dict[str, Any], field: str
) -> None:
    before = read_only.node.log.head()
    place = (
        {"place": BUILDING, "kind": "building", "name": "1号楼", "parent": COMPOUND}
        if method == "register_place"
        else {}
    )
    with pytest.raises(BadInputError) as caught:
        read_only.ask(method, "operator", **place | change)
    assert caught.value.fields.get(field), caught.value.fields
    assert read_only.node.log.head() == before


def test_before_there_is_a_profile_everything_waits(empty: Desk) -> None:
    with pytest.raises(NotFoundError, match="no profile"):
        empty.ask("get_profile", "operator")
    with pytest.raises(BadInputError, match="not on the city's list place_kinds; known: none"):
        empty.ask("register_place", "operator", place="350104", kind="district", name="仓山区")


def test_views_are_what_a_replay_makes_of_the_log(desk: Desk, tmp_path: Path) -> None:
    """(part of X01)"""
    desk.ask("count_households", "operator", place=BUILDING, households=100)
    other = Desk("registry", tmp_path / "other")
    records = list(desk.node.log.read())
    other.node.followers["registry"].apply(records)
    for view in DEFINITION.all_views:
        assert other.node.views.find(view.name, limit=500) == desk.node.views.find(view.name, limit=500)
    other.close()


def test_what_is_not_there_is_named(read_only: Desk) -> None:
    with pytest.raises(NotFoundError, match="no place 9"):
        read_only.ask("get_place", place="9")
    assert read_only.ask("find_persons", "operator", place__under="9") == {"rows": [], "next": None}


def test_places_are_found_from_the_top_down(read_only: Desk) -> None:
    assert [row["place"] for row in read_only.ask("find_places", topmost=True)["rows"]] == ["350104"]
    assert [row["place"] for row in read_only.ask("find_places", parent="350104")["rows"]] == [STREET]
    assert len(read_only.ask("find_places", kind="building", order="-place")["rows"]) == 2


def test_answers_say_what_the_reader_may_do(read_only: Desk) -> None:
    (branch,) = read_only.ask("find_organisations", CHEN, level="compound")["rows"]
    assert branch["actions"] == ["move_organisation"], "groups are below it"
    group = read_only.ask("find_organisations", CHEN, level="building")["rows"][0]
    assert group["actions"] == ["dissolve_organisation", "move_organisation"]
    page = read_only.ask("get_place", "operator", place=COMPOUND)
    assert page["actions"] == ["rename_place", "measure_place", "count_households", "describe_place"]
    assert read_only.ask("get_place", place=COMPOUND)["actions"] == []
    row = read_only.ask("find_posts", CHEN, role="grid_worker")["rows"][0]
    assert row["actions"] == ["appoint_person"], "nobody holds it"
