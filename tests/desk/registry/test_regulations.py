"""Documents of bodies at the registry's desk: written, heard, adopted, posted, acknowledged by households, replaced; and those missing."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from shared.domain.identity import derived_id, new_id
from shared.log import Commit, NewEvent
from shared.log.record import records_of
from tests.desk.registry.test_rows import adopt, establish
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, PROFILE
from tests.kit.desk import Desk

AT = "T09:00:00+08:00"
#: 五项制度: reports to the branch, duty lists, meeting procedure, finance, and the rules of the supervisory board.
FIVE = ("report-rules", "supervision-rules", "duty-lists", "meeting-procedure", "finance-rules")
ROLL = [{"unit": str(number), "area": 9000, "owner": f"o-{number}"} for number in range(101, 104)]


@pytest.fixture
def yard(desk: Desk) -> Desk:
    """A yard committee whose five rules are due, a convention that owners carry, and whom it takes."""
    powers = [*PROFILE["powers"]["secretary"], "regulation.*", "owners.*"]
    adopt(desk, "roles", "secretary", "书记", level="", powers=powers, intake=0)
    adopt(desk, "roles", "resident", "居民", powers=["regulation.comment", "regulation.acknowledge"])
    adopt(desk, "posting_channels", "notice_board", "公开栏")
    for code in FIVE:
        adopt(desk, "regulations", code, code, of="council", guide="party", due_days=30)
    heard: dict[str, Any] = {"comment_days": 7, "acknowledged": True}
    adopt(desk, "regulations", "convention", "居民公约", of="council", vote="covenant", **heard)
    adopt(desk, "regulations", "detailed-rules", "管理细则", of="council", acknowledged=True)
    adopt(desk, "regulations", "standard", "提质工程标准", of="party", adopted_by="board")
    for id in ("yard", "other-yard"):
        establish(desk, id, "council", since="2025-03-01")
        desk.ask("establish_post", "operator", post_id=f"post-{id}", organisation_id=id, role="secretary", title=id)
        desk.ask("appoint_person", "operator", post_id=f"post-{id}", person_id="p-lin", since="2025-03-01")
    desk.ask("count_households", "operator", place=BUILDING, households=2, as_of="2025-03-01")
    desk.ask("count_households", "operator", place=f"{COMPOUND}.02", households=3, as_of="2025-03-01")
    return desk


def draft(desk: Desk, kind: str, number: int = 1, by: str = "post-yard", **more: Any) -> str:
    asked = {"organisation_id": "yard", "title": f"{kind}第{number}版", "text": f"第{number}版正文"} | more
    id: str = desk.ask("draft_regulation", by, kind=kind, number=number, **asked)["id"]
    return id


def test_a_convention_is_heard_carried_adopted_posted_and_acknowledged(yard: Desk) -> None:
    """Residents comment and are answered, owners carry it, it is posted, and each household says once that it has read it (A25, C26)."""
    id = draft(yard, "convention", title="居民公约")
    with pytest.raises(IllegalStateError, match="must be drafted|open for comments"):
        yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="第1次会议")
    yard.ask("invite_comments", "post-yard", regulation_id=id)
    yard.ask("comment_draft", "p-chen", regulation_id=id, text="夜间十点后安静")
    with pytest.raises(IllegalStateError, match="comments are open until the day before 2025-03-11"):
        yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="第1次会议")
    later = f"2025-03-11{AT}"
    adopting: dict[str, Any] = {"regulation_id": id, "resolution": "业主表决通过", "at": later}
    with pytest.raises(IllegalStateError, match="not yet: 1"):
        yard.ask("adopt_regulation", "post-yard", **adopting)
    yard.ask("answer_comment", "post-yard", at=later, regulation_id=id, comment=1, taken=True, reason="写入第三条")
    with pytest.raises(IllegalStateError, match="vote of owners"):
        yard.ask("adopt_regulation", "post-yard", **adopting)
    vote = yard.ask("open_owners_vote", "post-yard", place=COMPOUND, matter="covenant", question="公约", roll=ROLL)[
        "id"
    ]
    with pytest.raises(IllegalStateError, match="has carried it"):
        yard.ask("adopt_regulation", "post-yard", **adopting, owners_vote_id=vote)
    ballots = {"o-101": "for", "o-102": "for", "o-103": "against"}
    counted = {"owners_vote_id": vote, "roll": ROLL, "ballots": ballots, "minutes": "唱票"}
    yard.ask("count_owners_ballots", "post-yard", at=later, **counted)
    with pytest.raises(IllegalStateError, match="only a version in force"):
        yard.ask("acknowledge_regulation", "p-lin", at=later, regulation_id=id, place=BUILDING, household="101")
    with pytest.raises(ForbiddenError, match="body whose document it is"):
        yard.ask("adopt_regulation", "post-other-yard", **adopting, owners_vote_id=vote)
    yard.ask("adopt_regulation", "post-yard", **adopting, owners_vote_id=vote)
    posted = {"regulation_id": id, "channel": "notice_board", "where": "1号楼公开栏"}
    with pytest.raises(IllegalStateError, match="not come yet"):
        yard.ask("post_regulation", "post-yard", at=later, **posted, posted_on="2025-03-12")
    yard.ask("post_regulation", "post-yard", at=later, **posted)
    read = {"regulation_id": id, "place": BUILDING, "at": later}
    yard.ask("acknowledge_regulation", "p-lin", **read, household="101")
    with pytest.raises(IllegalStateError, match="acknowledged it already"):
        yard.ask("acknowledge_regulation", "p-chen", **read, household=" 101 室")
    yard.ask("acknowledge_regulation", "p-lin", **read, household="102")
    with pytest.raises(IllegalStateError, match="all 2 households"):
        yard.ask("acknowledge_regulation", "p-lin", **read, household="103")
    with pytest.raises(BadInputError, match="no households are counted"):
        yard.ask("acknowledge_regulation", "p-lin", at=later, regulation_id=id, place=COMMUNITY, household="101")
    figures = yard.ask("regulation_figures", regulation_id=id)
    assert (figures["acknowledged"], figures["households"], figures["qualifier"]) == (2, 5, "exact")
    shown = yard.ask("get_regulation", regulation_id=id)
    assert (shown["status"], shown["since"], shown["postings"][0]["where"]) == ("adopted", "2025-03-11", "1号楼公开栏")
    assert shown["comments"] == [{"text": "夜间十点后安静", "answer": "taken", "reason": "写入第三条"}], (
        "nobody is named"
    )
    assert "102" not in yard.stored, "households are sealed"
    assert yard.ask("get_regulation", "post-yard", regulation_id=id)["comments"][0]["person_id"] == "p-chen"
    second = draft(yard, "convention", 2)
    yard.ask("invite_comments", "post-yard", at=later, regulation_id=second)
    with pytest.raises(IllegalStateError, match="carried another version"):
        again = {"regulation_id": second, "resolution": "x", "owners_vote_id": vote}
        yard.ask("adopt_regulation", "post-yard", at=f"2025-03-18{AT}", **again)


def test_versions_follow_on_each_other_and_a_day_has_the_one_in_force_then(yard: Desk) -> None:
    """Detailed rules: a version is used once, the next takes its place, and each day has its own (part of A25, C26, D45)."""
    first = draft(yard, "detailed-rules")
    with pytest.raises(IllegalStateError, match="being written already"):
        draft(yard, "detailed-rules", 2)
    with pytest.raises(IllegalStateError, match="was written already"):
        draft(yard, "detailed-rules", title="另一份")
    yard.ask("adopt_regulation", "post-yard", regulation_id=first, resolution="第1次会议", since="2025-03-05")
    with pytest.raises(IllegalStateError, match="not in force yet"):
        yard.ask("acknowledge_regulation", "p-lin", regulation_id=first, place=BUILDING, household="101")
    with pytest.raises(IllegalStateError, match="number 2, not 3"):
        draft(yard, "detailed-rules", 3)
    second = draft(yard, "detailed-rules", 2)
    adopting: dict[str, Any] = {"regulation_id": second, "resolution": "第2次会议"}
    with pytest.raises(IllegalStateError, match="from 2025-03-10 on"):
        yard.ask("adopt_regulation", "post-yard", at=f"2025-03-10{AT}", **adopting, since="2025-03-09")
    yard.ask("adopt_regulation", "post-yard", at=f"2025-03-10{AT}", **adopting)
    for day, ids in (("2025-03-04", []), ("2025-03-05", [first]), ("2025-03-09", [first]), ("2025-03-10", [second])):
        rows = yard.ask("find_regulations", kind="detailed-rules", on=day)["rows"]
        assert [row["regulation_id"] for row in rows] == ids, day
    with pytest.raises(IllegalStateError, match="only a version in force"):
        read = {"regulation_id": first, "place": BUILDING, "household": "101"}
        yard.ask("acknowledge_regulation", "p-lin", at=f"2025-03-10{AT}", **read)
    yard.ask("forget_households", "post-yard", at=f"2025-03-10{AT}", regulation_id=first)
    ended = {"regulation_id": second, "reason": "并入公约", "at": f"2025-03-12{AT}"}
    with pytest.raises(ForbiddenError, match="body whose document it is"):
        yard.ask("end_regulation", "post-other-yard", **ended)
    yard.ask("end_regulation", "post-yard", **ended)
    assert yard.ask("find_regulations", kind="detailed-rules", on="2025-03-12")["rows"] == []


def test_the_five_rules_are_due_from_the_founding_and_the_missing_ones_are_listed(yard: Desk) -> None:
    """Five rules within days of the founding, each under the branch's guidance; what is not in force is missing, then overdue (D47)."""
    gaps = yard.ask("regulation_gaps", place=COMPOUND, organisation_id="yard", on="2025-03-04")
    assert (gaps["due"], gaps["in_force"], gaps["missing"], gaps["overdue"]) == (5, 0, 5, 0)
    assert {row["due"] for row in gaps["rows"]} == {"2025-03-31"}, "30 days from the founding"
    for guide in ("", "other-yard", "group-1"):
        with pytest.raises(IllegalStateError, match="guidance of a body of the type"):
            draft(yard, "report-rules", guide_organisation_id=guide)
    for code in FIVE[:3]:
        id = draft(yard, code, guide_organisation_id="branch")
        yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="成立会议")
    draft(yard, FIVE[3], guide_organisation_id="branch")
    gaps = yard.ask("regulation_gaps", place=COMPOUND, organisation_id="yard", on="2025-03-31")
    assert (gaps["due"], gaps["in_force"], gaps["missing"], gaps["overdue"]) == (5, 3, 2, 0)
    gaps = yard.ask("regulation_gaps", place=COMPOUND, organisation_id="yard", on="2025-04-01")
    assert [(row["kind"], row["status"], row["overdue"]) for row in gaps["rows"]] == [
        (FIVE[4], "", True),
        (FIVE[3], "drafted", True),
    ]


