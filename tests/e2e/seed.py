"""A small city for the browser tests, made through the API like by its users."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.kit.city import ENTRIES, document

PASSWORD = "linli-e2e-2026"
COMPOUND = "350104.013.002.001"
#: First day of bodies and appointments, so that late entries can lie after it.
SINCE = "2026-01-01"

LEVELS = [("street", "街道", "Street"), ("community", "社区", "Community"), ("compound", "小区", "Compound")]
STAFF = [
    "issue.*",
    "visit.record",
    "registry.read_names",
    "wish.*",
    "activity.*",
    "team.form",
    "volunteer.*",
    "patrol.log",
]
WORKER = [
    "issue.report",
    "issue.triage",
    "issue.accept",
    "issue.escalate",
    "issue.resolve",
    "issue.follow_up",
    "visit.record",
]
SECRETARY = [*STAFF, "project.*", "payment.sign", "statement.disclose", "regulation.*"]
#: A department is sent cases of its trade; the street's staff sends them out, calls back and reviews bills.
CLERK = ["issue.accept", "issue.resolve"]
OFFICER = ["issue.triage", "issue.dispatch", "issue.extend", "issue.follow_up", "issue.close", "payment.review.branch"]
#: A community's worker sends out, calls back and cares for wishes; the leader of a team records who took part.
HELPER = ["issue.triage", "issue.dispatch", "issue.follow_up", "issue.close", "issue.read_contact", "wish.*"]
LEADER = ["team.form", "activity.*", "patrol.log", "volunteer.read_names", "registry.read_names"]
ROLES = {
    "grid_worker": ("网格员", "Grid worker", [*WORKER, "project.propose", "payment.request"]),
    "community_secretary": ("社区书记", "Community secretary", SECRETARY),
    "street_secretary": ("街道书记", "Street secretary", STAFF),
    "department_clerk": ("部门经办人", "Department officer", CLERK),
    "street_officer": ("街道督办员", "Street supervisor", OFFICER),
    "branch_secretary": ("小区党支部书记", "Compound branch secretary", ["payment.review.branch"]),
    "committee_head": ("院委会主任", "Head of the yard committee", ["payment.review.committee"]),
    "board_head": ("监事会主席", "Head of the supervisory board", ["payment.review.board"]),
    "accountant": ("会计", "Accountant", ["money.receive", "money.return"]),
    "cashier": ("出纳", "Cashier", ["payment.pay"]),
    "community_worker": ("社区工作者", "Community worker", HELPER),
    "building_head": ("楼栋长", "Head of building", ["issue.report", "issue.accept", "issue.resolve", "visit.record"]),
    "team_leader": ("志愿者队队长", "Leader of a volunteer team", LEADER),
    "unit_contact": ("报到单位联络人", "Contact of a unit", ["volunteer.join", "volunteer.confirm"]),
}
CATEGORIES = {
    "streetlight": ("路灯照明", "Street lighting"),
    "drainage": ("下水管网堵塞", "Blocked drains"),
    "clutter": ("楼道乱堆乱放", "Cluttered stairwell"),
    "parking": ("停车", "Parking"),
    "noise": ("噪声", "Noise"),
}
PLACES = [
    ("350104", "district", "榕江区", "Rongjiang District"),
    ("350104.013", "street", "金山街道", "Jinshan Street"),
    ("350104.013.002", "community", "燎原社区", "Liaoyuan Community"),
    (COMPOUND, "compound", "榕树里小区", "Rongshuli Compound"),
    (f"{COMPOUND}.01", "building", "1号楼", "Building 1"),
    (f"{COMPOUND}.02", "building", "2号楼", "Building 2"),
    ("350104.013.002.002", "compound", "江畔新村", "Jiangpan New Village"),
]
BODIES = [
    ("street-committee", "street", "金山街道党工委", "Jinshan Street Party work committee", "350104.013", ""),
    (
        "housing-office",
        "street",
        "金山街道住房建设办",
        "Jinshan Street housing office",
        "350104.013",
        "",
    ),
    (
        "community-committee",
        "community",
        "燎原社区党委",
        "Liaoyuan Community Party committee",
        "350104.013.002",
        "street-committee",
    ),
    (
        "compound-branch",
        "compound",
        "榕树里小区党支部",
        "Rongshuli Compound Party branch",
        COMPOUND,
        "community-committee",
    ),
    ("yard-committee", "compound", "榕树里院委会", "Rongshuli yard committee", COMPOUND, "community-committee"),
    ("supervisory-board", "compound", "榕树里监事会", "Rongshuli supervisory board", COMPOUND, "community-committee"),
    ("building-group", "compound", "1号楼党小组", "Party group of building 1", f"{COMPOUND}.01", "community-committee"),
    ("unit-school", "street", "金山小学", "Jinshan Primary School", "350104.013", ""),
]
#: Those that are no Party organisations.
TYPES = {
    "housing-office": "department",
    "yard-committee": "council",
    "supervisory-board": "council",
    "unit-school": "unit",
}
#: person, name, post's organisation, role
PEOPLE = [
    ("lin", "林晓燕", "community-committee", "grid_worker"),
    ("chen", "陈建国", "community-committee", "community_secretary"),
    ("zheng", "郑海", "street-committee", "street_secretary"),
    ("fang", "方志明", "housing-office", "department_clerk"),
    ("qiu", "邱丽", "street-committee", "street_officer"),
    ("wu", "吴敏", "compound-branch", "branch_secretary"),
    ("huang", "黄志强", "yard-committee", "committee_head"),
    ("xu", "许文", "supervisory-board", "board_head"),
    ("he", "何丽", "yard-committee", "accountant"),
    ("guo", "郭平", "yard-committee", "cashier"),
    ("luo", "罗敏", "community-committee", "community_worker"),
    ("song", "宋秀兰", "building-group", "building_head"),
    ("gao", "高志刚", "compound-branch", "team_leader"),
    ("tan", "谭明", "unit-school", "unit_contact"),
]


@dataclass
class Api:
    """The JSON API with a bearer token; every call waits for all that was written before."""

    url: str
    token: str = ""
    post: str = ""
    positions: dict[str, int] = field(default_factory=dict)
    occurred: str = ""  # when it happened, for what is imported
    importer: str = ""  # token of the operator who imports it

    def send(self, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
        """The answer; an error with what was refused."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        if not self.token:
            del headers["Authorization"]
        if self.post:
            headers["Linli-Post"] = self.post
        if self.occurred:
            headers |= {"Linli-Occurred": self.occurred, "Linli-Import": self.importer}
        if self.positions:
            headers["Linli-After"] = ",".join(f"{source}={at}" for source, at in self.positions.items())
        address = f"{self.url}/api/{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=20) as answer:
                value = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {body or query}: {error.code} {error.read().decode()}") from None
        if isinstance(value, dict) and "position" in value and "service" in value:
            self.positions[value["service"]] = max(value["position"], self.positions.get(value["service"], 0))
        return value

    def do(self, service: str, command: str, **body: Any) -> Any:
        """The receipt of a command."""
        return self.send(f"{service}/{command}", body)

    def ask(self, service: str, query: str, **arguments: Any) -> Any:
        """The answer of a query."""
        return self.send(f"{service}/{query}", None, **arguments)

    def as_person(self, username: str) -> Api:
        """The API as somebody with an account, acting from their first post."""
        other = Api(self.url, "", "", self.positions)
        other.token = other.send("sign-in", {"username": username, "password": PASSWORD})["token"]
        other.post = f"post-{username}"
        return other


