"""Meetings of bodies at the registry's desk: called, held, resolved, minuted, carried out, and shown for what is owed."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.meeting.state import MEETING
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from shared.domain.mandate import Mandate
from shared.following.execute import load
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.domain.registry.facts import COMMUNITY, COMPOUND
from tests.kit.desk import Desk

EVENING = "T20:00:00+08:00"
DAY = "2025-03-10"
BODIES = {"o-owners": "owners", "o-firm": "firm", "o-council": "council", "o-red": "board"}


@pytest.fixture
def town(desk: Desk) -> Desk:
    """A compound with owners' committee, firm, council and board, whose community's secretary runs meetings."""
    officer(desk, "meeting.*", "obligation.*")
    adopt(desk, "organisation_types", "owners", "业委会")
    adopt(desk, "organisation_types", "firm", "物业企业")
    for id, type in BODIES.items():
        establish(desk, id, type)
    return desk


def kind(desk: Desk, code: str, zh: str, **data: Any) -> None:
    adopt(desk, "meetings", code, zh, **data)


def call(desk: Desk, code: str, **more: Any) -> str:
    asked: dict[str, Any] = {"organisation_id": "committee", "day": DAY, "agenda": [{"title": "议题"}]}
    at = more.pop("at", "")
    by = more.pop("by", "post-secretary")
    return str(desk.ask("call_meeting", by, at=at, kind=code, **asked | more)["id"])


def on_day(desk: Desk, command: str, id: str, **ask: Any) -> Any:
    at = f"{ask.pop('on', DAY)}{EVENING}"
    return desk.ask(command, ask.pop("by", "post-secretary"), at=at, meeting_id=id, **ask)


def held(desk: Desk, code: str, attended: dict[str, int], on: str = DAY, **more: Any) -> str:
    voices = {name: more.pop(name) for name in ("entitled", "present", "chair_post_id", "residents") if name in more}
    id = call(desk, code, day=on, **more)
    on_day(desk, "hold_meeting", id, on=on, attended=attended, **voices)
    return id


def test_meetings_on_a_topic_are_counted_by_body_and_period(town: Desk) -> None:
    """常委会会议 three times, 党建工作领导小组会议 twice; by body, topic and period; only those that were held (B03)."""
    for code, zh in (("standing-committee", "常委会会议"), ("leading-group", "党建工作领导小组会议")):
        kind(town, code, zh, callers=["party"], topics=True)
    adopt(town, "topics", "compounds", "党建引领小区治理")
    adopt(town, "topics", "flood", "防汛")
    with pytest.raises(BadInputError, match="not on the city's list topics"):
        call(town, "standing-committee")
    with pytest.raises(BadInputError, match="does not call such meetings"):
        call(town, "standing-committee", organisation_id="o-firm", topic="compounds")
    voices = {"entitled": 9, "present": 7, "topic": "compounds"}
    for day in ("2025-03-10", "2025-04-10", "2025-05-10"):
        held(town, "standing-committee", {"committee": 7}, on=day, **voices)
    for day in ("2025-03-11", "2025-06-11"):
        held(town, "leading-group", {"committee": 7}, on=day, **voices)
    held(town, "standing-committee", {"committee": 8}, on="2025-03-20", **voices | {"topic": "flood"})
    call(town, "standing-committee", day="2025-03-21", topic="compounds")
    off = call(town, "standing-committee", day="2025-03-22", topic="compounds")
    on_day(town, "call_off_meeting", off, on="2025-03-21", reason="防汛")
    found = town.ask("meeting_figures", topic="compounds", since="2025-01-01", until="2026-01-01")
    assert found["by_kind"] == {"standing-committee": 3, "leading-group": 2}
    assert found["by_status"] == {"held": 5, "called": 1, "called_off": 1}
    assert [(one["organisation_id"], one["kind"], one["held"], one["last"]) for one in found["bodies"]] == [
        ("committee", "leading-group", 2, "2025-06-11"),
        ("committee", "standing-committee", 3, "2025-05-10"),
    ]
    march = town.ask("meeting_figures", since="2025-03-01", until="2025-04-01")
    assert (march["by_topic"], march["persons"]) == ({"compounds": 2, "flood": 1}, 22)
    assert len(town.ask("find_meetings", topic="compounds", kind="leading-group")["rows"]) == 2


def test_a_joint_symposium_is_a_kind_of_meeting_with_those_who_must_be_there(town: Desk) -> None:
    """联席座谈会: branch and owners are invited and needed; who was not invited did not come; each counts as a body (B08)."""
    joint = {"callers": ["party"], "invited": ["owners", "firm"], "needed": ["owners"], "voices": "bodies"}
    kind(town, "symposium", "联席座谈会", **joint, quorum_part=2, quorum_whole=3)
    with pytest.raises(IllegalStateError, match="type firm must be invited"):
        call(town, "symposium", invited=["o-owners"])
    with pytest.raises(BadInputError, match="no organisation o-nobody"):
        call(town, "symposium", invited=["o-owners", "o-firm", "o-nobody"])
    id = call(town, "symposium", invited=["o-owners", "o-firm"])
    with pytest.raises(BadInputError, match="o-council was not invited"):
        on_day(town, "hold_meeting", id, attended={"committee": 2, "o-owners": 1, "o-council": 1})
    with pytest.raises(IllegalStateError, match="not held without a body of the type owners"):
        on_day(town, "hold_meeting", id, attended={"committee": 2, "o-firm": 1})
    by, state = Mandate(actor="p-any", role="any", powers=frozenset({"*"})), load(town.log, MEETING, id)[0]
    days = ("2025-03-09", DAY)
    record = MEETING.commands["hold_meeting"]
    assert [record.offered(state, by, town.node.city(day)) for day in days] == [False, True]
    with pytest.raises(IllegalStateError, match="has not come yet"):
        on_day(town, "hold_meeting", id, on="2025-03-09", attended={"committee": 2, "o-owners": 1})
    on_day(town, "hold_meeting", id, attended={"committee": 2, "o-owners": 1})
    row = town.ask("get_meeting", meeting_id=id)
    assert (row["status"], row["entitled"], row["present"], row["persons"]) == ("held", 3, 2, 3)
    assert town.ask("meeting_figures", kind="symposium")["by_kind"] == {"symposium": 1}


CHANNELS: dict[str, dict[str, Any]] = {
    "parties": {"callers": ["party"], "invited": ["owners", "firm"], "voices": "bodies", "quorum_part": 1},
    "members": {"callers": ["party"], "chair": "secretary", "quorum_part": 1, "quorum_above": True},
    "talk": {"callers": ["party", "owners"], "voices": "households"},
}


def test_three_channels_of_deliberation_have_their_participants_and_quorums(town: Desk) -> None:
    """多方联席会议 of bodies, 党员大会 of members in the secretary's chair with more than half, 小区恳谈会 of any households (C46)."""
    for code, data in CHANNELS.items():
        kind(town, code, code, **data)
    for wrong in ({"quorum_part": 3}, {"callers": ["club"]}, {"chair": "nobody"}, {"majority_part": 2}):
        with pytest.raises(BadInputError, match="do not fit"):
            kind(town, "wrong", "错", **{"callers": ["party"]} | wrong)
    parties = call(town, "parties", invited=["o-owners", "o-firm"])
    on_day(town, "hold_meeting", parties, attended={"committee": 1})
    assert town.ask("get_meeting", meeting_id=parties)["status"] == "inquorate", "one of three is less than half"
    members = call(town, "members")
    came: dict[str, Any] = {"attended": {"committee": 10}, "entitled": 20, "present": 10}
    for chair in ("", "post-grid"):
        with pytest.raises(IllegalStateError, match="chaired by who holds a post"):
            on_day(town, "hold_meeting", members, **came, chair_post_id=chair)
    with pytest.raises(BadInputError, match="at most 20"):
        on_day(town, "hold_meeting", members, **came | {"present": 21}, chair_post_id="post-secretary")
    on_day(town, "hold_meeting", members, **came, chair_post_id="post-secretary")
    with pytest.raises(IllegalStateError, match="not possible"):
        on_day(town, "resolve_item", members, item=1, text="通过", votes_for=10)
    assert town.ask("get_meeting", meeting_id=members)["status"] == "inquorate", "ten of twenty are not more than half"
    again = call(town, "members", day="2025-03-11")
    more = came | {"present": 11, "attended": {"committee": 11}, "chair_post_id": "post-secretary"}
    on_day(town, "hold_meeting", again, on="2025-03-11", **more)
    talk = call(town, "talk", organisation_id="o-owners")
    on_day(town, "hold_meeting", talk, attended={"o-owners": 3}, residents=40, entitled=232, present=35)
    found = town.ask("meeting_figures")
    assert found["by_kind"] == {"members": 1, "talk": 1}
    assert (found["by_status"], found["persons"]) == ({"inquorate": 2, "held": 2}, 54)


