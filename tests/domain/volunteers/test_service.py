"""The service from its methods: shapes, sealed names, who sees what, and figures."""

import pytest

from services.volunteers.definition import DEFINITION
from services.volunteers.service import VolunteerService
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.volunteers.city import BEYOND, HERE, STREET, THERE, City

STARTED = "2025-03-04T09:00:00+08:00"


def register(city: City, *people: str, home: str = HERE) -> None:
    for person in people:
        city.ask("register_volunteer", who="director", person_id=person, name=f"陈{person}", home=home)


def activity(
    city: City, id: str, people: dict[str, int], place: str = HERE, kind: str = "station", sessions: int = 1
) -> None:
    city.ask("plan_activity", who="director", activity_id=id, title="t", kind=kind, place=place, starts=STARTED)
    attendances = [{"person_id": person, "minutes": minutes} for person, minutes in people.items()]
    city.ask("record_attendance", who="director", activity_id=id, attendances=attendances)
    city.ask("hold_activity", who="director", activity_id=id, sessions=sessions)


def test_every_command_and_query_has_a_method_and_descriptions():
    for name, schema in {**DEFINITION.commands, **DEFINITION.queries}.items():
        assert callable(getattr(VolunteerService, name))
        assert schema.__doc__
        assert all(field.metadata.get("description") for field in schema().fields.values()), name


def test_names_are_sealed_in_the_log_masked_for_the_public_and_open_to_staff(city: City):
    register(city, "p-1")
    assert "陈" not in city.stored
    assert city.ask("get_volunteer", who="", person_id="p-1")["name"] == "陈*"
    assert city.ask("find_volunteers", place__under=STREET)["rows"][0]["name"] == "陈p-1"
    assert city.ask("get_volunteer", who="p-1")["name"] == "陈p-1"
    city.personal.erase("p-1")
    assert city.ask("get_volunteer", person_id="p-1")["name"] == ""
    with pytest.raises(NotFoundError):
        city.ask("get_volunteer", person_id="p-9")


def test_bad_input_names_the_field_and_the_reason(city: City):
    with pytest.raises(BadInputError) as caught:
        city.ask("register_volunteer", person_id="P 1", name=" ", home="350104..013", extra=1)
    assert set(caught.value.fields) == {"person_id", "name", "home", "extra"}
    for starts in ("2025-03-04", "2025-03-04T09:00:00", "2025-W10-1T09:00:00+08:00", "9999-12-31T23:59:59-12:00"):
        with pytest.raises(BadInputError) as caught:
            city.ask("plan_activity", title="t", kind="station", place=HERE, starts=starts)
        assert "offset" in str(caught.value.fields["starts"])
    with pytest.raises(BadInputError) as caught:
        city.ask("claim_wish", wish_id="w-1", days=1.5)
    assert set(caught.value.fields) == {"days"}
    with pytest.raises(BadInputError, match="mistakes"):
        city.ask("find_volunteers", limit=501)
    with pytest.raises(BadInputError, match="sorted by"):
        city.ask("find_volunteers", order="name")


def test_a_repeated_command_gives_the_first_receipt(city: City):
    first = city.ask("form_team", command_id="c-same", kind="safety", name="平安", place=HERE)
    again = city.ask("form_team", command_id="c-same", kind="safety", name="平安", place=HERE)
    assert first == again and city.node.log.head().position == 1