def _said(kind: str, **words: tuple[str, str]) -> dict[str, dict[str, Any]]:
    """The small city's entries of a kind with words."""
    return {code: ENTRIES[kind][code] | {"zh": zh, "en": en} for code, (zh, en) in words.items()}


def found(operator: Api) -> None:
    """Profile, places, bodies, posts, people, accounts."""
    words = {
        "severities": _said("severities", small=("一般", "small"), hard=("较难", "hard"), big=("重大", "big")),
        "tiers": _said("tiers", compound=("小区", "compound"), area=("片区", "area"), community=("社区", "community")),
        "money_sources": _said(
            "money_sources",
            government=("政府", "government"),
            society=("社会", "society"),
            residents=("居民", "residents"),
        ),
        "channels": _said(
            "channels",
            visit=("入户走访", "home visit"),
            patrol=("巡逻", "patrol"),
            portal=("网上反映", "portal"),
            phone=("电话", "phone"),
            meeting=("议事会", "meeting"),
        ),
        "issue_categories": {code: {"zh": zh, "en": en} for code, (zh, en) in CATEGORIES.items()},
        "activity_kinds": {"service": {"zh": "志愿服务", "en": "service"}},
        "organisation_types": {
            "party": {"zh": "党组织", "en": "Party organisation"},
            "council": {"zh": "居民自治组织", "en": "residents' body"},
            "department": {"zh": "职能部门", "en": "department"},
            "unit": {"zh": "驻区单位", "en": "unit in the area"},
        },
        "review_bodies": {
            "branch": {"type": "party", "zh": "党组织", "en": "Party organisation"},
            "committee": {"type": "council", "zh": "院委会", "en": "yard committee"},
            "board": {"type": "council", "zh": "监事会", "en": "supervisory board"},
        },
    }
    profile = document(
        profile_id="rongjiang",
        city="榕江区",
        levels=[{"code": code, "zh": zh, "en": en} for code, zh, en in LEVELS],
        roles=[{"code": code, "zh": zh, "en": en} for code, (zh, en, _) in ROLES.items()],
        powers={code: powers for code, (_, _, powers) in ROLES.items()},
        intake=["grid_worker", "community_secretary", "street_secretary"],
        code_lists=words,
        effective=SINCE,
    )
    operator.occurred, operator.importer = f"{SINCE}T09:00:00+08:00", operator.token
    operator.do("registry", "adopt_profile", **profile)
    operator.occurred = ""
    for place, kind, name, name_en in PLACES:
        parent = place.rpartition(".")[0]
        operator.do("registry", "register_place", place=place, kind=kind, name=name, name_en=name_en, parent=parent)
    for id, level, name, name_en, place, parent in BODIES:
        operator.do(
            "registry",
            "establish_organisation",
            since=SINCE,
            organisation_id=id,
            type=TYPES.get(id, "party"),
            name=name,
            name_en=name_en,
            level=level,
            place=place,
            parent_id=parent,
        )
    for person, name, body, role in PEOPLE:
        zh, en, _ = ROLES[role]
        operator.do("registry", "register_person", person_id=person, name=name, place="350104.013")
        _post(operator, f"post-{person}", person, body, role, zh, en)
        operator.send("accounts", {"username": person, "password": PASSWORD, "person_id": person})
    # the grid worker holds a second post, so that acting posts can be switched
    _post(operator, "post-lin-street", "lin", "street-committee", "grid_worker", "街道联络员", "Street liaison")


