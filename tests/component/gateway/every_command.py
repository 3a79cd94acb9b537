"""A town in which every command can be given: its people, and for each command who gives it, what is typed and what must be there before.

Only what cannot be derived from the declarations stands here; a control that a row does not name is filled in by its type.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from shared.domain.calendar import today
from shared.domain.catalogue import KINDS
from shared.domain.identity import derived_id
from shared.domain.lists import Ranked
from shared.domain.period import plus_days
from shared.following.context import CallContext
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, ENTRIES, OTHER_COMPOUND, PLACES, STREET, document
from tests.kit.town import Town

PASSWORD = "correct horse 9"
FOUNDED = "2025-01-01"
OPERATOR = "founder"
_ALL = ("issue.*", "visit.*", "wish.*", "volunteer.*", "team.*", "activity.*", "patrol.*", "registry.read_names")
#: Role to its word and powers.
ROLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "grid_worker": ("网格员", (*_ALL, "project.finish", "payment.request", "payment.amend")),
    "community_secretary": (
        "社区书记",
        (
            *_ALL,
            "project.*",
            "payment.sign",
            "statement.*",
            "checklist.*",
            "obligation.*",
            "link.confirm",
            "whistle.answer",
            "regulation.*",
            "meeting.*",
            "programme.*",
            "survey.*",
            "venue.book",
        ),
    ),
    "street_secretary": (
        "街道书记",
        (
            *_ALL,
            "link.*",
            "whistle.*",
            "standing.*",
            "checklist.*",
            "obligation.*",
            "project.*",
            "selection.*",
            "owners.*",
            "person.classify",
            "grade.measure",
            "indicator.state",
        ),
    ),
    "branch_head": ("支部书记", ("payment.review.branch",)),
    "committee_head": ("院委会主任", ("payment.review.committee",)),
    "board_head": ("监事会主席", ("payment.review.board",)),
    "accountant": ("会计", ("money.receive", "registry.read_names")),
    "cashier": ("出纳", ("payment.pay", "money.return")),
}
#: Organisation to its name, level, place and the one above.
BODIES = {
    "o-street": ("街道党工委", "street", STREET, ""),
    "o-community": ("社区党委", "community", COMMUNITY, "o-street"),
    "o-compound": ("小区党支部", "compound", COMPOUND, "o-community"),
    "o-committee": ("院委会", "compound", COMPOUND, "o-community"),
    "o-board": ("监事会", "compound", COMPOUND, "o-community"),
}
#: Holder of a post (whose account has the same name) to the body and role.
HOLDERS = {
    "p-grid": ("o-compound", "grid_worker"),
    "p-secretary": ("o-community", "community_secretary"),
    "p-street": ("o-street", "street_secretary"),
    "p-branch": ("o-compound", "branch_head"),
    "p-committee": ("o-committee", "committee_head"),
    "p-board": ("o-board", "board_head"),
    "p-accountant": ("o-committee", "accountant"),
    "p-cashier": ("o-committee", "cashier"),
}
RESIDENTS = ("p-resident", "p-neighbour")
#: Has an account and is no person of the registry.
STRANGER = "p-stranger"


def _words(code: str, number: int) -> dict[str, str]:
    """Words that hold nothing of the code, so that a page shows the code only where it should have said the word."""
    return {
        "zh": f"甲{'零一二三四五六七八九'[number % 10]}{'子丑寅卯辰巳午未申酉戌亥'[len(code) % 12]}",
        "en": f"Word {number}",
    }


def _lists() -> dict[str, Any]:
    apart = ("levels", "roles", "parameters")
    return {
        kind: {code: _words(code, number) | data for number, (code, data) in enumerate(codes.items())}
        for kind, codes in ENTRIES.items()
        if kind not in apart
    }


def profile(version: int = 1) -> dict[str, Any]:
    """The profile of the town."""
    made = document(
        ("grid_worker", "community_secretary", "street_secretary"),
        profile_id="town",
        city="榕城",
        levels=[{"code": code, "zh": zh, "en": code.capitalize()} for code, zh in _LEVELS.items()],
        roles=[{"code": code, "zh": zh, "en": code.replace("_", " ")} for code, (zh, _) in ROLES.items()],
        powers={code: list(powers) for code, (_, powers) in ROLES.items()}
        | {
            "resident": [
                *ENTRIES["roles"]["resident"]["powers"],
                "regulation.comment",
                "regulation.acknowledge",
                "regulation.respond",
            ]
        },
        code_lists=_lists(),
    )
    resident = {"resident": ("居民", "Resident"), "anonymous": ("未登录者", "Anybody")}
    for role in made["roles"]:
        if role["code"] in resident:
            role["zh"], role["en"] = resident[role["code"]]
    norms = {"subject": "organisation", "power": "checklist.judge", "unlocks": "norms"}
    items = [{"code": "room", "zh": "有场所", "en": "has a room"}, {"code": "rules", "zh": "有制度", "en": "has rules"}]
    modes = [
        {"code": code, "zh": zh, "en": en}
        for code, zh, en in (("joint", "三方联动", "Joint"), ("unit", "单位自管", "Unit"))
    ]
    mode = {"subject": "place", "of": "compound", "codes": modes}
    kinds = {"near": "organisation", "far": "organisation", "mutual": True}
    made["code_lists"]["issue_categories"]["quarrel"] = {"zh": "邻里纠纷", "en": "Quarrels", "confidential": True}
    made["code_lists"]["links"] = {
        "pairing": {"zh": "结对共建", "en": "Pairing"} | kinds,
        "cluster": {"zh": "1+N", "en": "Cluster", "near": "place", "far": "place", "star": True},
    }
    made["code_lists"]["shared_services"] = {"guards": {"zh": "保安", "en": "Guards"}}
    made["code_lists"]["whistles"] = {"street": {"zh": "街道哨", "en": "Street", "caller": "street"}}
    made["code_lists"]["selections"] = {"members": {"zh": "成员选举", "en": "Members"} | _MEMBERS}
    heard = {"of": "party", "adopted_by": "party", "comment_days": 1, "acknowledged": True}
    made["code_lists"]["regulations"] = {
        "convention": {"zh": "居民公约", "en": "Convention"} | heard,
        "rules": {"zh": "管理细则", "en": "Detailed rules", "of": "party", "adopted_by": "party", "acknowledged": True},
        "notice": {
            "zh": "党员告知书",
            "en": "Notice to members",
            "of": "party",
            "adopted_by": "party",
            "answered": True,
        },
    }
    made["code_lists"]["meetings"] = {"talk": {"zh": "半月谈", "en": "Fortnightly discussion", "callers": ["party"]}}
    made["code_lists"]["programmes"] = {"project": {"zh": "书记领办项目", "en": "Project of the secretary"} | _PROJECT}
    asked = [{"code": "content", "zh": "满意", "en": "Content"}]
    made["code_lists"]["surveys"] = {"content": {"zh": "满意度", "en": "Satisfaction", "questions": asked}}
    made["code_lists"]["venues"] = {"room": {"zh": "活动室", "en": "Room", "of": "building"} | _VENUE}
    made["code_lists"]["schemes"] = {"mode": {"zh": "管理模式", "en": "Mode of running"} | mode}
    members = [
        {"code": "retired", "zh": "离退休", "en": "Retired"},
        {"code": "employed", "zh": "在职", "en": "Employed"},
    ]
    made["code_lists"]["classifications"] = {"member": {"zh": "党员类别", "en": "Sort of member", "classes": members}}
    made["code_lists"]["grade_tables"] = {"pay": {"zh": "岗位等级", "en": "Grades of pay"} | _GRADES}
    means = {"unit": "percent", "means": "大专及以上人数占干部总数", "means_en": "with college, of all"}
    made["code_lists"]["indicators"] = {"schooling": {"zh": "学历", "en": "Schooling"} | means}
    made["checklists"] = [{"code": "norms", "zh": "四规范", "en": "Four norms", "items": items} | norms]
    owed = {"cadence": "year", "bearer": "party", "amount": 1, "power": "obligation.meet"}
    made["obligations"] = [{"code": "report", "zh": "向支部报告", "en": "Report to the branch"} | owed]
    return made | {"version": version}


_GRADES: dict[str, Any] = {
    "tracks": [{"code": "clerks", "zh": "一般岗", "en": "Clerks"}],
    "merits": [{"code": "degree", "zh": "学历", "en": "Degree", "points": 5, "most": 3}],
    "grades": [{"track": "clerks", "level": 1, "least": 0, "coefficient": 1000}],
    "workers": ["grid_worker"],
}
_MEMBERS: dict[str, Any] = {
    "of": "council",
    "steps": [{"code": "talks", "zh": "当面访", "en": "Talks"}],
    "criteria": [{"code": "fairness", "zh": "选公心", "en": "Fairness"}],
    "traits": [{"code": "leads", "zh": "善带头", "en": "Leads"}],
    "acceptances": [{"code": "by_members", "zh": "党员认同", "en": "By members", "of": "party"}],
}
_PROJECT: dict[str, Any] = {
    "prongs": [{"code": "base", "zh": "强基", "en": "Base"}],
    "unit": "organisation",
    "stages": [{"code": "together", "zh": "共谋", "en": "Planned together"}],
    "batches": [{"code": "first", "zh": "第一批", "en": "First batch"}],
}
_VENUE: dict[str, Any] = {
    "zones": [{"code": "hall", "zh": "大厅", "en": "Hall"}],
    "uses": [{"code": "talk", "zh": "议事", "en": "Talk"}],
}
_LEVELS = {"district": "区级", "street": "街道级", "community": "社区级", "compound": "小区级"}


class World:
    """The town with what was done in it directly, to bring about what a command needs."""

    def __init__(self, folder: Path, founded: bool = True, trial: bool = True) -> None:
        self.town = Town(folder, trial=trial)
        self._numbers = itertools.count(1)
        #: Who was elected last, and a vacant post of the body; the body that called a meeting last.
        self.elected, self.vacant, self.gathered = "", "", ""
        #: Everything in Chinese that anybody said.
        self.said: set[str] = set()
        self._accounts = self.town.app.extensions["linli"].credentials.accounts
        self._accounts.create(OPERATOR, PASSWORD, "operator")
        if founded:
            self.found()

    def do(self, by: str, service: str, command: str, /, **ask: Any) -> str:
        """Give a command directly; returns the id of the thing."""
        self.said |= set(_chinese(ask))
        if by == OPERATOR:
            context = CallContext(kind="operator", actor=OPERATOR, command_id=self.new())
        else:
            post = f"post-{by[2:]}" if by in HOLDERS else ""
            context = CallContext(kind="person", actor=by, post=post, command_id=self.new())
        return str(self.town.call(service, command, context, ask)["id"])

    def head(self, service: str) -> int:
        """The last position of a service's log."""
        return self.town.places[service].node.log.head().position

    def new(self) -> str:
        """An id that nothing has yet."""
        return f"n-{next(self._numbers)}"

    def found(self) -> None:
        """The profile, places, bodies, posts, people, and accounts for all of them."""
        found = self._founded
        found("adopt_profile", **profile())
        for place, (kind, name) in PLACES.items():
            parent = place.rpartition(".")[0]
            found("register_place", place=place, kind=kind, name=name, name_en=f"Place {place[-3:]}", parent=parent)
        for body, (name, level, place, above) in BODIES.items():
            sort = "council" if body in ("o-committee", "o-board") else "party"
            named = {"type": sort, "name": name, "name_en": f"Body {body[2:]}", "level": level, "place": place}
            found("establish_organisation", organisation_id=body, parent_id=above, since=FOUNDED, **named)
        for person in (*HOLDERS, *RESIDENTS):
            found("register_person", person_id=person, name=f"人{next(self._numbers)}", place=COMPOUND)
        for person, (body, role) in HOLDERS.items():
            named = {"post_id": f"post-{person[2:]}", "organisation_id": body, "role": role}
            found("establish_post", title=ROLES[role][0], title_en=f"Post {person[2:]}", **named)
            found("appoint_person", post_id=f"post-{person[2:]}", person_id=person, since=FOUNDED)
        self.town.tick(today())
        for person in (*HOLDERS, *RESIDENTS, STRANGER):
            self._accounts.create(person, PASSWORD, "person", person)

    def _founded(self, command: str, **ask: Any) -> str:
        return self.do(OPERATOR, "registry", command, **ask)

    # things in the state that a command needs

    def person(self) -> str:
        """Somebody whom nobody knows yet."""
        return self._founded("register_person", person_id=self.new(), name="某某", place=COMPOUND)

    def body(self) -> str:
        """An organisation that nothing depends on."""
        return self._body("council", "临时议事会")

    def party(self) -> str:
        """A branch that nothing depends on."""
        return self._body("party", "临时支部")

    def _body(self, type: str, name: str) -> str:
        """An organisation in the compound, under a name of its own."""
        id = self.new()
        named = {"type": type, "name": f"{name} {id}", "name_en": id, "level": "compound", "place": COMPOUND}
        return self._founded(
            "establish_organisation", organisation_id=id, parent_id="o-community", since=FOUNDED, **named
        )

    def post(self, person: str = "") -> str:
        """A post, held by somebody if so wished."""
        named = {"organisation_id": "o-community", "role": "accountant", "title": "临时岗", "title_en": "Post"}
        id = self._founded("establish_post", post_id=self.new(), **named)
        if person:
            self._founded("appoint_person", post_id=id, person_id=person, since=FOUNDED)
        return id

    def ending_post(self) -> str:
        """A post whose term ends in a year."""
        named = {"organisation_id": "o-community", "role": "accountant", "title": "届满岗", "title_en": "Ending"}
        id = self._founded("establish_post", post_id=self.new(), **named)
        until = plus_days(today(), 365)
        self._founded("appoint_person", post_id=id, person_id=self.person(), since=FOUNDED, until=until)
        return id

    def succession(self) -> str:
        """Who follows in such a post."""
        return self._founded("name_successor", post_id=self.ending_post(), person_id=self.person())

    def entry(self) -> str:
        """A code that nothing has yet, on the list of categories."""
        code = f"order.{self.new()}"
        self._founded("adopt_entry", kind="issue_categories", code=code, zh="新类", en="New sort")
        return code

    def empty_place(self) -> str:
        """A building at which there is nothing."""
        place = f"{COMPOUND}.{self.new()}"
        self._founded(
            "register_place", place=place, kind="building", name=f"空楼{next(self._numbers)}", parent=COMPOUND
        )
        return place

    def checklist(self) -> str:
        """An open checklist of the compound's branch."""
        return self.do("p-street", "registry", "open_checklist", template="norms", subject=self.fresh_body())

    def fresh_body(self) -> str:
        """A body in the compound that no checklist was opened for."""
        return self.body()

    def standing(self) -> str:
        """What the other compound is by the scheme of modes."""
        return self.do(
            "p-street",
            "registry",
            "decide_standing",
            scheme="mode",
            subject=OTHER_COMPOUND,
            code="unit",
            grounds="决议",
        )

    def classification(self) -> str:
        """What a resident is by the classification of members."""
        ask = {"scheme": "member", "person_id": self.person(), "code": "employed", "grounds": "台账"}
        return self.do("p-street", "registry", "classify_person", **ask)

    def link(self) -> str:
        """A pairing that the street proposed to the community's committee."""
        ask = {"kind": "pairing", "near": self.body(), "far": "o-community", "terms": "共建"}
        return self.do("p-street", "registry", "propose_link", **ask)

    def confirmed_link(self) -> str:
        """A pairing to which the other end has agreed."""
        id = self.link()
        self.do("p-secretary", "registry", "confirm_link", link_id=id)
        return id

    def hub(self) -> str:
        """A compound with a member of its cluster."""
        hub, member = self.empty_place(), self.empty_place()
        self.do("p-street", "registry", "propose_link", kind="cluster", near=hub, far=member, terms="合聘")
        return hub

    def sharing(self) -> str:
        """The cost of guards, split."""
        ask = {"kind": "cluster", "hub": self.hub(), "service": "guards", "basis": "equal"}
        ask |= {"since": today(), "until": plus_days(today(), 30), "amount_fen": 100, "grounds": "会议"}
        return self.do("p-street", "registry", "share_cost", **ask)

    def selection(self, until: str = "") -> str:
        """A selection of the only member of a body of its own, with one candidate who is ready for the next stage, up to a stage."""

        def ask(command: str, **more: Any) -> None:
            self.do("p-street", "registry", command, selection_id=id, **more)

        body = self.body()
        named = {"organisation_id": body, "role": "accountant", "title": "成员", "title_en": "Member"}
        self.vacant = self._founded("establish_post", post_id=self.new(), **named)
        id = self.do("p-street", "registry", "open_selection", kind="members", organisation_id=body)
        if not until:
            return id
        self.elected = self.person() if until == "seating" else "p-neighbour"
        who = {"person_id": self.elected}
        ask("nominate_candidate", **who, way="self")
        ask("begin_recommending")
        if until == "candidate":
            return id
        ask("scout_candidate", **who, step="talks", result="愿意参选")
        ask("attest_criterion", **who, criterion="fairness", met=True, evidence="走访")
        ask("accept_candidate", **who, acceptance="by_members", accepted=True, resolution="会议决议")
        if until == "voting":
            return id
        ask("begin_voting", ballot=[self.elected], electors=9)
        if until == "counting":
            return id
        ask("record_ballot", votes={self.elected: 6}, cast=6, minutes="唱票记录")
        if until == "closing":
            return id
        ask("close_selection")
        return id

    def regulation(self, until: str = "", kind: str = "rules") -> str:
        """A document of a body of its own, up to a stage."""

        def ask(command: str, **more: Any) -> None:
            self.do("p-secretary", "registry", command, regulation_id=id, **more)

        drafted = {"kind": kind, "organisation_id": self.party(), "title": "制度", "text": "正文"}
        id = self.do("p-secretary", "registry", "draft_regulation", **drafted)
        self._founded("count_households", place=BUILDING, households=24 + next(self._numbers))
        if until in ("commenting", "answering"):
            ask("invite_comments")
        if until == "answering":
            self.do("p-resident", "registry", "comment_draft", regulation_id=id, text="好")
        if until in ("adopted", "posted", "ended"):
            ask("adopt_regulation", resolution="会议决议")
        if until == "posted":
            ask("post_regulation", channel="portal", where="公开栏")
        if until == "ended":
            ask("end_regulation", reason="并入公约")
        return id

    def response(self) -> str:
        """The answer of a resident to a notice."""
        notice = self.regulation("posted", "notice")
        self.do("p-resident", "registry", "answer_notice", regulation_id=notice, unit="市供电局", offer="巡线")
        return derived_id("response", notice, "p-resident")

    def answered(self) -> str:
        """A survey that a household has answered."""
        id = self.survey()
        self._founded("count_households", place=BUILDING, households=24 + next(self._numbers))
        told = {"survey_id": id, "place": BUILDING, "household": "302", "answers": {"content": 4}}
        self.do("p-secretary", "registry", "answer_survey", **told)
        return id

    def noted(self) -> str:
        """A version of which a household has taken note."""
        id = self.regulation("adopted")
        told = {"regulation_id": id, "place": BUILDING, "household": "302"}
        self.do("p-secretary", "registry", "acknowledge_regulation", **told)
        return id

    def meeting(self, until: str = "") -> str:
        """A meeting of a body of its own today, up to a stage."""

        def ask(command: str, **more: Any) -> None:
            self.do("p-secretary", "registry", command, meeting_id=id, **more)

        body = self.gathered = self.party()
        named = {"kind": "talk", "organisation_id": body, "day": _day(), "agenda": [{"title": "路灯"}]}
        id = self.do("p-secretary", "registry", "call_meeting", **named)
        if until:
            ask("hold_meeting", attended={body: 9}, entitled=9, present=9)
        if until in ("resolved", "minuted"):
            ask("resolve_item", item=1, text="修路灯", votes_for=9)
        if until == "minuted":
            ask("keep_minutes", text="到会9人")
        return id

    def lead(self) -> str:
        """The post of the community's secretary, which leads nothing."""
        context = CallContext(kind="operator", actor=OPERATOR)
        for row in self.town.call("registry", "find_programmes", context, {"status": "running"})["rows"]:
            self.do("p-secretary", "registry", "end_programme", programme_id=row["programme_id"], result="完成")
        return "post-secretary"

    def programme(self) -> str:
        """What the community's secretary leads."""
        named = {"kind": "project", "lead_post_id": self.lead(), "title": f"项目 {self.new()}", "aim": "强基"}
        return self.do("p-secretary", "registry", "start_programme", **named)

    def unit(self, until: str = "") -> str:
        """A branch that takes part in it, up to a stage."""

        def ask(command: str, **more: Any) -> None:
            self.do("p-secretary", "registry", command, participation_id=id, **more)

        joined = {"programme_id": self.programme(), "subject": self.party(), "batch": "first"}
        id = self.do("p-secretary", "registry", "join_programme", **joined)
        if until:
            ask("advance_unit", stage="together", people=9, evidence="会议记录")
        if until == "accepted":
            ask("accept_unit", evidence="验收单")
        return id

    def survey(self, until: str = "") -> str:
        """A survey about the compound, open or closed."""
        self._founded("count_households", place=BUILDING, households=24 + next(self._numbers))
        asked = {"kind": "content", "subject": COMPOUND, "period": self.new()}
        id = self.do("p-secretary", "registry", "open_survey", **asked)
        if until:
            self.do("p-secretary", "registry", "close_survey", survey_id=id, conclusion="改进")
        return id

    def registration(self, until: str = "") -> str:
        """What is registered of the community's committee: a code, and an account if so wished."""
        self.said.add("91350100M000100Y43")
        told = {"organisation_id": "o-community", "certificate": f"证书 {self.new()}"}
        id = self._founded("register_credit_code", credit_code="91350100M000100Y43", **told)
        if until:
            account = f"62220000{next(self._numbers):08}"
            self._founded("register_account", registration_id=id, bank="农商银行", account_number=account)
        context = CallContext(kind="operator", actor=OPERATOR)
        row = self.town.call("registry", "get_registration", context, {"registration_id": id})
        self.last = str(len(row["accounts"]))
        return id

    def booking(self) -> str:
        """A zone of a room that is booked for a minute of its own."""
        return self.do("p-secretary", "registry", "book_venue", **self.slot())

    def slot(self) -> dict[str, Any]:
        """A minute of a room that nobody has booked."""
        at = next(self._numbers) % 1400
        hours = {"from_hour": f"{at // 60:02}:{at % 60:02}", "to_hour": f"{(at + 1) // 60:02}:{(at + 1) % 60:02}"}
        return {
            "kind": "room",
            "place": BUILDING,
            "zone": "hall",
            "use": "talk",
            "day": _day(),
            "purpose": "议事",
        } | hours

    def owners_vote(self) -> str:
        """A vote of the owners of two units."""
        named = {"matter": "use_of_fund", "question": "修电梯", "roll": ROLL}
        return self.do("p-street", "registry", "open_owners_vote", place=COMPOUND, **named)

    def obligation(self) -> str:
        """What a new body owes this year."""
        body = self._body("party", "临时支部")
        self.town.tick(today())
        context = CallContext(kind="operator", actor=OPERATOR)
        rows = self.town.call("registry", "find_obligations", context, {"organisation_id": body})["rows"]
        return str(rows[0]["obligation_id"])

    def issue(self, status: str = "reported", contact: str = "") -> str:
        """A resident's issue at a step of its way; the grid worker answers for it."""
        told = {"place": COMPOUND, "category": "facility.streetlight", "description": "路灯不亮"}
        id = self.do("p-resident", "issues", "report_issue", **told, **({"contact": contact} if contact else {}))
        for step, by, ask in (
            ("triaged", "triage_issue", {"severity": "small", "tier": "compound", "reason": "看过"}),
            ("dispatched", "dispatch_issue", {"post_id": "post-grid", "duty": "修好", "working_days": 3}),
            ("accepted", "accept_issue", {}),
            ("resolved", "resolve_issue", {"outcome": "修好了"}),
            ("asked", "record_follow_up", {"result": "satisfied", "note": "亮了"}),
            ("closed", "close_issue", {"because": "居民满意"}),
        ):
            if status in _BEFORE[step]:
                break
            who = "p-secretary" if by in ("dispatch_issue", "record_follow_up") else "p-grid"
            self.do(who, "issues", by, issue_id=id, **ask)
        return id

    def late_issue(self) -> str:
        """An issue for which more time is asked."""
        id = self.issue("accepted")
        return self.do("p-grid", "issues", "ask_extension", issue_id=id, due=_day(9), reason="等配件")

    def dispute(self) -> str:
        """A confidential case that a resident reported."""
        told = {"place": COMPOUND, "category": "quarrel", "description": "邻里争吵"}
        return self.do("p-resident", "issues", "report_issue", **told)

    def mediation(self, until: str = "") -> str:
        """A mediation of the grid worker: begun, talked about, or settled."""
        asked = {"issue_id": self.dispute(), "parties": ["甲家", "乙家"]}
        id = self.do("p-grid", "issues", "open_mediation", **asked)
        if until:
            self.do("p-grid", "issues", "talk_with_parties", mediation_id=id, note="谈过一次")
        if until == "settled":
            told = {"mediation_id": id, "agreement": "互相道歉", "agreed": 2}
            self.do("p-grid", "issues", "settle_dispute", **told)
        return id

    def whistle(self, until: str = "blown") -> str:
        """A whistle of the street to the community: blown, answered, or finished."""
        asked = {"kind": "street", "issue_id": self.issue("reported"), "summoned": ["o-community"], "task": "一起办"}
        id = self.do("p-street", "issues", "blow_whistle", **asked)
        if until != "blown":
            self.do("p-secretary", "issues", "answer_whistle", whistle_id=id)
        if until == "finished":
            self.do("p-secretary", "issues", "finish_part", whistle_id=id, result="办好了", rating=5)
        return id

    def held_issue(self) -> str:
        """What nobody signed for, beyond what the post takes in of it on a day."""
        told = {"place": COMPOUND, "category": "facility.streetlight", "description": "路灯又不亮"}
        self.said |= set(_chinese(told))
        while True:
            context = CallContext(kind="anonymous", actor="", command_id=f"anonymous:{self.new()}")
            id = str(self.town.call("issues", "report_issue", context, told)["id"])
            found = self.town.call("issues", "get_issue", CallContext(kind="anonymous", actor=""), {"issue_id": id})
            if found["status"] == "held":
                return id

    def volunteer(self) -> str:
        """A registered volunteer."""
        person = self.person()
        return self.do("p-grid", "volunteers", "register_volunteer", person_id=person, name="某某", home=COMPOUND)

    def unknown(self) -> str:
        """A volunteer whom the registry does not know."""
        named = {"name": "某某", "home": COMPOUND}
        return self.do(STRANGER, "volunteers", "register_volunteer", **named)

    def visit(self) -> str:
        """A visit to a named household."""
        told = {"visit_id": self.new(), "place": COMPOUND, "household": "1号楼某某家", "visited_on": _day()}
        return self.do("p-grid", "issues", "record_visit", **told)

    def team(self, members: int = 2) -> str:
        """A team."""
        named = {"kind": "safety", "name": "平安队", "name_en": "Safety team", "place": COMPOUND}
        id = self.do("p-grid", "volunteers", "form_team", team_id=self.new(), **named)
        for _ in range(members):
            self.do("p-grid", "volunteers", "join_team", team_id=id, person_id=self.volunteer())
        return id

    def members(self, team: str) -> list[str]:
        """Who is in a team."""
        context = CallContext(kind="person", actor="p-grid", post="post-grid")
        rows = self.town.call("volunteers", "find_members", context, {"team_id": team})["rows"]
        return [row["person_id"] for row in rows]

    def report(self, status: str) -> str:
        """A member whom a survey found, or who has reported in."""
        person = self.person()
        where = {"person_id": person, "unit": "o-street", "place": COMPOUND}
        if status == "reported_in":
            return self.do("p-grid", "volunteers", "report_in", **where)
        return self.do("p-grid", "volunteers", "survey_member", level="city", **where)

    def held(self) -> str:
        """An activity that was held."""
        return self.activity(held=True)

    def activity(self, attended: str = "", held: bool = False) -> str:
        """An activity that has begun; `attended` is who came to one that was held."""
        named = {"title": "大扫除", "title_en": "Clean-up", "kind": "service", "place": COMPOUND}
        starts = "2025-03-01T09:00:00+08:00"
        id = self.do("p-grid", "volunteers", "plan_activity", activity_id=self.new(), starts=starts, **named)
        if attended or held:
            self.do("p-grid", "volunteers", "hold_activity", activity_id=id)
        if attended:
            came = [{"person_id": attended, "minutes": 60}]
            self.do("p-grid", "volunteers", "record_attendance", activity_id=id, attendances=came)
        return id

    def wish(self, status: str = "asked", wisher: str = "p-resident") -> str:
        """A wish at a step of its way; the neighbour claims it."""
        asked = {"place": COMPOUND, "wish": "想要老花镜", "wisher": "陈阿婆", "wisher_id": wisher}
        id = self.do("p-grid", "volunteers", "ask_wish", wish_id=self.new(), **asked)
        steps: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("published", "publish_wish", {"title": "老花镜", "title_en": "Glasses"}),
            ("claimed", "claim_wish", {}),
            ("fulfilled", "fulfil_wish", {}),
        )
        order = [step for step, _, _ in steps]
        for step, command, ask in steps[: order.index(status) + 1] if status in order else ():
            by = "p-secretary" if step == "published" else "p-street"
            self.do(by, "volunteers", command, wish_id=id, **ask)
        return id

    def project(self, status: str = "proposed") -> str:
        """A project at a step of its way."""
        named = {"title": "下水管网改造", "title_en": "Drains", "place": COMPOUND, "budget_fen": 100_000}
        shares = {"government": 60_000, "residents": 40_000}
        criteria = [{"code": "flow", "zh": "排水通畅", "en": "drains run free"}]
        named |= {"shares": shares, "criteria": criteria}
        id = self.do("p-secretary", "funding", "propose_project", project_id=self.new(), **named)
        if status in ("approved", "finished", "accepted"):
            self.do("p-secretary", "funding", "approve_project", project_id=id)
        if status in ("finished", "accepted"):
            self.receipt(id)
            self.do("p-grid", "funding", "finish_works", project_id=id)
        if status == "accepted":
            self.do("p-street", "funding", "accept_project", project_id=id, criteria={"flow": True})
        return id

    def receipt(self, project: str = "", person: bool = False) -> str:
        """Money that came in, from a person if so wished."""
        paid = {"source": "government", "payer": "住建局", "amount_fen": 60_000}
        paid |= {"payer_kind": "person", "payer": "业主某某", "source": "residents"} if person else {}
        return self.do(
            "p-accountant", "funding", "record_receipt", project_id=project or self.project("approved"), **paid
        )

    def payment(self, status: str = "requested", **said: Any) -> tuple[str, str]:
        """A request for payment at a step of its way, with its project."""
        project = self.project("approved")
        self.receipt(project)
        asked = {"project_id": project, "payee": f"市政公司{self.new()}", "purpose": "工程款", "amount_fen": 50_000}
        asked |= said
        id = self.do("p-grid", "funding", "request_payment", **asked)
        if status == "held":
            return self.do("p-grid", "funding", "request_payment", **asked), project
        read = {"project_id": project, "payment_id": id, "version": 1, "amount_fen": 50_000}
        if status not in ("requested", "withdrawn"):
            for body in ("branch", "committee", "board"):
                self.do(f"p-{body}", "funding", "review_payment", body=body, verdict="approved", **read)
        if status == "signed":
            self.do("p-secretary", "funding", "sign_payment", **read)
        if status == "withdrawn":
            self.do("p-grid", "funding", "withdraw_payment", payment_id=id, project_id=project, reason="不做了")
        return id, project

    def statement(self) -> str:
        """A statement that was disclosed."""
        project = self.project("approved")
        self.receipt(project)
        return self.do("p-secretary", "funding", "disclose_statement", project_id=project)

    def close(self) -> None:
        """Let go of files."""
        self.town.close()