def test_the_register_of_documents_has_gaps(yard: Desk) -> None:
    """Which body lacks which rules, of all that are due at a place on a day; a body before its founding owes none (D45)."""
    assert yard.ask("regulation_gaps", place=COMPOUND, on="2025-02-28")["due"] == 0
    id = draft(yard, "meeting-procedure", guide_organisation_id="branch")
    yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="成立会议")
    gaps = yard.ask("regulation_gaps", on="2025-03-04")
    assert (gaps["due"], gaps["in_force"], gaps["missing"]) == (10, 1, 9)
    missing = {(row["organisation_id"], row["kind"]) for row in gaps["rows"]}
    wanted = {(body, code) for body in ("yard", "other-yard") for code in FIVE}
    assert missing == wanted - {("yard", "meeting-procedure")}
    assert all(row["organisation"] and row["place_names"] for row in gaps["rows"])
    with pytest.raises(BadInputError) as refused:
        adopt(yard, "regulations", "x", "x", of="club", adopted_by="club", vote="weather")
    assert set(refused.value.fields["data"]) == {"of", "adopted_by", "vote"}
    with pytest.raises(IllegalStateError, match="must stay"):
        yard.ask("retire_entry", "operator", kind="regulations", code="meeting-procedure", reason="x")
    with pytest.raises(IllegalStateError, match="must stay"):
        yard.ask("retire_entry", "operator", kind="organisation_types", code="council", reason="x")