def test_a_yard_discusses_by_a_procedure_from_notice_to_published_minutes(town: Desk) -> None:
    """《院落议事会议流程》: notice, agenda, quorum, vote, minutes, published; no step before the one before (D27)."""
    procedure = {"callers": ["council"], "notice_days": 3, "voices": "households", "quorum_part": 2, "quorum_whole": 3}
    kind(town, "yard-meeting", "院落议事会议", **procedure)
    yard: dict[str, Any] = {"organisation_id": "o-council", "agenda": [{"title": "停车"}, {"title": "绿化"}]}
    with pytest.raises(IllegalStateError, match="3 days before; the first day is 2025-03-07"):
        call(town, "yard-meeting", day="2025-03-06", **yard)
    with pytest.raises(BadInputError, match="mistakes"):
        call(town, "yard-meeting", **yard | {"agenda": []})
    with pytest.raises(ForbiddenError, match=r"meeting\.call"):
        call(town, "yard-meeting", by="p-lin", **yard)
    id = call(town, "yard-meeting", **yard)
    with pytest.raises(IllegalStateError, match="not possible"):
        on_day(town, "resolve_item", id, item=1, text="划线停车", votes_for=1)
    on_day(town, "hold_meeting", id, attended={"o-council": 5}, residents=27, entitled=48, present=32)
    assert (
        on_day(town, "hold_meeting", id, attended={"o-council": 5}, residents=27, entitled=48, present=32)["events"]
        == 0
    )
    with pytest.raises(BadInputError, match="not on the agenda"):
        on_day(town, "resolve_item", id, item=3, text="别的", votes_for=30)
    with pytest.raises(BadInputError, match="33 votes are more than the 32"):
        on_day(town, "resolve_item", id, item=1, text="划线停车", votes_for=30, votes_against=3)
    on_day(town, "resolve_item", id, item=1, text="划线停车", votes_for=17, votes_against=15)
    on_day(town, "resolve_item", id, item=2, text="砍树", votes_for=16, votes_against=16)
    with pytest.raises(IllegalStateError, match="decided already"):
        on_day(town, "resolve_item", id, item=2, text="不砍树", votes_for=32)
    with pytest.raises(BadInputError, match="give the text"):
        on_day(town, "keep_minutes", id, kept_at="档案3号")
    with pytest.raises(IllegalStateError, match="not possible"):
        on_day(town, "carry_out_resolution", id, item=1, evidence="照片")
    on_day(town, "keep_minutes", id, on="2025-03-12", text="到会32户，议定停车事项")
    with pytest.raises(IllegalStateError, match="kept already"):
        on_day(town, "keep_minutes", id, on="2025-03-12", text="改写")
    row = town.ask("get_meeting", "", meeting_id=id)
    assert (row["status"], row["text"]) == ("minuted", "到会32户，议定停车事项"), "nobody need be signed in"
    assert [(one["text"], one["carried"], one["since"]) for one in row["resolutions"]] == [
        ("划线停车", True, "2025-03-12"),
        ("砍树", False, ""),
    ]
    with pytest.raises(BadInputError, match="nothing was carried"):
        on_day(town, "carry_out_resolution", id, on="2025-03-20", item=2, evidence="x")
    on_day(town, "carry_out_resolution", id, on="2025-03-20", item=1, evidence="划线照片")
    found = town.ask("meeting_figures", place=COMPOUND)
    assert (found["carried"], found["in_force"], found["carried_out"]) == (1, 1, 1)


