"""The public page of a case: where it stands, who answers for it, and every step with its proof."""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from services.gateway.portal import language, things
from services.gateway.portal.declared import aggregates
from services.gateway.portal.frame import Frame
from shared.domain import numbers
from shared.domain.calendar import provisional
from shared.domain.errors import BadInputError, ForbiddenError, NotFoundError, UnavailableError
from shared.domain.words import _, term

#: Cases and what is mediated in them as kinds of things; None until the service declares them.
ISSUE = aggregates("issues").get("issue")
MEDIATION = aggregates("issues").get("mediation")
#: Cases that part of a number may be of, and fields on the card of each.
_ALIKE, _FIELDS = 10, 4
NUMBER = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/cases", "find_case", pages.find_case)
    blueprint.add_url_rule("/cases/<issue_id>", "case", pages.case)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway

    def find_case(self) -> Any:
        """Go to a case by its number, however it was typed, or by the address of its page."""
        number = request.args.get("number", "").strip().rstrip("/").rpartition("/")[2]
        rows: list[dict[str, Any]] = []
        if number:
            with suppress(BadInputError):  # nothing that a number could be
                rows = self.gateway.ask("issues", "find_issues", number=number, limit=_ALIKE)["rows"]
            if len(rows) == 1:
                return redirect(url_for("portal.case", issue_id=rows[0]["issue_id"]))
        page = render_template(
            "portal/find_case.html",
            number=request.args.get("number", ""),
            mistyped=numbers.read(number).wrong,
            cards=[things.shown(self.frame, ISSUE, row, _FIELDS) for row in rows] if ISSUE else [],
        )
        return page, 404 if number and not rows else 200

    def case(self, issue_id: str) -> str:
        if not NUMBER.fullmatch(issue_id):
            raise NotFoundError(_("there is no {thing} {id}"), thing=term("thing", "issue"), id=issue_id[:64])
        case = self.gateway.ask("issues", "get_issue", issue_id=issue_id)
        card = things.shown(self.frame, ISSUE, case) if ISSUE else None
        asked = bool(case.get("mine")) and "record_follow_up" in case["actions"]
        if card and asked:  # whoever reported it is asked in words of their own, and can always be reached
            card["actions"] = [one for one in card["actions"] if one["command"] != "record_follow_up"]
        steps = proved(case["timeline"], self._entries(issue_id))
        return render_template(
            "portal/case.html",
            case=shown(self.frame, case),
            card=card,
            asked=asked,
            mediations=self._mediations(case),
            may_mediate=self._may_mediate(case),
            steps=[step | {"details": details(self.frame, step)} for step in steps],
            proofs=sum(1 for step in steps if step["event_id"]),
        )

    def _mediations(self, case: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What was mediated in this case, for those who may read it."""
        if MEDIATION is None or not case.get("confidential") or not self.gateway.current().signed_in:
            return []
        where = {"issue_id": case["issue_id"], "place__under": case["place"]}
        try:
            rows = self.gateway.ask("issues", "find_mediations", **where)["rows"]
        except (ForbiddenError, UnavailableError):
            return []
        return [things.shown(self.frame, MEDIATION, row, 0) for row in rows]

    def _may_mediate(self, case: Mapping[str, Any]) -> bool:
        """Whether the reader may begin to mediate in this case."""
        if not case.get("confidential") or not case["open"] or not self.gateway.current().signed_in:
            return False
        offers = self.frame.maybe("issues", "offers") or {"commands": []}
        return any(one["command"] == "open_mediation" for one in offers["commands"])

    def _entries(self, issue_id: str) -> list[dict[str, Any]]:
        try:
            stream = f"issues/issue-{issue_id}"
            rows: list[dict[str, Any]] = self.gateway.ask("audit", "find_entries", stream=stream, limit=500)["rows"]
        except (NotFoundError, UnavailableError):
            return []
        return rows


def shown(frame: Frame, case: Mapping[str, Any]) -> dict[str, Any]:
    """A case with its words: category, place, whether its time limit is over."""
    path = case.get("place_names") or []
    late = bool(case["due"]) and case["open"] and case["due"] < language.today()
    return dict(case) | {
        "category_name": frame.words("issue_categories", case["category"]),
        "place_name": language.place(path) or frame.place_name(case["place"]),
        "level_name": frame.level(case["level"]) if case.get("level") else "",
        "overdue": bool(late),
        "provisional": bool(case["open"]) and provisional(case.get("calendar", "")),
    }


def proved(timeline: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The steps, each with the `event_id` under which the ledger holds it; "" when it has not arrived there yet."""
    known: defaultdict[tuple[str, str], deque[str]] = defaultdict(deque)
    for entry in sorted(entries, key=lambda row: int(row["position"])):
        event = json.loads(entry["line"])
        known[event["type"].rpartition(".")[2], event["occurred"]].append(entry["event_id"])
    steps = []
    for step in timeline:
        ids = known[step["what"], step["at"]]
        steps.append(dict(step) | {"event_id": ids.popleft() if ids else ""})
    return steps


def details(frame: Frame, step: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What else a step says, as pairs of label and words."""
    said: list[tuple[str, str]] = []
    for name, list_name in (("severity", "severities"), ("tier", "tiers"), ("result", ""), ("cause", "")):
        if step.get(name):
            said.append((name, frame.words(list_name, step[name], name)))
    if step.get("to_level") and step.get("from_level"):
        said.append(("levels", f"{frame.level(step['from_level'])} → {frame.level(step['to_level'])}"))
    if step.get("before"):
        said.append(("before", language.day(step["before"])))
    if step.get("due"):
        said.append(("due", language.day(step["due"])))
    return said