def test_rules_are_adopted_as_a_version_by_the_body_that_its_kind_names(yard: Desk) -> None:
    """《院委会定期向党支部报告工作制度》: a kind, a version, a decision; a foreign body or type does not adopt it (D24)."""
    with pytest.raises(BadInputError, match="no body of the type"):
        draft(yard, "report-rules", organisation_id="branch", guide_organisation_id="branch")
    with pytest.raises(BadInputError, match="give the text"):
        draft(yard, "report-rules", guide_organisation_id="branch", text="", kept_at="档案3号")
    elsewhere: dict[str, Any] = {"text": "", "kept_at": "档案3号", "digest": "a" * 64, "answers": "居民恳谈会建议"}
    id = draft(yard, "report-rules", guide_organisation_id="branch", **elsewhere)
    for by in ("post-secretary", "post-other-yard"):
        with pytest.raises(ForbiddenError, match="body whose document it is"):
            yard.ask("adopt_regulation", by, regulation_id=id, resolution="决议")
    yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="院委会2025年第1次会议")
    shown = yard.ask("get_regulation", regulation_id=id)
    assert (shown["kind"], shown["number"], shown["status"]) == ("report-rules", 1, "adopted")
    assert (shown["resolution"], shown["adopted_by_organisation_id"]) == ("院委会2025年第1次会议", "yard")
    assert shown["answers"] == "居民恳谈会建议", "it names what it answers"
    with pytest.raises(IllegalStateError, match="adopted already"):
        yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="另一次")
    withdrawn = draft(yard, "report-rules", 2, guide_organisation_id="branch")
    yard.ask("withdraw_draft", "post-yard", regulation_id=withdrawn, reason="不改了")
    with pytest.raises(IllegalStateError, match="withdrawn"):
        yard.ask("adopt_regulation", "post-yard", regulation_id=withdrawn, resolution="决议")
    standard = draft(yard, "standard", by="post-secretary", organisation_id="committee")
    with pytest.raises(ForbiddenError, match="a body of the type"):
        yard.ask("adopt_regulation", "post-secretary", regulation_id=standard, resolution="决议")