def test_an_open_air_assembly_is_convened_by_the_community_at_the_request_of_members(town: Desk) -> None:
    """坝坝会: called by the Party organisation at the request of the members' body, on its topics, noticed before, minuted after (D12)."""
    adopt(town, "organisation_types", "members", "党员代表")
    establish(town, "o-members", "members")
    for code, zh in (("spirit", "强党性"), ("effect", "起作用"), ("deeds", "办实事")):
        adopt(town, "topics", code, zh)
    rules = {"callers": ["party"], "request": "members", "topics": True, "notice_days": 5, "voices": "persons"}
    kind(town, "baba", "治理坝坝会", **rules)
    asked = {"asking_organisation_id": "o-members", "topic": "deeds"}
    for wrong in ({"asking_organisation_id": ""}, {"asking_organisation_id": "o-firm"}):
        with pytest.raises(IllegalStateError, match="at the request of a body of the type members"):
            call(town, "baba", **asked | wrong)
    with pytest.raises(BadInputError, match="does not call such meetings"):
        call(town, "baba", **asked, organisation_id="o-council")
    with pytest.raises(IllegalStateError, match="5 days before"):
        call(town, "baba", **asked, day="2025-03-08")
    id = call(town, "baba", **asked, where="院坝", hour="19:30")
    with pytest.raises(BadInputError, match="mistakes"):
        call(town, "baba", **asked, hour="25:00")
    noticed = town.ask("get_meeting", "", meeting_id=id)
    assert (noticed["day"], noticed["hour"], noticed["where"], noticed["agenda"][0]["title"]) == (
        *(DAY, "19:30", "院坝"),
        "议题",
    )
    with pytest.raises(IllegalStateError, match="not possible"):
        on_day(town, "keep_minutes", id, text="纪要")
    on_day(town, "hold_meeting", id, attended={"committee": 3}, residents=60, entitled=63, present=63)
    on_day(town, "keep_minutes", id, text="纪要")
    assert town.ask("get_meeting", "", meeting_id=id)["text"] == "纪要"