_WAY = ("reported", "triaged", "dispatched", "accepted", "resolved", "asked", "closed")
#: Step to the statuses that are reached without it.
_BEFORE = {step: _WAY[:number] for number, step in enumerate(_WAY)}
Typed = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """Who gives a command, what is typed into the controls that are named, and the thing that it is given to.

    `typed` may be a function of the world and the thing; `thing` brings it about ("" for a new one).
    """

    by: str
    typed: Typed | Callable[[World, str], Typed] = field(default_factory=dict)
    thing: Callable[[World], str] | None = None
    #: Whether it is given in a town that nobody has founded yet.
    empty: bool = False


def _attending(world: World, id: str) -> Typed:
    context = CallContext(kind="person", actor="p-grid", post="post-grid")
    came = world.town.call("volunteers", "get_activity", context, {"activity_id": id})["attendances"]
    return {"person_id": came["rows"][0]["person_id"]}


def _day(later: int = 0) -> str:
    return (date.fromisoformat(today()) + timedelta(days=later)).isoformat()


#: The roll of a vote of owners.
ROLL = [{"unit": "101", "area": 9000, "owner": "o-1"}, {"unit": "102", "area": 8000, "owner": "o-2"}]


def _paid(world: World, id: str) -> Typed:
    return {"version": "1", "amount_fen": "500"}