def test_a_programme_names_the_document_that_is_its_standard(yard: Desk) -> None:
    """小区党组织提质工程: one standard document, found by the programme that refers to it (C04)."""
    prongs = {"prongs": [{"code": "lift", "zh": "提质", "en": "lift"}]}
    with pytest.raises(BadInputError) as refused:
        adopt(yard, "programmes", "lift", "提质工程", **prongs, standard="unheard-of")
    assert list(refused.value.fields["data"]) == ["standard"]
    adopt(yard, "programmes", "lift", "提质工程", **prongs, standard="standard")
    id = draft(yard, "standard", by="post-secretary", organisation_id="committee")
    draft(yard, "detailed-rules")
    assert [row["regulation_id"] for row in yard.ask("find_regulations", programme="lift")["rows"]] == [id]
    with pytest.raises(IllegalStateError, match="must stay"):
        yard.ask("retire_entry", "operator", kind="regulations", code="standard", reason="x")
    adopt(yard, "programmes", "other", "其他", **prongs)
    assert yard.ask("find_regulations", programme="other")["rows"] == []


def test_residents_advise_while_a_draft_is_open_and_while_it_is_carried_out(yard: Desk) -> None:
    """The plan is public, commented on until its day and again while it is in force; each comment is answered once, with a reason (D22)."""
    id = draft(yard, "detailed-rules")
    with pytest.raises(IllegalStateError, match="without days for comments"):
        yard.ask("invite_comments", "post-yard", regulation_id=id)
    yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="决议")
    with pytest.raises(IllegalStateError, match="before it is adopted"):
        yard.ask("comment_draft", "p-chen", regulation_id=id, text="好")
    adopt(yard, "regulations", "plan", "改造方案", of="council", comment_days=7, advised=True)
    id = draft(yard, "plan")
    with pytest.raises(IllegalStateError, match="not possible"):
        yard.ask("comment_draft", "p-chen", regulation_id=id, text="好")
    yard.ask("invite_comments", "post-yard", regulation_id=id)
    shown = yard.ask("get_regulation", regulation_id=id)
    assert (shown["text"], shown["comments_until"]) == ("第1版正文", "2025-03-11"), "public, to everyone"
    yard.ask("comment_draft", "p-chen", regulation_id=id, text="好")
    with pytest.raises(ForbiddenError):
        yard.ask("comment_draft", "", regulation_id=id, text="好")
    with pytest.raises(BadInputError, match="no comment number 2"):
        yard.ask("answer_comment", "post-yard", regulation_id=id, comment=2, taken=False, reason="x")
    answered = {"regulation_id": id, "comment": 1, "taken": False, "reason": "已有规定"}
    yard.ask("answer_comment", "post-yard", **answered)
    with pytest.raises(IllegalStateError, match="answered already"):
        yard.ask("answer_comment", "post-yard", **answered | {"taken": True})
    later = f"2025-03-11{AT}"
    with pytest.raises(IllegalStateError, match="until the day before 2025-03-11"):
        yard.ask("comment_draft", "p-lin", at=later, regulation_id=id, text="晚了")
    yard.ask("adopt_regulation", "post-yard", at=later, regulation_id=id, resolution="决议")
    yard.ask("comment_draft", "p-lin", at=f"2025-03-20{AT}", regulation_id=id, text="施工时间太早")
    assert yard.ask("get_regulation", regulation_id=id)["unanswered"] == 1
    ending = {"regulation_id": id, "reason": "完工", "at": f"2025-03-21{AT}"}
    with pytest.raises(IllegalStateError, match="answered first; not yet: 2"):
        yard.ask("end_regulation", "post-yard", **ending)
    taken = {"regulation_id": id, "comment": 2, "taken": True, "reason": "改为八点后"}
    yard.ask("answer_comment", "post-yard", at=f"2025-03-21{AT}", **taken)
    shown = yard.ask("get_regulation", regulation_id=id)
    assert [(one["answer"], one["reason"]) for one in shown["comments"]] == [
        ("not_taken", "已有规定"),
        ("taken", "改为八点后"),
    ]
    yard.ask("end_regulation", "post-yard", **ending)
    with pytest.raises(IllegalStateError):
        yard.ask("comment_draft", "p-lin", at=f"2025-03-22{AT}", regulation_id=id, text="晚了")