def test_what_residents_put_forward_is_what_is_discussed(town: Desk) -> None:
    """民情恳谈会 and 民主议事会: two kinds whose items come from residents, and from nobody else (D08)."""
    for code, zh in (("frank-talk", "民情恳谈会"), ("democratic", "民主议事会")):
        kind(town, code, zh, callers=["council"], residents=True, voices="households")
        with pytest.raises(IllegalStateError, match="put forward by residents"):
            call(town, code, organisation_id="o-council", agenda=[{"title": "物业", "origin": "body"}])
        agenda = [{"title": "院落改造", "origin": "residents"}]
        id = held(town, code, {"o-council": 2}, organisation_id="o-council", agenda=agenda, entitled=40, present=25)
        on_day(town, "resolve_item", id, item=1, text="先修下水道", votes_for=20, votes_against=5)
        row = town.ask("get_meeting", meeting_id=id)
        assert (row["agenda"][0]["origin"], row["resolutions"][0]["carried"]) == ("residents", True)
    assert town.ask("meeting_figures")["by_kind"] == {"frank-talk": 1, "democratic": 1}


def test_a_mechanism_exists_where_it_meets(town: Desk) -> None:
    """议事协调机制: being tried or established, counted only with its rules in force and a meeting of the last days (B45)."""
    officer(town, "meeting.*", "standing.decide", "regulation.*")
    kind(town, "consult", "议事协调会", callers=["party"], invited=["owners", "firm"], voices="bodies")
    adopt(town, "regulations", "consult-rules", "议事协调规则", of="party")
    codes = [{"code": code, "zh": zh, "en": code} for code, zh in (("tried", "探索中"), ("established", "已建立"))]
    scheme = {"subject": "place", "of": "compound", "codes": codes, "power": "standing.decide"}
    adopt(town, "schemes", "mechanism", "议事协调机制", **scheme)
    asks = [
        {"code": "meets", "zh": "开会", "en": "meets", "what": "met", "of": ["consult"]},
        {"code": "rules", "zh": "有规则", "en": "rules", "what": "document", "of": ["consult-rules"]},
    ]
    told: dict[str, Any] = {"subject": "place", "of": "compound", "asks": asks, "met_days": 90}
    told |= {"scheme": "mechanism", "means": "议事协调机制在运转的小区", "means_en": "compounds whose mechanism meets"}
    for status in ("tried", "established"):
        adopt(town, "coverages", f"mechanism-{status}", status, **told, standing=status)
    with pytest.raises(BadInputError, match="do not fit"):
        adopt(town, "coverages", "wrong", "错", **told | {"asks": [asks[0] | {"of": ["unheard-of"]}]}, standing="tried")
    with pytest.raises(IllegalStateError, match="must stay"):
        town.ask("retire_entry", "operator", kind="meetings", code="consult", reason="x")
    second = f"{COMMUNITY}.one"
    town.ask("register_place", "operator", place=second, kind="compound", name="二", parent=COMMUNITY)
    for subject, status in ((COMPOUND, "established"), (second, "tried")):
        asked = {"scheme": "mechanism", "subject": subject, "code": status, "grounds": "决议"}
        town.ask("decide_standing", "post-secretary", **asked)

    def counted(day: str, status: str = "established") -> tuple[int, int, list[str]]:
        found = town.ask("coverage_figures", coverage=f"mechanism-{status}", on=day)
        return found["covered"], found["subjects"], [one["lacks"] for one in found["missing"]][:1] or []

    assert counted(DAY) == (0, 1, [["meets", "rules"]]), "decided to exist is not yet to meet"
    drafted = {"kind": "consult-rules", "organisation_id": "branch", "title": "规则", "text": "正文"}
    rules = town.ask("draft_regulation", "post-secretary", **drafted)["id"]
    hold = {"post_id": "post-branch", "organisation_id": "branch", "role": "secretary", "title": "支部书记"}
    town.ask("establish_post", "operator", **hold)
    town.ask("appoint_person", "operator", post_id="post-branch", person_id="p-lin", since="2025-03-01")
    town.ask("adopt_regulation", "post-branch", regulation_id=rules, resolution="会议")
    inquorate = call(town, "consult", organisation_id="branch", invited=["o-owners", "o-firm"], day="2025-03-05")
    on_day(town, "call_off_meeting", inquorate, on="2025-03-05", reason="x")
    assert counted(DAY) == (0, 1, [["meets"]]), "called off is not held"
    id = held(town, "consult", {"branch": 1, "o-owners": 2}, organisation_id="branch", invited=["o-owners", "o-firm"])
    assert [counted(day) for day in ("2025-03-09", DAY, "2025-06-07", "2025-06-08")] == [
        (0, 1, [["meets"]]),
        (1, 1, []),
        (1, 1, []),
        (0, 1, [["meets"]]),
    ]
    (row,) = town.ask("coverage_map", coverage="mechanism-established", on=DAY)["rows"]
    assert row["has"] == {"meets": [id], "rules": [rules]}
    assert town.ask("meeting_figures", place=COMPOUND, kind="consult")["bodies"][0]["last"] == DAY
    assert counted(DAY, "tried") == (0, 1, [["meets", "rules"]])