def _post(operator: Api, id: str, person: str, body: str, role: str, title: str, title_en: str) -> None:
    named = {"role": role, "title": title, "title_en": title_en}
    operator.do("registry", "establish_post", post_id=id, organisation_id=body, **named)
    operator.do("registry", "appoint_person", post_id=id, person_id=person, since=SINCE)


def cases(operator: Api) -> list[str]:
    """Cases in several states, one of them reopened and then satisfied."""
    resident = Api(operator.url, "", "", operator.positions)
    told = [
        (f"{COMPOUND}.01", "drainage", "1号楼一层下水管反复堵塞，雨天污水倒灌到楼道。"),
        (COMPOUND, "streetlight", "小区北门到2号楼的路灯坏了三盏，晚上看不清台阶。"),
        (f"{COMPOUND}.02", "clutter", "2号楼3层楼道堆了旧家具，挡住消防通道。"),
        ("350104.013.002.002", "parking", "消防车道两侧长期停车，大车进不来。"),
    ]
    chen, lin = operator.as_person("chen"), operator.as_person("lin")
    ids = []
    for place, kind, text in told:
        if len(ids) == 3:  # the last comes from the register of before: its time limit is long over
            for one in (resident, lin, chen):
                one.occurred, one.importer = "2026-03-02T09:00:00+08:00", operator.token
        ids.append(resident.do("issues", "report_issue", place=place, category=kind, description=text)["id"])
    lin.do("issues", "triage_issue", issue_id=ids[3], severity="small", tier="compound", reason="现场看过。")
    chen.do("issues", "dispatch_issue", issue_id=ids[3], post_id="post-lin", due="2026-03-06", duty="清理消防车道。")
    for one in (resident, lin, chen):
        one.occurred = ""
    for id, severity, tier in ((ids[0], "big", "community"), (ids[1], "small", "compound")):
        lin.do("issues", "triage_issue", issue_id=id, severity=severity, tier=tier, reason="入户看过，情况属实。")
        chen.do(
            "issues",
            "dispatch_issue",
            issue_id=id,
            post_id="post-lin",
            working_days=5,
            duty="现场核实并修复，告知居民。",
        )
    lin.do("issues", "accept_issue", issue_id=ids[1])
    for outcome, result, note in (
        ("更换了两盏路灯。", "not_satisfied", "第三盏还是不亮。"),
        ("三盏路灯全部更换为LED灯，夜间试亮正常。", "satisfied", "亮了，谢谢。"),
    ):
        lin.do("issues", "resolve_issue", issue_id=ids[1], outcome=outcome)
        chen.do("issues", "record_follow_up", issue_id=ids[1], result=result, note=note)
    chen.do("issues", "close_issue", issue_id=ids[1], because="居民确认路灯全部恢复。")
    return ids