def test_finance_rules_name_the_proposals_or_the_meeting_that_they_answer(yard: Desk) -> None:
    """根据居民建议: such rules say which proposals, or which meeting held there, they answer; without that they are not written (D48)."""
    adopt(yard, "regulations", "answering", "财务制度", of="council", answers=True)
    adopt(yard, "meetings", "talk", "议事会议", callers=["council"])
    powers = [*PROFILE["powers"]["secretary"], "regulation.*", "meeting.*"]
    adopt(yard, "roles", "secretary", "书记", level="", powers=powers, intake=0)
    with pytest.raises(IllegalStateError, match="names the proposals of residents, or the meeting"):
        draft(yard, "answering")
    called: dict[str, Any] = {"kind": "talk", "organisation_id": "yard", "day": "2025-03-04", "hour": "08:00"}
    agenda = [{"title": "会计出纳分设", "origin": "residents"}]
    meeting = yard.ask("call_meeting", "post-yard", **called, where="活动室", agenda=agenda)["id"]
    for wrong in ("no-such", meeting):
        with pytest.raises(IllegalStateError, match="no meeting that was held"):
            draft(yard, "answering", meeting_id=wrong)
    held = {"meeting_id": meeting, "attended": {}, "residents": 20, "entitled": 30, "present": 20}
    yard.ask("hold_meeting", "post-yard", **held)
    id = draft(yard, "answering", meeting_id=meeting)
    assert yard.ask("get_regulation", regulation_id=id)["meeting_id"] == meeting
    yard.ask("withdraw_draft", "post-yard", regulation_id=id, reason="重写")
    id = draft(yard, "answering", 2, answers="3户居民2月10日书面建议")
    assert yard.ask("get_regulation", regulation_id=id)["answers"] == "3户居民2月10日书面建议"


def test_the_finance_rules_show_the_versions_of_the_numbers_that_they_are_about(yard: Desk) -> None:
    """《院落财务管理制度》: its numbers are entries with versions; each version of the rules shows those that held while it did (D28)."""
    with pytest.raises(BadInputError) as refused:
        adopt(yard, "regulations", "money", "财务管理制度", of="council", parameters=["no-such"])
    assert set(refused.value.fields["data"]) == {"parameters"}
    adopt(yard, "regulations", "money", "财务管理制度", of="council", parameters=["bills_needed", "settling_days"])
    first = draft(yard, "money")
    yard.ask("adopt_regulation", "post-yard", regulation_id=first, resolution="第1次会议")

    def change(day: str, value: int) -> None:
        told = {"zh": "结算天数", "en": "settling days", "data": {"value": value}}
        yard.ask("adopt_entry", "operator", kind="parameters", code="settling_days", at=f"{day}{AT}", **told)

    def numbers(id: str) -> list[tuple[str, int]]:
        shown = yard.ask("get_regulation", regulation_id=id, at=f"2025-05-01{AT}")
        return [(one["parameter"], one["value"]) for one in shown["parameters"]]

    assert numbers(first) == [("bills_needed", 1), ("settling_days", 180)]
    with pytest.raises(BadInputError):
        change("2025-03-10", -1)
    change("2025-03-10", 90)
    assert numbers(first) == [("bills_needed", 1), ("settling_days", 180), ("settling_days", 90)]
    second = draft(yard, "money", 2)
    adopting = {"regulation_id": second, "resolution": "第2次会议", "at": f"2025-04-01{AT}"}
    yard.ask("adopt_regulation", "post-yard", **adopting)
    change("2025-04-10", 60)
    assert numbers(first) == [("bills_needed", 1), ("settling_days", 180), ("settling_days", 90)], "of its own time"
    assert numbers(second) == [("bills_needed", 1), ("settling_days", 90), ("settling_days", 60)]
    versions = yard.ask("get_entry", kind="parameters", code="settling_days")["versions"]
    assert [one["version"] for one in versions] == sorted({one["version"] for one in versions})
    with pytest.raises(IllegalStateError, match="must stay"):
        yard.ask("retire_entry", "operator", kind="parameters", code="settling_days", reason="x")