def test_a_held_meeting_shows_what_is_owed_and_one_shows_one_period_only(town: Desk) -> None:
    """半月谈, 季度联席会议, 监事会提请审议: of the right kind, held, with the body there, in its period (part of A36, D36, E05)."""
    kind(town, "half-month", "半月谈", callers=["council"], quorum_part=1)
    kind(town, "other", "其他", callers=["council", "board"])
    rule = {"cadence": "half_month", "bearer": "council", "meeting": "half-month", "power": "obligation.meet"}
    adopt(town, "obligations", "half-month", "半月谈议事", **rule)
    with pytest.raises(BadInputError, match="do not fit"):
        adopt(town, "obligations", "wrong", "错", **rule | {"meeting": "unheard-of"})
    with pytest.raises(IllegalStateError, match="must stay"):
        town.ask("retire_entry", "operator", kind="meetings", code="half-month", reason="x")
    town.tick("2025-03-05")
    (owed,) = town.ask("find_obligations", rule="half-month")["rows"]
    yard: dict[str, Any] = {"organisation_id": "o-council", "entitled": 9, "present": 9}

    def met(id: str, on: str = DAY, **more: Any) -> Any:
        asked = {"obligation_id": owed["obligation_id"], "meeting_id": id} | more
        return town.ask("meet_obligation", "post-secretary", at=f"{on}{EVENING}", **asked)

    with pytest.raises(IllegalStateError, match="name the one that was held"):
        met("", done_on=DAY, evidence="纪要")
    called = call(town, "half-month", organisation_id="o-council")
    with pytest.raises(IllegalStateError, match="held with its quorum"):
        met(called)
    few = held(town, "half-month", {"o-council": 4}, **yard | {"present": 4})
    with pytest.raises(IllegalStateError, match="held with its quorum"):
        met(few)
    other = held(town, "other", {"o-council": 9}, **yard)
    with pytest.raises(IllegalStateError, match="of the kind half-month"):
        met(other)
    id = held(town, "half-month", {"o-council": 9}, **yard)
    with pytest.raises(BadInputError, match="was held on 2025-03-10"):
        met(id, done_on="2025-03-09")
    met(id)
    town.tick("2025-03-17")
    (row,) = town.ask("find_obligations", rule="half-month", status="met")["rows"]
    assert (row["period"], row["served"][0]["evidence"], row["came"]) == ("2025-03-h1", id, 9)
    (owed,) = town.ask("find_obligations", rule="half-month", status="owed")["rows"]
    with pytest.raises(IllegalStateError, match="another period already"):
        met(id, on="2025-03-17")
    adopt(
        town,
        "obligations",
        "submit",
        "监事会提请审议",
        **rule | {"bearer": "board", "cadence": "quarter", "meeting": ""},
    )
    town.tick("2025-03-18")
    (owed,) = town.ask("find_obligations", rule="submit")["rows"]
    with pytest.raises(IllegalStateError, match="was not at this meeting"):
        met(id, on="2025-03-18")
    joint = held(town, "other", {"o-council": 9, "o-red": 2}, **yard, invited=["o-red"])
    met(joint, on="2025-03-18")
    assert town.ask("get_obligation", obligation_id=owed["obligation_id"])["status"] == "met"


