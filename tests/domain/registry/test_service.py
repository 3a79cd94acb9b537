"""A city is founded through the service: what was commanded is what the queries show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.registry.definition import DEFINITION, POWERS
from services.registry.schemas import COMMANDS, QUERIES
from services.registry.service import RegistryService
from shared.domain.errors import (
    BadInputError,
    CorruptionError,
    ForbiddenError,
    IllegalStateError,
    LinliError,
    NotFoundError,
)
from shared.following.context import Context
from tests.domain.registry.city import OPERATOR, PUBLIC, City
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, PROFILE, STREET

CHEN = Context(kind="person", actor="p-chen", post="post-secretary", occurred="2025-03-04T10:00:00+08:00")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path)
    yield city
    city.close()


@pytest.fixture
def city(empty: City) -> City:
    """Fuzhou: four levels from street to building, one compound of 232 households in two buildings (C02, C06)."""
    ask = empty.ask
    powers = {
        "secretary": ["registry.appoint", "registry.person", "registry.read_names", "registry.organisation"],
        "grid_worker": [],
    }
    ask("adopt_profile", profile_id="fuzhou", **PROFILE | {"powers": powers})
    for place, kind, name in (
        ("350104", "district", "仓山区"),
        (STREET, "street", "三叉街街道"),
        (COMMUNITY, "community", "社区"),
        (COMPOUND, "compound", "联邦新城"),
        (BUILDING, "building", "1号楼"),
        (COMPOUND + ".02", "building", "2号楼"),
    ):
        ask("register_place", place=place, kind=kind, name=name, parent=place.rpartition(".")[0])
    for id, level, place, parent in (
        ("street-committee", "street", STREET, ""),
        ("committee", "community", COMMUNITY, "street-committee"),
        ("branch", "compound", COMPOUND, "committee"),
        ("group-1", "building", BUILDING, "branch"),
        ("group-2", "building", COMPOUND + ".02", "branch"),
    ):
        ask(
            "establish_organisation",
            organisation_id=id,
            type="party",
            name=f"{level}党组织",
            level=level,
            place=place,
            parent_id=parent,
            since="2020-01-01",
        )
    ask("establish_post", post_id="post-secretary", organisation_id="committee", role="secretary", title="书记")
    ask("establish_post", post_id="post-grid", organisation_id="committee", role="grid_worker", title="网格员")
    ask("register_person", person_id="p-chen", name="陈依明", place=COMMUNITY)
    ask("register_person", person_id="p-lin", name="林秀英", place=COMMUNITY)
    ask("appoint_person", post_id="post-secretary", person_id="p-chen", since="2025-01-01")
    return empty


def facts(city: City) -> list[Any]:
    return [(record.type, record.place) for record in city.node.log.read()]


def test_every_method_has_a_schema_and_a_sentence() -> None:
    for name, schema in {**COMMANDS, **QUERIES}.items():
        assert callable(getattr(RegistryService, name))
        assert schema.__doc__ and schema.__doc__.strip().endswith(".")
        for field, kind in schema().fields.items():
            assert kind.metadata.get("description"), f"{name}.{field} has no description"
    assert all(sentence.endswith(".") for sentence in POWERS.values())


def test_facts_are_published_under_their_place(city: City) -> None:
    assert ("PersonAppointed", COMMUNITY) in facts(city)
    assert ("OrganisationEstablished", BUILDING) in facts(city)
    assert facts(city)[0] == ("ProfileAdopted", "")


def test_a_name_is_nowhere_in_the_log_and_the_views(city: City, tmp_path: Path) -> None:
    """(X09)"""
    stored = b"".join(bytes(record.data) for record in city.node.log.read())
    assert "陈依明".encode() not in stored and b"sealed:v1:p-chen:" in stored
    files = b"".join(file.read_bytes() for file in tmp_path.glob("*.sqlite*"))
    assert "陈依明".encode() not in files


def test_names_are_masked_for_the_public_and_open_for_staff_of_the_place(city: City) -> None:
    everyone = {"person_ids": ["p-chen", "p-lin", "p-nobody"]}
    assert city.ask("person_names", PUBLIC, **everyone) == {"names": {"p-chen": "陈*", "p-lin": "林*"}}
    assert city.ask("person_names", CHEN, **everyone) == {"names": {"p-chen": "陈依明", "p-lin": "林秀英"}}
    city.ask("register_person", person_id="p-far", name="王建国", place=STREET)
    assert city.ask("person_names", CHEN, person_ids=["p-far"]) == {"names": {"p-far": "王*"}}
    assert [row["name"] for row in city.ask("find_persons", CHEN, place__under=COMMUNITY)["rows"]] == [
        "陈依明",
        "林秀英",
    ]
    for asked in ({}, {"place__under": STREET}):
        with pytest.raises(ForbiddenError, match="read_names"):
            city.ask("find_persons", CHEN, **asked)


def test_an_erased_person_is_unreadable_everywhere(city: City) -> None:
    """(X09)"""
    sealed = next(record for record in city.node.log.read() if record.type == "PersonRegistered")
    with pytest.raises(IllegalStateError, match="holds the post post-secretary"):
        city.ask("erase_person", person_id="p-chen", reason="本人申请")
    city.ask("end_appointment", post_id="post-secretary", person_id="p-chen")
    command = msgspec.structs.replace(OPERATOR, command_id="erase-chen")
    first = city.ask("erase_person", command, person_id="p-chen", reason="本人申请")
    assert city.ask("erase_person", command, person_id="p-chen", reason="本人申请") == first
    assert city.ask("person_names", person_ids=["p-chen"]) == {"names": {"p-chen": ""}}
    assert city.personal.open(msgspec.json.decode(sealed.data)["name"]) is None
    assert [row["person_id"] for row in city.ask("find_persons")["rows"]] == ["p-lin"]
    with pytest.raises(IllegalStateError, match="erased"):
        city.ask("appoint_person", post_id="post-secretary", person_id="p-chen")
    assert city.ask("find_posts", role="secretary")["rows"][0]["holder"] == ""


def test_a_name_that_was_altered_is_reported(city: City) -> None:
    row = city.node.views.get("persons", "p-chen")
    assert row is not None
    city.node.views.save({("persons", "p-chen"): row | {"name": row["name"].replace("p-chen", "p-lin")}})
    with pytest.raises(CorruptionError, match="p-chen"):
        city.ask("person_names", person_ids=["p-chen"])


def test_posts_show_who_holds_them(city: City) -> None:
    rows = {row["post_id"]: row for row in city.ask("find_posts", PUBLIC, place__under=STREET)["rows"]}
    secretary = rows["post-secretary"]
    assert (secretary["holder"], secretary["organisation"], secretary["vacant"]) == ("陈*", "community党组织", False)
    assert rows["post-grid"]["vacant"] is True and rows["post-grid"]["holder"] == ""
    assert [row["post_id"] for row in city.ask("find_posts", vacant=True)["rows"]] == ["post-grid"]
    held = city.ask("posts_of_person", PUBLIC, person_id="p-chen")["posts"]
    assert [(post["post_id"], post["role"], post["title"], post["place"]) for post in held] == [
        ("post-secretary", "secretary", "书记", COMMUNITY)
    ]
    assert city.ask("posts_of_person", person_id="p-chen", on="2024-12-31") == {"posts": []}


def test_powers_follow_the_post(city: City) -> None:
    """The secretary appoints; when the term is over the power is gone (C13)."""
    city.ask("appoint_person", CHEN, post_id="post-grid", person_id="p-lin")
    city.ask("end_appointment", post_id="post-secretary", person_id="p-chen")
    with pytest.raises(ForbiddenError, match="not yours"):
        city.ask("end_appointment", CHEN, post_id="post-grid", person_id="p-lin")
    terms = city.ask("find_appointments", person_id="p-chen")["rows"]
    assert [(row["since"], row["until"]) for row in terms] == [("2025-01-01", "2025-03-04")]


def test_the_public_and_residents_may_change_nothing(city: City) -> None:
    resident = Context(kind="person", actor="p-lin")
    for caller in (PUBLIC, resident):
        with pytest.raises(ForbiddenError):
            city.ask("register_place", caller, place=COMPOUND + ".03", kind="building", name="3号楼", parent=COMPOUND)
        with pytest.raises(ForbiddenError):
            city.ask("register_person", caller, person_id="p-new", name="林某")
    assert city.personal._keys.get("p-new") is None


def test_a_post_that_goes_with_another_falls_due(city: City) -> None:
    """When the grid worker changes, the branch's secretary is to follow (A11)."""
    city.ask(
        "establish_post",
        post_id="post-branch",
        organisation_id="branch",
        role="secretary",
        title="支部书记",
        ex_officio_post_id="post-grid",
    )

    def due() -> bool:
        return bool(city.ask("find_posts", organisation_id="branch")["rows"][0]["succession_due"])

    assert due() is False
    with pytest.raises(IllegalStateError, match="goes with post-grid"):
        city.ask("appoint_person", post_id="post-branch", person_id="p-lin")
    city.ask("appoint_person", post_id="post-grid", person_id="p-lin", since="2025-01-01")
    assert due() is True
    city.ask("appoint_person", post_id="post-branch", person_id="p-lin", since="2025-01-01")
    assert due() is False
    city.ask("end_appointment", post_id="post-grid", person_id="p-lin")
    assert due() is True