@pytest.fixture
def planned(yard: Desk) -> Desk:
    """A yard whose plans are adopted by a 坝坝会 after days for objections."""
    powers = [*PROFILE["powers"]["secretary"], "regulation.*", "meeting.*"]
    adopt(yard, "roles", "secretary", "书记", level="", powers=powers, intake=0)
    adopt(yard, "meetings", "baba", "坝坝会", callers=["party"])
    adopt(yard, "regulations", "plan", "决策方案", of="council", comment_days=7, meeting="baba")
    return yard


def test_a_plan_is_published_argued_at_an_assembly_and_adopted_only_then(planned: Desk) -> None:
    """公示决策方案: public for its days, each objection answered, carried by a 坝坝会 that the branch led, minuted (D29)."""
    with pytest.raises(BadInputError) as refused:
        adopt(planned, "regulations", "wrong", "错", of="council", meeting="unheard-of")
    assert list(refused.value.fields["data"]) == ["meeting"]
    id = draft(planned, "plan")
    planned.ask("invite_comments", "post-yard", regulation_id=id)
    planned.ask("post_regulation", "post-yard", regulation_id=id, channel="notice_board", where="1号楼")
    assert planned.ask("get_regulation", "", regulation_id=id)["text"] == "第1版正文", "for everybody to read"
    planned.ask("comment_draft", "p-chen", regulation_id=id, text="先修下水道")
    later = f"2025-03-11{AT}"
    early = {"regulation_id": id, "resolution": "坝坝会通过"}
    with pytest.raises(IllegalStateError, match="comments are open until"):
        planned.ask("adopt_regulation", "post-yard", **early)
    answer = {"regulation_id": id, "comment": 1, "taken": True, "reason": "列为第一项"}
    planned.ask("answer_comment", "post-yard", at=later, **answer)

    def meeting(by: str, *, minuted: bool, votes: int = 9, **more: Any) -> str:
        called = {"kind": "baba", "organisation_id": "branch", "day": "2025-03-11", "agenda": [{"title": "方案"}]}
        made = str(planned.ask("call_meeting", by, **called | more)["id"])
        here: dict[str, Any] = {"meeting_id": made, "at": later}
        body = str((called | more)["organisation_id"])
        planned.ask("hold_meeting", by, **here, attended={body: 3}, residents=6, entitled=9, present=9)
        planned.ask("resolve_item", by, **here, item=1, text="通过方案", votes_for=votes)
        if minuted:
            planned.ask("keep_minutes", by, **here, text="论证纪要")
        return made

    with pytest.raises(BadInputError, match="does not call such meetings"):
        meeting("post-secretary", minuted=True, organisation_id="yard")
    adopting: dict[str, Any] = {**early, "at": later}
    against = meeting("post-secretary", minuted=True, votes=4)
    unwritten = meeting("post-secretary", minuted=False)
    for wrong in ("", against, unwritten):
        with pytest.raises(IllegalStateError, match="carried it, with its minutes"):
            planned.ask("adopt_regulation", "post-yard", **adopting, adopting_meeting_id=wrong)
    good = meeting("post-secretary", minuted=True)
    planned.ask("adopt_regulation", "post-yard", **adopting, adopting_meeting_id=good)
    shown = planned.ask("get_regulation", regulation_id=id)
    assert (shown["status"], shown["adopting_meeting_id"]) == ("adopted", good)


def test_each_proposal_is_adopted_or_not_with_a_reason_and_the_rate_has_both_numbers(planned: Desk) -> None:
    """合理化建议: two adopted, one not, of four; none twice, none without a reason, and the draft waits for the last one (D30)."""
    adopt(planned, "regulations", "ideas", "合理化建议", of="council", comment_days=7)
    id = draft(planned, "ideas")
    planned.ask("invite_comments", "post-yard", regulation_id=id)
    for text in ("加灯", "划线", "种树", "养鸡"):
        planned.ask("comment_draft", "p-chen", regulation_id=id, text=text)
    for number, taken in ((1, True), (2, True), (4, False)):
        answer: dict[str, Any] = {"regulation_id": id, "comment": number, "taken": taken}
        with pytest.raises(BadInputError):
            planned.ask("answer_comment", "post-yard", **answer, reason="")
        planned.ask("answer_comment", "post-yard", **answer, reason="已研究")
    figures = planned.ask("regulation_figures", regulation_id=id)
    told = [figures[name] for name in ("comments", "taken", "not_taken", "unanswered")]
    assert told == [4, 2, 1, 1]
    with pytest.raises(IllegalStateError, match="not yet: 3"):
        planned.ask("adopt_regulation", "post-yard", at=f"2025-03-11{AT}", regulation_id=id, resolution="会议")
    shown = planned.ask("get_regulation", "", regulation_id=id)["comments"]
    assert [(one["answer"], one["reason"]) for one in shown] == [
        ("taken", "已研究"),
        ("taken", "已研究"),
        ("", ""),
        ("not_taken", "已研究"),
    ]