def test_lists_page_by_cursor(city: City):
    register(city, *(f"p-{number}" for number in range(7)))
    register(city, "p-far", home=BEYOND)
    seen, cursor = [], None
    while True:
        page = city.ask("find_volunteers", who="", place__under=STREET, limit=3, cursor=cursor)
        seen += [row["person_id"] for row in page["rows"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [f"p-{number}" for number in range(7)]


def test_roles_teams_and_members(city: City):
    register(city, "p-1", "p-2")
    city.ask("take_role", person_id="p-1", role="mediator", place=HERE)
    assert [row["name"] for row in city.ask("find_roles", who="", role="mediator")["rows"]] == ["陈*"]
    team = city.ask("form_team", kind="safety", name="平安", place=HERE)["id"]
    for person in ("p-1", "p-2"):
        city.ask("join_team", who=person, team_id=team)
    assert city.ask("find_teams", who="", kind="safety")["rows"][0]["members"] == 2
    assert [row["name"] for row in city.ask("find_members", team_id=team)["rows"]] == ["陈p-1", "陈p-2"]
    city.ask("leave_team", who="p-2", team_id=team)
    city.ask("leave_role", who="p-1", person_id="p-1", role="mediator", place=HERE)
    assert city.ask("find_roles", who="")["rows"] == []
    assert city.ask("get_volunteer", person_id="p-1")["teams"] == [team]


def test_the_codes_of_the_city_come_from_its_profile(city: City):
    city.node.views.save({("team_kinds", "codes"): {"codes": {"dragon": {"zh": "龙", "en": "Dragon"}}}})
    city.ask("form_team", kind="dragon", name="龙舟", place=HERE)
    with pytest.raises(IllegalStateError, match="known are dragon"):
        city.ask("form_team", kind="safety", name="平安", place=HERE)


def test_a_volunteer_the_view_has_not_seen_yet_is_known_from_the_log(city: City):
    register(city, "p-1")
    city.ask("plan_activity", activity_id="a-1", title="t", kind="station", place=HERE, starts=STARTED)
    city.node.views.save({("volunteers", "p-1"): None})
    attendances = [{"person_id": "p-1", "minutes": 5}]
    assert city.ask("record_attendance", activity_id="a-1", attendances=attendances)["events"] == 1


def test_patrols_carry_who_answers_for_the_findings(city: City):
    register(city, "p-1", "p-2")
    city.ask("form_team", team_id="t-1", kind="safety", name="平安", place=HERE)
    for person in ("p-1", "p-2"):
        city.ask("join_team", team_id="t-1", person_id=person)
    ask = {"team_id": "t-1", "place": HERE, "members": ["p-1", "p-2"]}
    city.ask("plan_patrol", patrol_id="r-1", starts=STARTED, **ask)
    assert [row["status"] for row in city.ask("find_patrols")["rows"]] == ["planned"]
    found = [{"category": "fire_lane", "description": "blocked"}, {"category": "parking", "description": "faded lines"}]
    city.ask("log_patrol", patrol_id="r-1", route="gate", started=STARTED, minutes=30, findings=found, **ask)
    record = list(city.node.log.read(0, limit=100))[-1]
    assert (record.type, record.mandate, record.on_behalf_of, record.place) == (
        "PatrolLogged",
        "worker",
        "community",
        HERE,
    )
    row = city.ask("find_patrols")["rows"][0]
    assert [(f["finding_id"], f["place"]) for f in row["findings"]] == [("r-1-1", HERE), ("r-1-2", HERE)]
    assert (row["status"], row["post_id"]) == ("logged", "worker")
    figures = city.ask("volunteer_figures", place=STREET)
    assert (figures["patrols"], figures["patrol_person_times"], figures["findings"]) == (1, 2, 2)
    assert city.ask("get_volunteer", person_id="p-1")["patrol_minutes"] == 30
    with pytest.raises(ForbiddenError):
        city.ask("find_patrols", who="p-1")


def test_report_ins_are_listed_for_those_who_confirm_them(city: City):
    city.ask("survey_member", person_id="p-1", unit="bureau", level="district", place=HERE)
    city.ask("survey_member", person_id="p-2", unit="bureau", level="city", place=HERE)
    id = city.ask("report_in", who="p-1", unit="bureau", place=HERE)["id"]
    city.ask("report_in", kind="unit", unit="bureau", place="350104.013.002")
    city.ask("confirm_report_in", report_id=id, end="place")
    row = city.ask("find_report_ins", who="p-1", person_id="p-1")["rows"][0]
    assert (row["state"], row["ends"], row["level"]) == ("reported", ["place"], "district")
    assert [row["person_id"] for row in city.ask("find_report_ins", state="surveyed")["rows"]] == ["p-2"]
    with pytest.raises(ForbiddenError):
        city.ask("find_report_ins", who="p-2", person_id="p-1")
    figures = city.ask("volunteer_figures", who="", place=STREET)
    counted = ("members_surveyed", "members_reported", "members_not_reported", "members_confirmed", "units_reported")
    assert [figures[name] for name in counted] == [2, 1, 1, 0, 1]


def test_persons_and_person_times_are_counted_apart_in_every_territory(city: City):
    register(city, "p-1", "p-2", "p-3")
    activity(city, "a-1", {"p-1": 60, "p-2": 30}, sessions=2)
    activity(city, "a-2", {"p-1": 10}, place=THERE)
    activity(city, "a-3", {"p-1": 5, "p-3": 5}, place=BEYOND, kind="epidemic_duty")
    expected = {
        HERE: (2, 2, 2, 90),
        THERE: (1, 1, 1, 10),
        STREET: (3, 3, 2, 100),
        "350104": (4, 5, 3, 110),
        "": (4, 5, 3, 110),
    }
    for place, numbers in expected.items():
        f = city.ask("volunteer_figures", who="", place=place)
        assert (f["sessions"]["total"], f["person_times"]["total"], f["persons"], f["minutes"]["total"]) == numbers, (
            place
        )
    duty = city.ask("activity_figures", place="350104", kind="epidemic_duty")
    assert (duty["sessions"], duty["person_times"], duty["persons"]) == (1, 2, 2)
    assert city.ask("activity_figures", since="2025-03-05")["person_times"] == 0
    city.ask("withdraw_attendance", activity_id="a-2", person_id="p-1", reason="mixed up")
    f = city.ask("volunteer_figures", place=THERE)
    assert (f["person_times"]["total"], f["persons"], f["minutes"]["total"]) == (0, 0, 0)
    f = city.ask("volunteer_figures", place=STREET)
    assert (f["persons"], f["minutes"]["total"]) == (2, 90)
    assert city.ask("volunteer_figures", place="440300")["persons"] == 0


def test_who_took_part_is_shown_to_those_who_record_it(city: City):
    register(city, "p-1")
    activity(city, "a-1", {"p-1": 60})
    assert "attendances" not in city.ask("get_activity", who="", activity_id="a-1")
    assert city.ask("get_activity", activity_id="a-1")["attendances"]["rows"][0]["name"] == "陈p-1"
    assert [row["key"] for row in city.ask("find_activities", who="", kind="station", status="held")["rows"]] == ["a-1"]


def wish(city: City, id: str = "w-1") -> str:
    city.ask("ask_wish", who="p-1", wish_id=id, place=HERE, wish="请帮我修轮椅", wisher="陈秀英", contact="13800000000")
    return id


def test_a_wish_from_asking_to_confirmation_and_what_each_sees(city: City):
    id = wish(city)
    assert not any(word in city.stored for word in ("陈秀英", "轮椅", "13800000000"))
    with pytest.raises(NotFoundError):
        city.ask("get_wish", who="p-2", wish_id=id)
    with pytest.raises(IllegalStateError, match="names the wisher"):
        city.ask("publish_wish", wish_id=id, title="陈秀英的轮椅")
    city.ask("publish_wish", who="checker", wish_id=id, title="修一台轮椅")
    public = city.ask("get_wish", who="", wish_id=id)
    assert public["claimable"] and not {"wish", "wisher", "contact", "wisher_id", "claimant"} & set(public)
    assert "wisher" not in city.ask("get_wish", who="checker", wish_id=id)
    with pytest.raises(ForbiddenError, match="register first"):
        city.ask("claim_wish", who="p-2", wish_id=id)
    register(city, "p-2", "p-3")
    city.ask("claim_wish", who="p-2", wish_id=id)
    with pytest.raises(IllegalStateError, match="claimed already"):
        city.ask("claim_wish", who="p-3", wish_id=id)
    assert city.ask("get_wish", who="p-2", wish_id=id)["contact"] == "13800000000"
    assert "contact" not in city.ask("get_wish", who="p-3", wish_id=id)
    city.ask("fulfil_wish", who="p-2", wish_id=id)
    city.ask("confirm_wish", who="p-1", wish_id=id)
    assert city.ask("volunteer_figures", place=HERE)["wishes"] == {"total": 1, "by": {"confirmed": 1}}
    assert "contact" not in city.ask("get_wish", who="p-2", wish_id=id)
    assert city.parked() == 0


def test_the_wall_shows_what_can_be_claimed_today(city: City):
    register(city, "p-2")
    for id in ("w-1", "w-2", "w-3"):
        wish(city, id)
    for id in ("w-1", "w-2"):
        city.ask("publish_wish", wish_id=id, title="x", occurred="2025-03-01T09:00:00+08:00")
    city.ask("claim_wish", who="p-2", wish_id="w-2", days=1, occurred="2025-03-02T09:00:00+08:00")
    assert [row["wish_id"] for row in city.ask("find_wishes", who="", claimable=True)["rows"]] == ["w-1", "w-2"]
    assert city.ask("volunteer_figures", place=HERE)["claims_expired"] == 1
    assert city.ask("find_wishes", who="", status="asked")["rows"] == []
    assert [row["wish_id"] for row in city.ask("find_wishes", place__under=HERE, status="asked")["rows"]] == ["w-3"]
    assert len(city.ask("find_wishes", who="p-1", mine="asked")["rows"]) == 3
    assert [row["wish_id"] for row in city.ask("find_wishes", who="p-2", mine="claimed")["rows"]] == ["w-2"]
    assert city.ask("find_wishes", who="", mine="asked")["rows"] == []
    city.ask("claim_wish", who="p-2", wish_id="w-1")
    assert [row["wish_id"] for row in city.ask("find_wishes", who="", claimable=True)["rows"]] == ["w-2"]


def test_a_wisher_without_account_is_erased_by_key(city: City):
    city.ask("ask_wish", wish_id="w-1", place=HERE, wish="轮椅", wisher="陈秀英")
    city.ask("publish_wish", wish_id="w-1", title="x")
    assert city.ask("get_wish", wish_id="w-1")["wisher"] == "陈秀英"
    sealed = city.node.views.get("wishes", "w-1")["wisher"]
    city.ask("erase_wisher", wish_id="w-1", reason="asked for it")
    assert city.personal.open(sealed) is None
    assert city.ask("get_wish", wish_id="w-1")["wisher"] == ""


def test_residents_cannot_act_for_others(city: City):
    with pytest.raises(ForbiddenError):
        city.ask("register_volunteer", who="p-1", person_id="p-2", name="x", home=HERE)
    with pytest.raises(ForbiddenError):
        city.ask("ask_wish", who="p-1", place=HERE, wish="x", wisher="y", wisher_id="p-2")
    with pytest.raises(ForbiddenError):
        city.ask("register_volunteer", who="", name="x", home=HERE)