def test_codes_in_use_stay_in_the_profile(city: City) -> None:
    with pytest.raises(IllegalStateError, match="level area"):
        city.ask("adopt_profile", profile_id="fuzhou", **PROFILE | {"version": 2, "levels": PROFILE["levels"] * 2})
    with pytest.raises(IllegalStateError, match="level building is in use"):
        city.ask("adopt_profile", profile_id="fuzhou", **PROFILE | {"version": 2, "levels": PROFILE["levels"][:4]})
    city.ask("adopt_profile", profile_id="fuzhou", **PROFILE | {"version": 2, "parameters": {"extension_days": 7}})
    assert city.ask("get_profile")["parameters"] == {"extension_days": 7}
    assert city.ask("get_profile", PUBLIC, version=1)["parameters"] == {"extension_days": 5}
    with pytest.raises(NotFoundError, match="version 3"):
        city.ask("get_profile", version=3)


def test_an_organisation_ends_after_what_is_in_it(city: City) -> None:
    with pytest.raises(IllegalStateError, match="2 below it"):
        city.ask("dissolve_organisation", organisation_id="branch", reason="合并")
    city.ask("establish_post", post_id="post-1", organisation_id="group-1", role="secretary", title="组长")
    city.ask("appoint_person", post_id="post-1", person_id="p-lin")
    with pytest.raises(IllegalStateError, match="组长"):
        city.ask("dissolve_organisation", organisation_id="group-1", reason="合并")
    city.ask("end_appointment", post_id="post-1", person_id="p-lin")
    city.ask("dissolve_organisation", organisation_id="group-1", reason="合并")
    with pytest.raises(IllegalStateError, match="dissolved"):
        city.ask("appoint_person", post_id="post-1", person_id="p-lin")
    assert [row["organisation_id"] for row in city.ask("find_organisations", level="building")["rows"]] == ["group-2"]
    assert len(city.ask("find_organisations", level="building", on="2025-03-03")["rows"]) == 2