def test_a_resolution_keeps_its_options_positions_and_objections(town: Desk) -> None:
    """最大公约数: what was to choose from with its votes, what each body said, the result, and the objections that remain (C47)."""
    kind(town, "consult", "协商议事", callers=["party"], invited=["owners", "firm"], voices="households")
    bodies = {"committee": 2, "o-owners": 3, "o-firm": 1}
    more: dict[str, Any] = {"invited": ["o-owners", "o-firm"], "entitled": 48, "present": 30}
    id = held(town, "consult", bodies, **more)
    options = {"划线停车": 18, "立体车库": 9, "维持现状": 3}
    told: dict[str, Any] = {"item": 1, "text": "划线停车", "options": options}
    with pytest.raises(BadInputError, match="one of the options"):
        on_day(town, "resolve_item", id, **told | {"text": "收费停车"})
    with pytest.raises(IllegalStateError, match="as many votes or more"):
        on_day(town, "resolve_item", id, **told | {"text": "立体车库"})
    with pytest.raises(IllegalStateError, match="as many votes or more"):
        on_day(town, "resolve_item", id, **told | {"options": options | {"立体车库": 18}})
    with pytest.raises(BadInputError, match="31 votes are more than the 30"):
        on_day(town, "resolve_item", id, **told | {"options": options | {"维持现状": 4}})
    with pytest.raises(BadInputError, match="o-council was not at this meeting"):
        on_day(town, "resolve_item", id, **told, positions={"o-council": "同意"})
    told |= {
        "positions": {"o-owners": "同意", "o-firm": "愿出人划线，联系13812345678"},
        "objections": ["3号楼前留消防通道"],
    }
    on_day(town, "resolve_item", id, **told)
    assert on_day(town, "resolve_item", id, **told)["events"] == 0
    with pytest.raises(IllegalStateError, match="decided already"):
        on_day(town, "resolve_item", id, **told | {"objections": []})
    (made,) = town.ask("get_meeting", "", meeting_id=id)["resolutions"]
    assert (made["options"], made["votes_for"], made["votes_against"], made["carried"]) == (options, 18, 12, True)
    assert made["objections"] == ["3号楼前留消防通道"] and made["positions"]["o-owners"] == "同意"
    assert "13812345678" not in town.stored, "masked in what everybody reads"


