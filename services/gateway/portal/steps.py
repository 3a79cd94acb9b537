"""The steps a worker can take with a case: which fit its state, and what each asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.gateway.portal.frame import Frame

#: Bodies looked through for posts to hand a case up to.
_BODIES = 20


@dataclass(frozen=True)
class Field:
    """A field of a step's form: `kind` is text, lines, choice, post, day or days; `codes` are the choices."""

    name: str
    kind: str
    codes: tuple[str, ...] = ()
    required: bool = True
    longest: int = 1000

    def first(self, case: Mapping[str, Any]) -> str:
        """What the field holds at first: what the case says already."""
        kept = self.name in ("severity", "tier", "duty")
        return str(case.get(self.name, "")) if kept else ""


@dataclass(frozen=True)
class Step:
    """A step: the command behind it, its fields, the states it fits."""

    name: str
    command: str
    fields: tuple[Field, ...]
    fits: tuple[str, ...]

    def arguments(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The command's arguments; what was left empty is left out, numbers are numbers."""
        arguments: dict[str, Any] = {}
        for field in self.fields:
            value = given.get(field.name, "").replace("\r\n", "\n")
            if value:
                arguments[field.name] = int(value) if field.kind == "days" and value.isdecimal() else value
        return arguments


_REASON = Field("reason", "lines")
_LIMIT = (Field("working_days", "days", required=False), Field("due", "day", required=False))
_RESULTS = ("satisfied", "not_satisfied", "unreachable")

STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        Step("accept", "accept_issue", (), ("dispatched",)),
        Step(
            "triage",
            "triage_issue",
            (
                Field("severity", "choice", ("small", "hard", "big")),
                Field("tier", "choice", ("compound", "area", "community", "street")),
                _REASON,
            ),
            ("reported", "triaged"),
        ),
        Step(
            "dispatch",
            "dispatch_issue",
            (Field("post_id", "post"), Field("duty", "lines"), *_LIMIT),
            ("triaged", "dispatched", "accepted"),
        ),
        Step("resolve", "resolve_issue", (Field("outcome", "lines", longest=2000),), ("dispatched", "accepted")),
        Step("extend", "extend_issue", (*_LIMIT, _REASON), ("dispatched", "accepted")),
        Step(
            "escalate",
            "escalate_issue",
            (Field("to_post", "post"), _REASON),
            ("reported", "triaged", "dispatched", "accepted"),
        ),
        Step(
            "follow-up",
            "record_follow_up",
            (Field("result", "choice", _RESULTS), Field("note", "lines", required=False)),
            ("resolved",),
        ),
        Step("close", "close_issue", (Field("because", "lines"),), ("resolved",)),
        Step("reopen", "reopen_issue", (_REASON,), ("resolved", "closed")),
    )
}


def steps_of(case: Mapping[str, Any]) -> list[Step]:
    """The steps that fit a case, the likeliest first."""
    fitting = [step for step in STEPS.values() if case["status"] in step.fits]
    if case["status"] == "triaged":
        fitting.sort(key=lambda step: step.name != "dispatch")
    if case["status"] == "resolved" and case.get("followed") == "satisfied":
        fitting.sort(key=lambda step: step.name != "close")
    return fitting


def posts_for(frame: Frame, case: Mapping[str, Any], acting: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Held posts that a case can be given to: those for its place or around it first."""
    area = str(acting["place"]) if acting else str(case["place"]).partition(".")[0]
    rows = frame.gateway.ask("registry", "find_posts", place__under=area or None, limit=500)["rows"]
    place = case["place"]

    def distance(post: Mapping[str, Any]) -> tuple[int, str]:
        covers = place == post["place"] or place.startswith(post["place"] + ".")
        return (0 if covers else 1, f"{999 - post['place'].count('.'):03d}{post['post_id']}")

    return sorted((row for row in rows if not row["vacant"]), key=distance)


def higher_posts(frame: Frame, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Held posts of bodies of a higher level for the place of a case, the nearest level first."""
    levels = [level["code"] for level in frame.profile()["levels"]]  # from the top down
    rank = levels.index(case["level"]) if case.get("level") in levels else len(levels)
    parts = case["place"].split(".")
    bodies: list[dict[str, Any]] = []
    for depth in range(len(parts), 0, -1):
        place = ".".join(parts[:depth])
        bodies += frame.gateway.ask("registry", "find_organisations", place=place, limit=_BODIES)["rows"]
    higher = [body for body in bodies if body["level"] in levels and levels.index(body["level"]) < rank]
    higher.sort(key=lambda body: -levels.index(body["level"]))
    posts: list[dict[str, Any]] = []
    for body in higher[:_BODIES]:
        rows = frame.gateway.ask("registry", "find_posts", organisation_id=body["organisation_id"], limit=50)["rows"]
        posts += [row for row in rows if not row["vacant"]]
    return posts