def money(operator: Api, issues: list[str]) -> str:
    """A project with receipts from three sources and a payment that three bodies reviewed and one person signed."""
    chen, lin, he = (operator.as_person(name) for name in ("chen", "lin", "he"))
    project = chen.do(
        "funding",
        "propose_project",
        project_id="drains-2026",
        title="榕树里下水管网改造",
        title_en="New drains for Rongshuli",
        place=COMPOUND,
        issue_ids=[issues[0]],
        budget_fen=12_800_000,
        shares={"government": 7_680_000, "society": 2_560_000, "residents": 2_560_000},
        criteria=[
            {"code": "flow", "zh": "排水通畅", "en": "drains run free"},
            {"code": "road", "zh": "路平", "en": "level road"},
        ],
    )["id"]
    chen.do("funding", "approve_project", project_id=project)
    for source, payer, fen in (
        ("government", "榕江区住建局", 7_680_000),
        ("society", "榕江爱心企业联合会", 2_560_033),
        ("residents", "榕树里业主代收", 2_431_250),
    ):
        he.do("funding", "record_receipt", project_id=project, source=source, payer=payer, amount_fen=fen)
    chen.do("funding", "disclose_statement", project_id=project)
    asked = {"payee": "榕江市政工程公司", "purpose": "管网改造第一期工程款", "amount_fen": 5_400_000}
    payment = lin.do("funding", "request_payment", project_id=project, **asked)["payment_id"]
    read = {"project_id": project, "payment_id": payment, "version": 1, "amount_fen": 5_400_000}
    for person, body in (("wu", "branch"), ("huang", "committee"), ("xu", "board")):
        operator.as_person(person).do("funding", "review_payment", **read, body=body, verdict="approved")
    chen.do("funding", "sign_payment", **read)
    operator.as_person("guo").do("funding", "make_payment", project_id=project, payment_id=payment)
    lin.do("funding", "request_payment", project_id=project, payee="榕江监理公司", purpose="监理费", amount_fen=320_000)
    chen.do("funding", "disclose_statement", project_id=project)
    return str(project)


def volunteers(operator: Api) -> None:
    """Two wishes on the wall, and one person at two sessions."""
    chen = operator.as_person("chen")
    for id, wish, title in (
        ("wish-glasses", "想要一副老花镜", "独居老人想要一副老花镜"),
        ("wish-reading", "想有人读报", "视障居民希望每周有人读报"),
    ):
        chen.do("volunteers", "ask_wish", wish_id=id, place=COMPOUND, wish=wish, wisher="陈阿婆")
        chen.do("volunteers", "publish_wish", wish_id=id, title=title)
    for person, name, _, _ in PEOPLE[:2]:
        chen.do("volunteers", "register_volunteer", person_id=person, name=name, home=COMPOUND)
    for number in (1, 2):
        activity, starts = f"clean-up-{number}", f"2026-0{number}-10T09:00:00+08:00"
        chen.do(
            "volunteers",
            "plan_activity",
            activity_id=activity,
            title="楼道清洁日",
            kind="service",
            place=COMPOUND,
            starts=starts,
        )
        people = [{"person_id": person, "minutes": 90} for person in ("lin", "chen")[:number]]
        chen.do("volunteers", "hold_activity", activity_id=activity)
        chen.do("volunteers", "record_attendance", activity_id=activity, attendances=people)