def test_ids_are_made_when_none_are_given(city: City) -> None:
    command = msgspec.structs.replace(OPERATOR, command_id="register-wang")
    first = city.ask("register_person", command, name="王建国")
    assert city.ask("register_person", command, name="王建国") == first
    other = city.ask("register_person", name="王建国")
    assert first["id"] != other["id"] and first["events"] == 1


@pytest.mark.parametrize(
    ("method", "change", "field"),
    [
        ("register_place", {"place": "350104.013."}, "place"),
        ("register_place", {"place": "仓山"}, "place"),
        ("register_place", {"name": ""}, "name"),
        ("register_place", {"name": "x" * 101}, "name"),
        ("register_place", {"name": " 楼"}, "name"),
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
    city: City, method: str, change: dict[str, Any], field: str
) -> None:
    before = city.node.log.head()
    place = (
        {"place": BUILDING, "kind": "building", "name": "1号楼", "parent": COMPOUND}
        if method == "register_place"
        else {}
    )
    with pytest.raises(BadInputError) as caught:
        city.ask(method, **place | change)
    assert caught.value.fields.get(field), caught.value.fields
    assert city.node.log.head() == before


def test_before_there_is_a_profile_organisations_wait(empty: City) -> None:
    with pytest.raises(NotFoundError, match="no profile"):
        empty.ask("get_profile")
    empty.ask("register_place", place="350104", kind="district", name="仓山区")
    with pytest.raises(IllegalStateError, match="adopt one first"):
        empty.ask("establish_organisation", type="party", name="区委", level="street", place="350104")


def test_views_are_what_a_replay_makes_of_the_log(city: City, tmp_path: Path) -> None:
    """(X01)"""
    city.ask("count_households", place=BUILDING, households=100)
    other = City(tmp_path / "other")
    records = list(city.node.log.read())
    other.node.followers["registry"].apply(records)
    for view in DEFINITION.all_views:
        assert other.node.views.find(view.name, limit=500) == city.node.views.find(view.name, limit=500)
    other.close()


def test_errors_are_those_of_linli(city: City) -> None:
    with pytest.raises(LinliError, match="no place 9 "):
        city.ask("get_place", place="9")