#: The data of a checklist: a choice, an item, a power and codes.
QUIET = {
    "subject": "place",
    "items": [{"code": "night", "zh": "夜间无噪声", "en": "Silence"}],
    "power": "checklist.judge",
}

ROWS: dict[str, Row] = {
    # the registry
    "adopt_profile": Row(OPERATOR, lambda world, id: _typed_profile(), empty=True),
    "adopt_entry": Row(OPERATOR, {"kind": "checklists", "code": "quiet", "zh": "安静", "en": "Quiet", "data": QUIET}),
    "retire_entry": Row(OPERATOR, lambda world, id: {"kind": "issue_categories", "code": world.entry()}),
    "register_place": Row(
        OPERATOR, lambda world, id: {"place": f"{COMPOUND}.{world.new()}", "kind": "building", "parent": COMPOUND}
    ),
    "rename_place": Row(OPERATOR, {"name": "更名楼"}, lambda world: BUILDING),
    "measure_place": Row(OPERATOR, {"measure": "area", "unit": "m2"}, lambda world: BUILDING),
    "end_place": Row(OPERATOR, {"change": "abolished"}, lambda world: world.empty_place()),
    "describe_place": Row(OPERATOR, {"attribute": "built", "value": "1986"}, lambda world: BUILDING),
    "count_households": Row(OPERATOR, {"households": "24"}, lambda world: BUILDING),
    "establish_organisation": Row(
        OPERATOR, {"type": "council", "level": "compound", "place": COMPOUND, "parent_id": "o-community"}
    ),
    "dissolve_organisation": Row(OPERATOR, {}, World.body),
    "move_organisation": Row(OPERATOR, {"new_parent_id": "o-street"}, World.body),
    "establish_post": Row(OPERATOR, {"organisation_id": "o-community", "role": "accountant"}),
    "abolish_post": Row(OPERATOR, {}, World.post),
    "appoint_person": Row(OPERATOR, lambda world, id: {"person_id": world.person()}, World.post),
    "end_appointment": Row(OPERATOR, {"person_id": "p-neighbour"}, lambda world: world.post("p-neighbour")),
    "name_successor": Row(OPERATOR, lambda world, id: {"post_id": world.ending_post(), "person_id": world.person()}),
    "withdraw_successor": Row(OPERATOR, {}, World.succession),
    "register_person": Row(OPERATOR, {"place": COMPOUND}),
    "erase_person": Row(OPERATOR, {}, World.person),
    "open_checklist": Row("p-street", lambda world, id: {"template": "norms", "subject": world.body()}),
    "judge_item": Row("p-street", {"item": "room"}, World.checklist),
    "decide_standing": Row("p-street", lambda world, id: {"scheme": "mode", "subject": COMPOUND, "code": "joint"}),
    "end_standing": Row("p-street", {}, World.standing),
    "classify_person": Row(
        "p-street",
        lambda world, id: {"scheme": "member", "person_id": world.person(), "code": "retired", "organisation_id": ""},
    ),
    "end_classification": Row("p-street", {}, World.classification),
    "measure_grade": Row(
        "p-street",
        lambda world, id: {"scheme": "pay", "person_id": world.person(), "track": "clerks", "serving_since": FOUNDED},
    ),
    "record_birth": Row(OPERATOR, {"born": "1980-01-01"}, World.person),
    "state_indicator": Row(
        "p-street",
        {"scheme": "schooling", "place": COMPOUND, "value": "97.5", "denominator": "40", "as_of": FOUNDED},
    ),
    "propose_link": Row("p-street", lambda world, id: {"kind": "pairing", "near": world.body(), "far": "o-street"}),
    "confirm_link": Row("p-secretary", {}, World.link),
    "decline_link": Row("p-secretary", {}, World.link),
    "end_link": Row("p-street", {}, World.link),
    "share_cost": Row(
        "p-street",
        lambda world, id: {
            "kind": "cluster",
            "service": "guards",
            "hub": world.hub(),
            "basis": "equal",
            "until": _day(30),
            "since": _day(0),
        },
    ),
    "withdraw_sharing": Row("p-street", {}, World.sharing),
    "log_delivery": Row("p-street", {}, World.confirmed_link),
    "open_selection": Row("p-street", lambda world, id: {"kind": "members", "organisation_id": world.body()}),
    "scout_candidate": Row("p-street", {"person_id": "p-resident", "step": "talks"}, World.selection),
    "nominate_candidate": Row(
        "p-street", {"person_id": "p-resident", "way": "self", "traits.0": "leads"}, World.selection
    ),
    "attest_criterion": Row(
        "p-street", {"person_id": "p-neighbour", "criterion": "fairness"}, lambda world: world.selection("candidate")
    ),
    "accept_candidate": Row(
        "p-street", {"person_id": "p-neighbour", "acceptance": "by_members"}, lambda world: world.selection("candidate")
    ),
    "begin_recommending": Row("p-street", {}, World.selection),
    "begin_voting": Row(
        "p-street", {"ballot.0": "p-neighbour", "electors": "9"}, lambda world: world.selection("voting")
    ),
    "record_ballot": Row(
        "p-street",
        {"votes": [{"key": "p-neighbour", "value": "5"}], "cast": "6"},
        lambda world: world.selection("counting"),
    ),
    "close_selection": Row("p-street", {}, lambda world: world.selection("closing")),
    "seat_candidate": Row(
        OPERATOR,
        lambda world, id: {"person_id": world.elected, "post_id": world.vacant},
        lambda world: world.selection("seating"),
    ),
    "cancel_selection": Row("p-street", {}, World.selection),
    "open_owners_vote": Row("p-street", {"place": COMPOUND, "matter": "use_of_fund", "roll": ROLL}),
    "count_owners_ballots": Row(
        "p-street", {"roll": ROLL, "ballots": [{"key": "o-1", "value": "for"}]}, World.owners_vote
    ),
    "draft_regulation": Row(
        "p-secretary",
        lambda world, id: {"kind": "rules", "organisation_id": world.party(), "number": "1", "digest": ""},
    ),
    "withdraw_draft": Row("p-secretary", {}, World.regulation),
    "invite_comments": Row("p-secretary", {}, lambda world: world.regulation("drafted", "convention")),
    "comment_draft": Row("p-resident", {}, lambda world: world.regulation("commenting", "convention")),
    "answer_comment": Row("p-secretary", {"comment": "1"}, lambda world: world.regulation("answering", "convention")),
    "adopt_regulation": Row("p-secretary", {"owners_vote_id": "", "adopting_meeting_id": ""}, World.regulation),
    "post_regulation": Row("p-secretary", {"channel": "portal"}, lambda world: world.regulation("adopted")),
    "acknowledge_regulation": Row("p-secretary", {"place": BUILDING}, lambda world: world.regulation("adopted")),
    "answer_notice": Row("p-resident", {}, lambda world: world.regulation("posted", "notice")),
    "end_regulation": Row("p-secretary", {}, lambda world: world.regulation("adopted")),
    "erase_answer": Row("p-secretary", {}, World.response),
    "erase_household_note": Row(
        "p-secretary",
        lambda world, id: {"regulation_id": world.noted(), "place": BUILDING, "household": "302"},
    ),
    "forget_households": Row("p-secretary", {}, lambda world: world.regulation("ended")),
    "start_programme": Row("p-secretary", lambda world, id: {"kind": "project", "lead_post_id": world.lead()}),
    "report_programme": Row("p-secretary", {}, World.programme),
    "end_programme": Row("p-secretary", {}, World.programme),
    "join_programme": Row(
        "p-secretary",
        lambda world, id: {"programme_id": world.programme(), "subject": world.party(), "batch": "first"},
    ),
    "advance_unit": Row("p-secretary", {"stage": "together"}, World.unit),
    "accept_unit": Row("p-secretary", {}, lambda world: world.unit("ready")),
    "fall_back": Row("p-secretary", {}, lambda world: world.unit("accepted")),
    "leave_programme": Row("p-secretary", {}, World.unit),
    "open_survey": Row(
        "p-secretary", lambda world, id: {"kind": "content", "subject": COMPOUND, "period": world.new()}
    ),
    "answer_survey": Row(
        "p-secretary",
        lambda world, id: {
            "survey_id": world.survey(),
            "place": BUILDING,
            "household": "302",
            "answers": [{"key": "content", "value": "4"}],
        },
    ),
    "book_venue": Row("p-secretary", lambda world, id: world.slot()),
    "cancel_booking": Row("p-secretary", {}, World.booking),
    "close_survey": Row("p-secretary", {}, World.survey),
    "erase_answerer": Row(
        "p-secretary",
        lambda world, id: {"survey_id": world.answered(), "place": BUILDING, "household": "302"},
    ),
    "forget_answerers": Row("p-secretary", {}, lambda world: world.survey("closed")),
    "register_credit_code": Row(
        OPERATOR, lambda world, id: {"organisation_id": world.body(), "credit_code": "91350211M000100Y46"}
    ),
    "register_seal": Row(OPERATOR, {"keeper_post_id": "post-secretary"}, World.registration),
    "register_account": Row(OPERATOR, {"account_number": "6222999911112222"}, World.registration),
    "end_registration": Row(
        OPERATOR,
        lambda world, id: {"what": "account", "number": world.last},
        lambda world: world.registration("account"),
    ),
    "cancel_owners_vote": Row("p-street", {}, World.owners_vote),
    "call_meeting": Row(
        "p-secretary",
        lambda world, id: {
            "kind": "talk",
            "organisation_id": world.party(),
            "day": _day(),
            "hour": "19:30",
            "agenda": [{"title": "路灯"}],
            "asking_organisation_id": "",
            "topic": "",
        },
    ),
    "call_off_meeting": Row("p-secretary", {}, World.meeting),
    "hold_meeting": Row(
        "p-secretary",
        lambda world, id: {
            "attended": [{"key": world.gathered, "value": "9"}],
            "chair_post_id": "",
            "entitled": "9",
            "present": "9",
        },
        World.meeting,
    ),
    "resolve_item": Row(
        "p-secretary",
        {"item": "1", "votes_for": "9", "votes_against": "0", "abstained": "0"},
        lambda world: world.meeting("held"),
    ),
    "keep_minutes": Row("p-secretary", {"digest": ""}, lambda world: world.meeting("resolved")),
    "carry_out_resolution": Row("p-secretary", {"item": "1"}, lambda world: world.meeting("minuted")),
    "meet_obligation": Row(
        "p-secretary", lambda world, id: {"done_on": _day(), "evidence": "纪要", "meeting_id": ""}, World.obligation
    ),
    "waive_obligation": Row("p-street", {}, World.obligation),
    # issues
    "report_issue": Row("p-resident", {"place": COMPOUND, "category": "facility.road"}),
    "triage_issue": Row("p-grid", {"severity": "small", "tier": "compound"}, World.issue),
    "dispatch_issue": Row(
        "p-secretary", {"post_id": "post-grid", "working_days": "3"}, lambda world: world.issue("triaged")
    ),
    "accept_issue": Row("p-grid", {}, lambda world: world.issue("dispatched")),
    "return_issue": Row("p-grid", {}, lambda world: world.issue("dispatched")),
    "release_issue": Row("p-secretary", {}, World.held_issue),
    "strike_out_issue": Row("p-secretary", {"reason": "广告"}, World.held_issue),
    "withdraw_issue": Row("p-resident", {}, World.issue),
    "extend_issue": Row("p-secretary", {"working_days": "9"}, lambda world: world.issue("accepted")),
    "ask_extension": Row("p-grid", lambda world, id: {"due": _day(9)}, lambda world: world.issue("dispatched")),
    "decline_extension": Row("p-secretary", {}, World.late_issue),
    "escalate_issue": Row("p-grid", {"to_post": "post-secretary"}, lambda world: world.issue("dispatched")),
    "resolve_issue": Row("p-grid", {}, lambda world: world.issue("accepted")),
    "record_follow_up": Row("p-resident", {"result": "satisfied"}, lambda world: world.issue("resolved")),
    "close_issue": Row("p-secretary", {}, lambda world: world.issue("asked")),
    "reopen_issue": Row("p-secretary", {}, lambda world: world.issue("closed")),
    "erase_contact": Row("p-resident", {}, lambda world: world.issue("reported", "13812345678")),
    "withhold_text": Row("p-secretary", {"withheld": "description"}, World.issue),
    "plan_visit": Row("p-grid", {"place": COMPOUND, "planned_on": "2199-01-01"}),
    "record_visit": Row("p-grid", lambda world, id: {"place": COMPOUND, "visited_on": _day()}),
    "erase_household": Row("p-grid", {}, World.visit),
    "open_mediation": Row(
        "p-grid", lambda world, id: {"issue_id": world.dispute(), "parties.0": "甲家", "parties.1": "乙家"}
    ),
    "talk_with_parties": Row("p-grid", {"note": "谈过一次"}, World.mediation),
    "settle_dispute": Row("p-grid", {"agreement": "互相道歉", "agreed": 2}, lambda world: world.mediation("talked")),
    "end_mediation": Row("p-grid", {"reason": "没有谈成"}, World.mediation),
    "erase_parties": Row("p-grid", {}, lambda world: world.mediation("settled")),
    "blow_whistle": Row(
        "p-street",
        lambda world, id: {"kind": "street", "issue_id": world.issue("reported"), "summoned.0": "o-community"},
    ),
    "answer_whistle": Row("p-secretary", {}, World.whistle),
    "finish_part": Row("p-secretary", {"rating": "5"}, lambda world: world.whistle("answered")),
    "close_whistle": Row(
        "p-street", {"ratings": [{"key": "o-community", "value": "4"}]}, lambda world: world.whistle("finished")
    ),
    "record_diagnosis": Row(
        "p-grid",
        lambda world, id: {
            "place": COMPOUND,
            "diagnosed_on": _day(),
            "problems": [{"category": "facility.road"}, {"category": "order.litter"}],
        },
    ),
    # volunteers
    "register_volunteer": Row("p-neighbour", {"home": COMPOUND}),
    "erase_volunteer": Row(STRANGER, {}, World.unknown),
    "take_role": Row("p-grid", {"role": "patroller", "place": COMPOUND}, World.volunteer),
    "leave_role": Row("p-grid", {"role": "informer", "place": COMPOUND}, lambda world: _serving(world)),
    "survey_member": Row(
        "p-grid",
        lambda world, id: {"person_id": world.person(), "unit": "o-street", "level": "city", "place": COMPOUND},
    ),
    "report_in": Row("p-resident", {"unit": "o-street", "place": COMPOUND, "kind": "member"}),
    "confirm_report_in": Row("p-grid", {"end": "place"}, lambda world: world.report("reported_in")),
    "end_report_in": Row("p-grid", {}, lambda world: world.report("reported_in")),
    "form_team": Row("p-grid", {"kind": "safety", "place": COMPOUND}),
    "describe_team": Row("p-grid", {}, World.team),
    "join_team": Row("p-grid", lambda world, id: {"person_id": world.volunteer()}, World.team),
    "leave_team": Row("p-grid", lambda world, id: {"person_id": world.members(id)[0]}, World.team),
    "plan_activity": Row("p-grid", {"kind": "service", "place": COMPOUND, "starts": "2199-01-01T09:00"}),
    "hold_activity": Row("p-grid", {}, World.activity),
    "cancel_activity": Row("p-grid", {}, World.activity),
    "record_attendance": Row(
        "p-grid",
        lambda world, id: {"attendances": [{"person_id": world.volunteer(), "minutes": "60"}]},
        World.held,
    ),
    "withdraw_attendance": Row("p-grid", _attending, lambda world: world.activity(attended=world.volunteer())),
    "plan_patrol": Row("p-grid", lambda world, id: _going(world) | {"starts": "2199-01-01T09:00"}),
    "log_patrol": Row(
        "p-grid",
        lambda world, id: (
            _going(world)
            | {"started": "2025-03-01T09:00", "findings": [{"category": "order.litter", "description": "乱堆"}]}
        ),
    ),
    "ask_wish": Row("p-resident", {"place": COMPOUND}),
    "publish_wish": Row("p-secretary", {}, World.wish),
    "reject_wish": Row("p-secretary", {}, World.wish),
    "withdraw_wish": Row("p-resident", {}, World.wish),
    "erase_wisher": Row("p-secretary", {}, lambda world: world.wish(wisher="")),
    "claim_wish": Row("p-street", {}, lambda world: world.wish("published")),
    "introduce_wisher": Row("p-secretary", {}, lambda world: world.wish("claimed")),
    "release_wish": Row("p-street", {}, lambda world: world.wish("claimed")),
    "fulfil_wish": Row("p-street", {}, lambda world: world.wish("claimed")),
    "dispute_wish": Row("p-resident", {}, lambda world: world.wish("fulfilled")),
    "confirm_wish": Row("p-resident", {}, lambda world: world.wish("fulfilled")),
    # funding
    "propose_project": Row(
        "p-secretary",
        {
            "place": COMPOUND,
            "budget_fen": "1000",
            "shares": [{"key": "government", "value": "600"}, {"key": "residents", "value": "400"}],
            "criteria": [{"code": "flow", "zh": "排水通畅", "en": "drains run free"}],
        },
    ),
    "raise_budget": Row(
        "p-secretary",
        {
            "budget_fen": "2000",
            "shares": [{"key": "government", "value": "1600"}, {"key": "residents", "value": "400"}],
        },
        lambda world: world.project("approved"),
    ),
    "approve_project": Row("p-secretary", {}, World.project),
    "cancel_project": Row("p-secretary", {}, World.project),
    "designate_signer": Row("p-secretary", {"person_id": "p-street"}, lambda world: world.project("approved")),
    "finish_works": Row("p-grid", {}, lambda world: world.project("approved")),
    "accept_project": Row(
        "p-street", {"criteria": [{"key": "flow", "value": "yes"}]}, lambda world: world.project("finished")
    ),
    "return_surplus": Row("p-cashier", {}, lambda world: world.project("accepted")),
    "record_receipt": Row(
        "p-accountant", lambda world, id: {"project_id": world.project("approved"), "source": "government"}
    ),
    "reverse_receipt": Row("p-accountant", {}, World.receipt),
    "erase_payer": Row("p-accountant", {}, lambda world: world.receipt(person=True)),
    "erase_payee": Row(
        "p-accountant", {}, lambda world: world.payment("withdrawn", payee="某某", payee_kind="person")[0]
    ),
    "request_payment": Row("p-grid", lambda world, id: {"project_id": world.project("approved")}),
    "amend_payment": Row("p-grid", {"amount_fen": "400"}, lambda world: world.payment()[0]),
    "explain_payment": Row("p-grid", {}, lambda world: world.payment("held")[0]),
    "withdraw_payment": Row("p-grid", {}, lambda world: world.payment()[0]),
    "review_payment": Row("p-branch", {"body": "branch", "verdict": "approved"}, lambda world: world.payment()[0]),
    "sign_payment": Row("p-secretary", {}, lambda world: world.payment("reviewed")[0]),
    "make_payment": Row("p-cashier", {}, lambda world: world.payment("signed")[0]),
    "disclose_statement": Row("p-secretary", lambda world, id: {"project_id": world.project("approved")}),
    "post_statement": Row("p-secretary", {"channel": "notice_board", "spot": "1号楼"}, World.statement),
}