def test_a_board_regularly_submits_what_it_supervises_and_the_branch_resolves(town: Desk) -> None:
    """监事会定期提请党支部审议: each quarter, by a meeting of the branch at the board's request; else it is missed (D36)."""
    kind(town, "review", "党支部审议", callers=["party"], request="board")
    kind(town, "other", "其他会议", callers=["party"])
    rule = {"cadence": "quarter", "bearer": "board", "meeting": "review", "power": "obligation.meet"}
    adopt(town, "obligations", "submission", "监事会提请审议", **rule)
    town.tick("2025-03-05")
    (owed,) = town.ask("find_obligations", rule="submission")["rows"]
    submitted: dict[str, Any] = {"agenda": [{"title": "一季度收支监督"}, {"title": "修缮项目监督"}]}
    with pytest.raises(IllegalStateError, match="request of a body of the type board"):
        call(town, "review", **submitted, asking_organisation_id="o-council")
    voices: dict[str, Any] = {"entitled": 9, "present": 9}
    id = held(town, "review", {"committee": 9}, **submitted, asking_organisation_id="o-red", **voices)
    on_day(town, "resolve_item", id, item=1, text="同意监督意见", votes_for=9)
    on_day(town, "resolve_item", id, item=2, text="责成院委会整改", votes_for=8, votes_against=1)
    on_day(town, "keep_minutes", id, text="纪要")
    other = held(town, "other", {"committee": 9}, **voices)

    def met(meeting: str) -> Any:
        asked = {"obligation_id": owed["obligation_id"], "meeting_id": meeting}
        return town.ask("meet_obligation", "post-secretary", at=f"{DAY}{EVENING}", **asked)

    with pytest.raises(IllegalStateError, match="of the kind review"):
        met(other)
    met(id)
    for day in ("2025-04-01", "2025-07-01"):
        town.tick(day)
    rows = town.ask("find_obligations", rule="submission")["rows"]
    assert {row["period"]: row["status"] for row in rows} == {
        "2025-q1": "met",
        "2025-q2": "missed",
        "2025-q3": "owed",
    }
    row = town.ask("get_meeting", meeting_id=id)
    assert [(one["text"], one["carried"], one["since"]) for one in row["resolutions"]] == [
        ("同意监督意见", True, DAY),
        ("责成院委会整改", True, DAY),
    ]


FOUR = {"enough": "数量充足", "steady": "人员稳定", "balanced": "结构合理", "skilled": "业务精通"}


def test_secretaries_speak_on_topics_each_month_and_form_a_pool_of_teachers(town: Desk) -> None:
    """“社区(小区)书记有话说”: each month, each item with who speaks to it; the pool of teachers passes its four criteria (B41)."""
    officer(town, "meeting.*", "obligation.*", "checklist.*")
    adopt(town, "topics", "frontline", "一线工作法")
    kind(town, "talks", "书记有话说", callers=["party"], topics=True, speakers=True)
    rule = {"cadence": "month", "bearer": "party", "meeting": "talks", "power": "obligation.meet"}
    adopt(town, "obligations", "talks", "书记有话说常态化", **rule)
    town.tick("2025-03-05")
    for speaker in ("", "post-nowhere"):
        agenda = [{"title": "一百条", "speaker_post_id": speaker}]
        with pytest.raises(IllegalStateError, match="say who speaks to"):
            call(town, "talks", topic="frontline", agenda=agenda)
    with pytest.raises(BadInputError, match="not on the city's list topics"):
        call(town, "talks", agenda=[{"title": "一百条", "speaker_post_id": "post-secretary"}])
    spoken = [{"title": "怎样入户", "speaker_post_id": "post-secretary"}]
    id = held(town, "talks", {"committee": 30}, topic="frontline", agenda=spoken, entitled=30, present=30)
    (owed,) = town.ask("find_obligations", rule="talks", organisation_id="committee")["rows"]
    asked = {"obligation_id": owed["obligation_id"], "meeting_id": id}
    town.ask("meet_obligation", "post-secretary", at=f"{DAY}{EVENING}", **asked)
    town.tick("2025-04-01")
    rows = town.ask("find_obligations", rule="talks", organisation_id="committee")["rows"]
    assert {row["period"]: row["status"] for row in rows} == {"2025-03": "met", "2025-04": "owed"}
    (row,) = town.ask("find_meetings", topic="frontline")["rows"]
    assert [one["speaker_post_id"] for one in row["agenda"]] == ["post-secretary"]
    adopt(town, "organisation_types", "teachers", "社区教育师资队伍")
    establish(town, "o-teachers", "teachers")
    items = [{"code": code, "zh": zh, "en": code} for code, zh in FOUR.items()]
    pool = {"subject": "organisation", "items": items, "power": "checklist.judge", "unlocks": "pool"}
    adopt(town, "checklists", "pool", "师资队伍四条标准", **pool)
    opened = town.ask("open_checklist", "post-secretary", template="pool", subject="o-teachers")["id"]
    for number, code in enumerate(FOUR):
        shown = town.ask("get_checklist", checklist_id=opened)
        assert shown["status"] != "passed", f"{number} of four"
        judged = {"checklist_id": opened, "item": code, "passed": True, "evidence": "名册"}
        town.ask("judge_item", "post-secretary", **judged)
    assert town.ask("get_checklist", checklist_id=opened)["status"] == "passed"
