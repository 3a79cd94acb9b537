"""The city's profile: one document that adopts and retires entries at once; versions grow, codes in use stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from shared.domain.city import City
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.identity import new_id
from shared.log import Commit, NewEvent
from shared.words import ROOT
from tests.domain.history.record import stored
from tests.domain.registry.facts import LEVELS, PROFILE, words
from tests.kit.desk import Desk
from tests.kit.spec import AT

SECOND = PROFILE | {"version": 2, "effective": ""}


def adopt(desk: Desk, profile: dict[str, Any], by: str = "operator", id: str = "fuzhou") -> Any:
    return desk.ask("adopt_profile", by, profile_id=id, **profile)


def changed(part: str, **codes: Any) -> dict[str, Any]:
    return SECOND | {part: PROFILE[part] | codes}


def test_a_document_writes_an_entry_for_each_code_in_one_act(desk: Desk) -> None:
    records = [record for record in desk.log.read() if record.command == "adopt_profile"]
    assert records[0].type == "ProfilePublished" and {record.type for record in records[1:]} == {"EntryAdopted"}
    assert {record.digest for record in records} == {records[0].digest}
    streams = [record.stream for record in records]
    assert "entry-levels.street" in streams and "entry-parameters.claim_days" in streams
    assert len(set(streams)) == len(streams)
    assert list(desk.node.city("2018-01-01").entries("levels")) == list(LEVELS)
    assert desk.node.city("2017-12-31").entries("levels") == {}


def test_the_next_version_writes_only_what_changes(desk: Desk) -> None:
    before = desk.log.head().position
    lists = PROFILE["code_lists"]
    more = lists | {"issue_categories": {"roof": words("roof")}, "measures": {}}
    adopt(desk, SECOND | {"code_lists": more})
    written = [(one.type, one.stream) for one in desk.log.read(before)]
    assert written[0] == ("ProfilePublished", "profile-fuzhou")
    assert sorted(written[1:]) == [
        ("EntryAdopted", "entry-issue_categories.roof"),
        ("EntryRetired", "entry-issue_categories.lamp"),
        ("EntryRetired", "entry-measures.area"),
        ("EntryRetired", "entry-measures.housing-reform"),
        ("EntryRetired", "entry-measures.residents"),
    ]
    assert list(desk.node.city("2025-03-04").entries("issue_categories")) == ["roof"]
    assert list(desk.node.city("2025-03-03").entries("issue_categories")) == ["lamp"]


def test_the_same_document_again_changes_nothing(desk: Desk) -> None:
    assert adopt(desk, PROFILE)["events"] == 0
    adopt(desk, SECOND)
    assert adopt(desk, SECOND)["events"] == 0


def test_the_depth_of_the_tree_is_data(empty: Desk) -> None:
    """Five levels in one city, three in another (part of A03, C06)."""
    three = [{"code": code, **words(code)} for code in ("city", "street", "community")]
    adopt(empty, PROFILE | {"levels": three})
    assert [level["code"] for level in empty.ask("get_profile")["levels"]] == ["city", "street", "community"]


def test_a_profile_is_what_holds_or_what_was_adopted(desk: Desk) -> None:
    adopt(desk, changed("parameters", claim_days=7))
    assert desk.ask("get_profile")["parameters"]["claim_days"] == 7
    assert desk.ask("get_profile", version=1)["parameters"]["claim_days"] == 14
    found = desk.ask("get_profile")
    assert (found["city"], found["version"], found["effective"]) == ("福州", 2, "2025-03-04")
    assert found["code_lists"]["severities"]["big"] == words("big", rank=2, tier="")
    assert found["powers"]["secretary"][0] == "issue.*" and found["powers"]["anonymous"] == []
    assert {role["code"]: role["intake"] for role in found["roles"]}["grid_worker"] == 1
    desk.ask("adopt_entry", "operator", kind="channels", code="fax", zh="传真", en="fax")
    assert "fax" in desk.ask("get_profile")["code_lists"]["channels"]
    assert "fax" not in desk.ask("get_profile", version=2)["code_lists"]["channels"]
    with pytest.raises(NotFoundError, match="version 3"):
        desk.ask("get_profile", version=3)


def test_what_is_asked_for_as_it_holds_can_be_adopted_again(desk: Desk) -> None:
    """The answer is a document: what was adopted one by one is in it."""
    desk.ask("adopt_entry", "operator", kind="channels", code="fax", zh="传真", en="fax")
    found = desk.ask("get_profile")
    document = {name: found[name] for name in PROFILE} | {"version": 2, "effective": ""}
    assert adopt(desk, document)["events"] == 1


@pytest.mark.parametrize(
    ("change", "field", "match"),
    [
        ({"city": "太原"}, "version", "versions must grow"),
        ({"version": 2, "effective": "2017-12-31"}, "effective", "effective since 2018-01-01"),
        ({"version": 2, "effective": "2025-03-05"}, "effective", "not ahead"),
    ],
)
def test_versions_come_in_turn(read_only: Desk, change: dict[str, Any], field: str, match: str) -> None:
    with pytest.raises(IllegalStateError, match=match) as refused:
        adopt(read_only, PROFILE | change)
    assert set(refused.value.fields) == {field}


def test_one_profile_rules_a_city(read_only: Desk) -> None:
    with pytest.raises(IllegalStateError, match="runs under the profile fuzhou"):
        adopt(read_only, SECOND, id="taiyuan")


def without(part: str, code: str) -> dict[str, Any]:
    lists = PROFILE["code_lists"]
    return SECOND | {"code_lists": lists | {part: {k: v for k, v in lists[part].items() if k != code}}}


@pytest.mark.parametrize(
    ("profile", "path"),
    [
        (SECOND | {"levels": PROFILE["levels"][:4]}, ("levels", "building")),
        (
            SECOND | {"roles": [role for role in PROFILE["roles"] if role["code"] != "secretary"], "powers": {}},
            ("roles", "secretary"),
        ),
        (without("organisation_types", "party"), ("code_lists", "organisation_types", "party")),
        (without("place_kinds", "building"), ("code_lists", "place_kinds", "building")),
    ],
)
def test_codes_in_use_are_not_dropped(read_only: Desk, profile: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(IllegalStateError, match="drops codes that are in use") as refused:
        adopt(read_only, profile)
    reason: Any = refused.value.fields
    for name in path:
        reason = reason[name]
    assert "in use" in reason


def lists(**change: Any) -> dict[str, Any]:
    return SECOND | {"code_lists": PROFILE["code_lists"] | change}


@pytest.mark.parametrize(
    ("profile", "path", "reason"),
    [
        (SECOND | {"levels": PROFILE["levels"] * 2}, ("levels", "area"), "listed twice"),
        (SECOND | {"roles": PROFILE["roles"] * 2}, ("roles", "secretary"), "listed twice"),
        (SECOND | {"levels": PROFILE["levels"][:1]}, ("roles", "grid_worker", "level"), "list levels"),
        (SECOND | {"roles": PROFILE["roles"][:3]}, ("roles", "anonymous"), "act from no post"),
        (changed("powers", cashier=[]), ("powers", "cashier"), "no role of the profile"),
        (changed("powers", secretary=["registry.sing"]), ("powers", "secretary", "registry.sing"), "no command"),
        (SECOND | {"parameters": {}}, ("parameters", "claim_days"), "is missing"),
        (changed("parameters", claim_days=0), ("parameters", "claim_days"), "from 1 to 365"),
        (changed("parameters", claim_day=3), ("parameters", "claim_day"), "no rule reads"),
        (lists(castles={"a": words("a")}), ("code_lists", "castles"), "no list that the program knows"),
        (lists(levels={"a": words("a")}), ("code_lists", "levels"), "no list that the program knows"),
        (lists(place_kinds={}), ("code_lists", "place_kinds"), "at least one code"),
        (SECOND | {"code_lists": {}}, ("code_lists", "widths"), "at least one code"),
        (lists(severities={"a": words("a")}), ("code_lists", "severities", "a", "rank"), "is missing"),
        (lists(severities={c: words(c, rank=1) for c in "ab"}), ("code_lists", "severities", "b", "rank"), "that of a"),
        (lists(channels={"a": words("a", rank=1)}), ("code_lists", "channels", "a", "rank"), "not asked for"),
        (lists(review_bodies={"a": words("a")}), ("code_lists", "review_bodies", "a", "type"), "is missing"),
        (
            lists(review_bodies={"a": words("a", type="club")}),
            ("code_lists", "review_bodies", "a", "type"),
            "on the city",
        ),
        (
            SECOND | {"obligations": [{"code": "r", **words("r"), "cadence": "year", "bearer": "club"}]},
            ("obligations", "r", "bearer"),
            "organisation_types",
        ),
    ],
)
def test_a_mistake_is_named_with_field_and_reason(
    read_only: Desk, profile: dict[str, Any], path: tuple[str, ...], reason: str
) -> None:
    before = read_only.log.head()
    with pytest.raises(BadInputError) as refused:
        adopt(read_only, profile)
    found: Any = refused.value.fields
    for name in path:
        found = found[name]
    assert reason in str(found)
    assert read_only.log.head() == before


def test_checklists_and_obligations_are_entries(desk: Desk) -> None:
    star = {"code": "star", **words("star"), "subject": "place", "power": "registry.place"}
    star |= {"items": [{"code": "clean", **words("clean")}]}
    owed = {"code": "report", **words("report"), "cadence": "half_year", "bearer": "party", "power": "registry.place"}
    adopt(desk, SECOND | {"checklists": [star], "obligations": [owed]})
    (row,) = desk.ask("find_entries", kind="obligations")["rows"]
    assert row["data"] == {
        "cadence": "half_year",
        "bearer": "party",
        "amount": 1,
        "spacing": 0,
        "workdays": False,
        "unit": "times",
        "persons": 0,
        "weekday": 0,
        "days": 1,
        "festivals": [],
        "ahead": 0,
        "meeting": "",
        "power": "registry.place",
    }
    (found,) = desk.ask("get_profile")["checklists"]
    assert found == star | {"unlocks": "", "scheme": "", "standing": ""}


def test_what_a_list_says_of_a_code_stands_beside_its_words(desk: Desk) -> None:
    """(part of B32)"""
    adopt(desk, lists(activity_kinds={"service": words("service"), "story": words("story", needs="station")}))
    found = desk.node.city().entries("activity_kinds")
    assert {code: entry.data for code, entry in found.items()} == {
        "service": {"needs": ""},
        "story": {"needs": "station"},
    }
    assert desk.ask("get_profile")["code_lists"]["activity_kinds"]["story"] == words("story", needs="station")


def test_it_takes_the_power(read_only: Desk) -> None:
    for by in ("", "p-lin", "post-secretary"):
        with pytest.raises(ForbiddenError, match="registry.profile"):
            adopt(read_only, SECOND, by)


def test_the_profile_of_the_city_that_is_told_has_no_mistakes(empty: Desk) -> None:
    """Every list, parameter and role is there, and each power of it is asked for by some service."""
    told = yaml.safe_load((ROOT / "deploy" / "scenarios" / "sanchajie.yaml").read_text())["data"]["profile"]
    empty.ask("adopt_profile", "operator", **told)
    assert empty.ask("get_profile")["parameters"] == told["parameters"]
    intake = {role["code"]: role["intake"] for role in empty.ask("get_profile")["roles"] if role["intake"]}
    assert sorted(intake, key=lambda role: intake[role])[:3] == [
        "compound_secretary",
        "community_worker",
        "community_secretary",
    ]


@pytest.fixture
def former(empty: Desk) -> tuple[Desk, dict[str, Any]]:
    """A city that was founded before there were entries, and the document that it was founded on."""
    line = next(line for line in stored("registry") if line["type"] == "ProfileAdopted")
    data = json.loads(line["data"])
    event = NewEvent(type="ProfileAdopted", schema=1, data=msgspec.Raw(line["data"].encode()), id=new_id(), occurred=AT)
    empty.log.append(
        Commit(
            stream=f"profile-{data['profile_id']}",
            expected_version=0,
            events=(event,),
            command="adopt_profile",
            command_id="founded",
            actor="founder",
        )
    )
    empty.catch_up()
    return empty, data


def test_a_city_founded_on_a_former_profile_adopts_the_next_version(former: tuple[Desk, dict[str, Any]]) -> None:
    """Entries that stay the same are not adopted anew, those that the program had said become the city's."""
    desk, data = former
    desk.ask("register_place", "operator", place="350104", kind="district", name="仓山区")
    found = desk.ask("get_profile")
    assert found["code_lists"]["place_kinds"].keys() == data["code_lists"]["place_kinds"].keys()
    assert found["code_lists"]["severities"]["big"]["rank"] == 3
    assert desk.ask("get_profile", version=1)["parameters"] == data["parameters"]
    document = {name: found[name] for name in PROFILE} | {"version": 2, "effective": ""}
    document["powers"] = {role: [] for role in document["powers"]}
    document["code_lists"]["place_kinds"]["street"]["zh"] = "街镇"
    with pytest.raises(BadInputError) as refused:  # a former city did not say which organisations review
        adopt(desk, document, id=data["profile_id"])
    assert set(refused.value.fields["code_lists"]) == {"review_bodies"}
    for body in document["code_lists"]["review_bodies"].values():
        body["type"] = next(iter(data["code_lists"]["organisation_types"]))
    document["parameters"] |= {"untaken_days": 5, "reopen_days": 30}  # what rules ask for since then
    with pytest.raises(IllegalStateError, match="versions must grow"):
        adopt(desk, document | {"version": 1}, id=data["profile_id"])
    desk.ask("adopt_profile", "operator", profile_id=data["profile_id"], **document)
    kinds = City(desk.node.views, "2025-03-04").versions("place_kinds")
    assert [one.version for one in kinds["street"]][-1] == 2 and [one.version for one in kinds["district"]] == [1]
    assert desk.ask("get_profile")["version"] == 2


def test_an_entry_of_a_former_profile_is_retired(former: tuple[Desk, dict[str, Any]], tmp_path: Path) -> None:
    desk, _data = former
    assert desk.ask("retire_entry", "operator", kind="channels", code="meeting", reason="不用")["events"] == 1
    assert "meeting" not in desk.node.city("2025-03-04").entries("channels")


def test_a_city_that_adopted_its_entries_one_by_one_has_their_words_too(empty: Desk) -> None:
    with pytest.raises(NotFoundError):
        empty.ask("get_profile")
    for code, data in (("street", {"rank": 1}), ("compound", {"rank": 2})):
        entry = {"kind": "levels", "code": code, **words(code), "data": data, "since": "2025-01-02"}
        empty.ask("adopt_entry", "operator", **entry)
    empty.ask("adopt_entry", "operator", kind="place_kinds", code="yard", zh="院落", en="yard", since="2025-01-02")
    found = empty.ask("get_profile")
    assert [level["code"] for level in found["levels"]] == ["street", "compound"]
    assert found["code_lists"]["place_kinds"] == {"yard": {"zh": "院落", "en": "yard"}}
    assert (found["profile_id"], found["version"], found["effective"]) == ("", 0, "2025-01-02")