def test_members_answer_the_notice_on_the_board_and_staff_have_the_list(yard: Desk) -> None:
    """党员告知书: posted on the board, answered by members with office or firm, listed for staff; not before it hangs (D10)."""
    powers = ["regulation.comment", "regulation.respond"]
    adopt(yard, "roles", "resident", "居民", powers=powers)
    adopt(yard, "regulations", "notice", "党员告知书", of="council", answered=True)
    other = draft(yard, "detailed-rules")
    yard.ask("adopt_regulation", "post-yard", regulation_id=other, resolution="决议")
    told = {"unit": "市供电局", "offer": "每周六查看楼道电路"}
    with pytest.raises(IllegalStateError, match="not answered by those who read it"):
        yard.ask("answer_notice", "p-chen", regulation_id=other, **told)
    id = draft(yard, "notice")
    with pytest.raises(IllegalStateError, match="only a notice in force"):
        yard.ask("answer_notice", "p-chen", regulation_id=id, **told)
    yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="决议")
    with pytest.raises(IllegalStateError, match="not posted yet"):
        yard.ask("answer_notice", "p-chen", regulation_id=id, **told)
    yard.ask("post_regulation", "post-yard", regulation_id=id, channel="notice_board", where="北门公开栏")
    with pytest.raises(ForbiddenError):
        yard.ask("answer_notice", "", regulation_id=id, **told)
    yard.ask("answer_notice", "p-chen", regulation_id=id, **told)
    assert yard.ask("answer_notice", "p-chen", regulation_id=id, **told)["events"] == 0
    changed = told | {"offer": "每周日查看"}
    yard.ask("answer_notice", "p-chen", regulation_id=id, **changed)
    yard.ask("answer_notice", "p-zhang", regulation_id=id, unit="第三中学")
    listed = yard.ask("find_responses", "post-yard", regulation_id=id)["rows"]
    answers = {row["person_id"]: (row["unit"], row["offer"]) for row in listed}
    assert answers == {"p-chen": ("市供电局", "每周日查看"), "p-zhang": ("第三中学", "")}
    assert "供电局" not in yard.stored, "sealed"
    for by in ("p-chen", ""):
        with pytest.raises(ForbiddenError):
            yard.ask("find_responses", by, regulation_id=id)
    assert yard.ask("regulation_figures", regulation_id=id)["responses"] == 2
    posted = yard.ask("get_regulation", regulation_id=id)["postings"]
    assert [(one["where"], one["posted_on"]) for one in posted] == [("北门公开栏", "2025-03-04")]


def keys_of(desk: Desk, fact: str) -> list[str | None]:
    """What the sealed texts of all facts of a kind open to, None for those that nobody can open."""
    found: list[str | None] = []
    for commit in desk.log.read_commits():
        if any(record.type == fact for record in records_of(commit)):
            found += [desk.personal.open(text) for text in desk.definition.sealed_in(commit)]
    return found


@pytest.fixture
def notice(yard: Desk) -> str:
    """A notice that hangs, which residents answer, and of which households take note."""
    adopt(yard, "roles", "resident", "居民", powers=["regulation.respond", "regulation.acknowledge"])
    adopt(yard, "regulations", "notice", "告知书", of="council", answered=True, acknowledged=True)
    id = draft(yard, "notice")
    yard.ask("adopt_regulation", "post-yard", regulation_id=id, resolution="决议")
    yard.ask("post_regulation", "post-yard", regulation_id=id, channel="notice_board", where="北门公开栏")
    return id


def test_who_is_erased_is_forgotten_among_those_who_answered_and_took_note(yard: Desk, notice: str) -> None:
    """Each answer and each household has a key of its own, that goes with the person; others stay readable (part of X09)."""
    yard.ask("register_person", "operator", person_id="p-wang", name="王秀英", place=COMPOUND)
    for person, unit, household in (("p-wang", "市供电局", "101"), ("p-zhang", "第三中学", "102")):
        yard.ask("answer_notice", person, regulation_id=notice, unit=unit, offer=f"{unit}帮忙")
        yard.ask("acknowledge_regulation", person, regulation_id=notice, place=BUILDING, household=household)
    yard.ask("answer_notice", "p-wang", regulation_id=notice, unit="市供电局", offer="每周日查看")
    yard.ask("erase_person", "operator", person_id="p-wang", reason="本人要求")
    assert keys_of(yard, "NoticeAnswered") == [None, None, "第三中学", "第三中学帮忙", None, None]
    assert keys_of(yard, "HouseholdNoted") == [None, "102"]
    rows = yard.ask("find_responses", "post-yard", regulation_id=notice)["rows"]
    assert sorted((row["status"], row["unit"]) for row in rows) == [("answered", "第三中学"), ("erased", "")]
    figures = yard.ask("regulation_figures", regulation_id=notice)
    assert (figures["responses"], figures["acknowledged"]) == (2, 2), "what was counted stays"


