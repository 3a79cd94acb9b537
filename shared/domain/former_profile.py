"""What a profile of a former version says, as the entries of the city's catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.catalogue import ANONYMOUS, RESIDENT
from shared.domain.parameters import FORMER
from shared.domain.view import Row

#: What the program itself said before catalogue entries did: it belongs to each profile that was adopted then.
_FORMER_INTAKE = (
    "grid_worker",
    "building_head",
    "compound_secretary",
    "community_worker",
    "community_director",
    "community_secretary",
    "street_worker",
    "street_secretary",
)
_FORMER_WIDTHS = (
    "household",
    "unit",
    "building",
    "compound",
    "grid",
    "area",
    "community",
    "street",
    "district",
    "city",
)
_FORMER_LISTS: Mapping[str, Mapping[str, str]] = {
    "channels": {"visit": "入户走访", "patrol": "巡逻", "portal": "网上", "phone": "电话", "meeting": "会议"},
    "severities": {"small": "小事", "hard": "难事", "big": "大事"},
    "tiers": {"compound": "小区", "area": "片区", "community": "社区", "street": "街道"},
    "widths": dict.fromkeys(_FORMER_WIDTHS, ""),
    "volunteer_roles": {
        "informer": "信息员",
        "patroller": "巡逻员",
        "mediator": "调解员",
        "publicist": "宣传员",
        "collector": "收集员",
        "civility_guide": "文明劝导员",
    },
    "team_kinds": {"party": "党员队", "safety": "平安队", "owners": "业主队"},
    "activity_kinds": {
        "service": "服务",
        "story_meeting": "故事会",
        "deed": "实事",
        "station": "驻点",
        "epidemic_duty": "防疫值守",
        "training": "培训",
        "other": "其他",
    },
    "money_sources": {"government": "政府补助", "society": "社会筹集", "residents": "居民自筹"},
    "review_bodies": {"branch": "党支部", "committee": "居委会", "board": "监事会"},
    "posting_channels": {"portal": "网上", "notice_board": "公告栏", "message": "短信"},
}
_FORMER_PARAMETERS = {
    "follow_up_tries": 1,
    "claim_days": 14,
    "longest_claim_days": 90,
    "disclosure_days": 90,
    "settling_days": 180,
    "repeat_days": 30,
    "bills_needed": 0,
    "contracts_needed": 0,
    **FORMER,
}
_FORMER_RESIDENT = ("issue.report", "issue.judge", "volunteer.register", "volunteer.join", "wish.ask", "wish.claim")
_ACCEPTS = {"issue.accept", "issue.*", "*"}


def former_entries(profile: Mapping[str, Any]) -> dict[str, dict[str, Row]]:
    """The entries that a profile adopted as one document stands for, by kind and code, with what was part of the program then."""
    powers = {role: tuple(given) for role, given in profile.get("powers", {}).items()}
    ranked = [
        *_FORMER_INTAKE,
        *sorted(role for role, given in powers.items() if role not in _FORMER_INTAKE and _ACCEPTS & set(given)),
    ]

    def entry(words: Mapping[str, Any], code: str, data: Row) -> Row:
        zh, en = words.get("zh") or code, words.get("en") or code.replace("_", " ")
        return {"version": int(profile.get("version", 1)), "zh": zh, "en": en, "data": data}

    roles = {
        role["code"]: entry(
            role,
            role["code"],
            {
                "level": role.get("level", ""),
                "powers": list(powers.get(role["code"], ())),
                "intake": ranked.index(role["code"]) + 1 if role["code"] in ranked else 0,
            },
        )
        for role in profile.get("roles", ())
    }
    for role, given in ((ANONYMOUS, ("issue.report",)), (RESIDENT, _FORMER_RESIDENT)):
        roles[role] = entry({}, role, {"level": "", "powers": list(given), "intake": 0})
    found: dict[str, dict[str, Row]] = {
        "levels": {
            level["code"]: entry(level, level["code"], {"rank": rank})
            for rank, level in enumerate(profile.get("levels", ()), 1)
        },
        "roles": roles,
        "parameters": {
            name: entry({}, name, {"value": value})
            for name, value in (_FORMER_PARAMETERS | dict(profile.get("parameters", {}))).items()
        },
    }
    for list_name, codes in _FORMER_LISTS.items():
        ranks = list_name in ("severities", "tiers", "widths")
        found[list_name] = {
            code: entry({"zh": zh}, code, {"rank": rank} if ranks else {})
            for rank, (code, zh) in enumerate(codes.items(), 1)
        }
    for list_name, terms in profile.get("code_lists", {}).items():
        found[list_name] = {code: entry(words, code, {}) for code, words in terms.items()}
    return found
