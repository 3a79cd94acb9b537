"""Figures over the case views: every share with numerator, denominator, definition and the position it was read at."""

from __future__ import annotations

from typing import Any

from shared.views import ViewStore


def issue_figures(views: ViewStore, place: str) -> dict[str, Any]:
    """Counts of the issues at a place and below; "" is the whole city.

    `by_level` is a partition by the level that leads now, so its sum is `collected` (C15-C17, X03); "unknown" holds
    issues whose organisation is in no view yet.
    """
    position = views.checkpoint("follow:issues")
    where: dict[str, Any] = {"place__under": place} if place else {}
    by_level = views.count_by("cases", "level", where)
    if unstated := by_level.pop("", 0):  # found by a patrol and not triaged yet
        for organisation_id, count in views.count_by("cases", "organisation_id", where | {"level": ""}).items():
            body = views.get("bodies", organisation_id)
            level = body["level"] if body else "unknown"
            by_level[level] = by_level.get(level, 0) + count
            unstated -= count
        if unstated:  # triaged between the two counts
            by_level["unknown"] = by_level.get("unknown", 0) + unstated
    follow_ups = views.count_by("follow_ups", "result", where)
    contained = views.count_by("cases", "contained", where)
    solved, wider = contained.get(1, 0), contained.get(0, 0)
    return {
        "place": place,
        "position": position,
        "collected": sum(by_level.values()),
        "by_level": dict(sorted(by_level.items())),
        "by_channel": views.count_by("cases", "channel", where),
        "by_status": views.count_by("cases", "status", where),
        "by_class": views.count_by("cases", "problem_class", where),
        "reopened": views.count("cases", where | {"reopened__gte": 1}),
        "follow_ups": follow_ups,
        "satisfied": _share(
            follow_ups.get("satisfied", 0),
            sum(follow_ups.values()),
            "follow-ups answered satisfied / all follow-ups, unreachable ones too",
        ),
        "solved_at_proper_tier": _share(
            solved,
            solved + wider,
            "resolved issues led at their triaged tier or narrower / resolved issues with a tier and a known level",
        ),
    }


def _share(numerator: int, denominator: int, definition: str) -> dict[str, Any]:
    return {"numerator": numerator, "denominator": denominator, "definition": definition}