def _chinese(given: Any) -> Iterator[str]:
    if isinstance(given, dict | list):
        for part in given.values() if isinstance(given, dict) else given:
            yield from _chinese(part)
    elif isinstance(given, str) and not given.isascii():
        yield given


def _serving(world: World) -> str:
    person = world.volunteer()
    return world.do("p-grid", "volunteers", "take_role", person_id=person, role="informer", place=COMPOUND)


def _going(world: World) -> Typed:
    team = world.team()
    return {"team_id": team, "place": COMPOUND, "members": dict(enumerate(world.members(team)))}


def _typed_profile() -> Typed:
    """The smallest profile that a city can begin with."""
    words = {"zh": "甲", "en": "First"}
    ranked = {kind: {"rank": 1} if KINDS[kind].data is Ranked else {} for kind in KINDS}
    ranked |= {"severities": {"rank": 1, "tier": "first"}, "review_bodies": {"type": "first"}}
    lists = [kind for kind, one in KINDS.items() if one.needed and kind not in ("levels", "roles")]
    role = {"zh": "居民", "en": "Resident"}
    return {
        "profile_id": "n-1",
        "version": "1",
        "city": "榕城",
        "levels": [{"code": "street", "zh": "街道级", "en": "Street"}],
        "roles": [role | {"code": code} for code in ("resident", "anonymous")],
        "powers": [{"key": "resident", "value": {"0": "issue.report"}}],
        "code_lists": [
            {"key": kind, "value": [{"key": "first", "value": json.dumps(words | ranked[kind])}]} for kind in lists
        ],
        "parameters": [{"key": name, "value": str(value["value"])} for name, value in ENTRIES["parameters"].items()],
    }


def places_to(place: str) -> Iterator[str]:
    """A place and all above it, from the top down."""
    parts = place.split(".")
    yield from (".".join(parts[: depth + 1]) for depth in range(len(parts)))