def test_an_answer_is_erased_by_who_gave_it_and_a_household_by_staff(yard: Desk, notice: str) -> None:
    """Nobody needs to be a registered person to be forgotten, nor to wait until the version ends (part of X09)."""
    for person in ("p-chen", "p-zhang"):
        yard.ask("answer_notice", person, regulation_id=notice, unit=f"{person}的单位")
    mine = derived_id("response", notice, "p-chen")
    with pytest.raises(ForbiddenError):
        yard.ask("erase_answer", "p-zhang", response_id=mine)
    with pytest.raises(ForbiddenError):
        yard.ask("erase_answer", "", response_id=mine)
    assert yard.ask("erase_answer", "p-chen", response_id=mine)["events"] == 1
    assert yard.ask("erase_answer", "p-chen", response_id=mine)["events"] == 0
    assert keys_of(yard, "NoticeAnswered") == [None, "p-zhang的单位"]
    told = {"regulation_id": notice, "place": BUILDING}
    for household in ("101", "102"):
        yard.ask("acknowledge_regulation", "post-yard", **told, household=household)
    with pytest.raises(ForbiddenError):
        yard.ask("erase_household_note", "p-chen", **told, household="101")
    with pytest.raises(BadInputError, match="no such household"):
        yard.ask("erase_household_note", "post-yard", **told, household="103")
    yard.ask("erase_household_note", "post-yard", **told, household=" 101 室")
    assert keys_of(yard, "HouseholdNoted") == [None, "102"]
    with pytest.raises(IllegalStateError, match="all 2 households"):
        yard.ask("acknowledge_regulation", "post-yard", **told, household="103")
    yard.ask("end_regulation", "post-yard", regulation_id=notice, reason="期满")
    yard.ask("forget_households", "post-yard", regulation_id=notice)
    assert {*keys_of(yard, "NoticeAnswered"), *keys_of(yard, "HouseholdNoted")} == {None}


def test_what_was_sealed_with_the_key_of_a_notice_is_read_and_forgotten_as_before(yard: Desk, notice: str) -> None:
    """Answers and households of earlier releases share the key of the version: they go with it, and not one by one (part of X09)."""
    seal = partial(yard.personal.seal, f"regulation:{notice}")
    mine = derived_id("response", notice, "p-chen")
    noted = derived_id("acknowledgement", notice, BUILDING)
    answered = {"response_id": mine, "regulation_id": notice, "place": COMPOUND, "person_id": "p-chen"}
    answered |= {"unit": seal("市供电局"), "offer": "", "answered_on": "2025-03-04"}
    told = {"regulation_id": notice, "place": BUILDING}
    household = {"acknowledgement_id": noted, **told, "household": seal("101")}
    for stream, fact, data in (
        (f"response-{mine}", "NoticeAnswered", answered),
        (f"acknowledgement-{noted}", "HouseholdNoted", household),
    ):
        event = NewEvent(
            type=fact, schema=1, data=msgspec.Raw(msgspec.json.encode(data)), id=new_id(), occurred=f"2025-03-04{AT}"
        )
        yard.log.append(
            Commit(
                stream=stream,
                expected_version=0,
                events=(event,),
                command="told",
                command_id=new_id(),
                actor="p-chen",
                on_behalf_of="",
                mandate="",
                place=COMPOUND,
            )
        )
    yard.catch_up()
    assert [row["unit"] for row in yard.ask("find_responses", "post-yard", regulation_id=notice)["rows"]] == [
        "市供电局"
    ]
    with pytest.raises(IllegalStateError, match="no key of its own"):
        yard.ask("erase_answer", "p-chen", response_id=mine)
    with pytest.raises(IllegalStateError, match="acknowledged it already"):
        yard.ask("acknowledge_regulation", "p-lin", **told, household="101")
    with pytest.raises(IllegalStateError, match="no key of its own"):
        yard.ask("erase_household_note", "post-yard", **told, household="101")
    yard.ask("answer_notice", "p-chen", regulation_id=notice, unit="市水务局")
    yard.ask("end_regulation", "post-yard", regulation_id=notice, reason="期满")
    yard.ask("forget_households", "post-yard", regulation_id=notice)
    assert {*keys_of(yard, "NoticeAnswered"), *keys_of(yard, "HouseholdNoted")} == {None}
