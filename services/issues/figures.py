"""Figures of issues, kept per place and everything above it, so that reading them costs the same however long the history.

Every share has numerator, denominator, definition and the position it was read at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.issues.domain.post import lineage
from services.issues.events import (
    FollowUpRecorded,
    IssueClosed,
    IssueDispatched,
    IssueEscalated,
    IssueReopened,
    IssueReported,
    IssueResolved,
    IssueTriaged,
)
from shared.domain.event import Event
from shared.domain.record import Record
from shared.domain.view import Row
from shared.views import ViewStore

#: The key of the row of the whole city; no place is called so.
CITY = "*"
#: Before the id of an organisation whose level was not stated yet (a patrol's finding before triage).
_UNSTATED = "?"
_COUNTED = (
    IssueReported
    | IssueTriaged
    | IssueDispatched
    | IssueEscalated
    | IssueResolved
    | FollowUpRecorded
    | IssueClosed
    | IssueReopened
)


def figures_keys(event: Event, record: Record) -> Iterable[str]:
    """The rows an issue counts in: its place, everything above it, and the city."""
    return [*lineage(record.place), CITY] if isinstance(event, _COUNTED) else ()


def figures_row(row: Row, event: Any, record: Record) -> Row:
    """Counts of the issues at a place and below."""
    counts: dict[str, dict[str, int]] = {name: dict(row.get(name, {})) for name in _NAMES}
    for name, value, change in _changes(event):
        count = counts[name].get(value, 0) + change
        if count:
            counts[name][value] = count
        else:
            counts[name].pop(value, None)
    return dict(counts)


_NAMES = ("by_level", "by_channel", "by_class", "by_status", "follow_ups", "contained", "reopened")
_Change = tuple[str, str, int]


def _changes(event: Event) -> list[_Change]:
    match event:
        case IssueReported():
            return [
                ("by_level", _level(event.level, event.organisation_id), 1),
                ("by_channel", event.channel, 1),
                ("by_class", event.category.partition(".")[0], 1),
                ("by_status", "open", 1),
            ]
        case IssueTriaged():
            return _moved(event.from_level, event.organisation_id, event.level, event.organisation_id)
        case IssueDispatched():
            return _moved(event.from_level, event.from_organisation_id, event.level, event.organisation_id)
        case IssueEscalated():
            return _moved(event.from_level, event.from_organisation_id, event.to_level, event.organisation_id)
        case IssueResolved():
            return [("by_status", "open", -1), ("by_status", "resolved", 1), *_contained(event.contained, 1)]
        case FollowUpRecorded():
            return [("follow_ups", event.result, 1)]
        case IssueClosed():
            return [("by_status", "resolved", -1), ("by_status", "closed", 1)]
        case IssueReopened():
            again = [("reopened", "issues", 1)] if event.times == 1 else []
            return [
                ("by_status", event.from_status, -1),
                ("by_status", "open", 1),
                *_contained(event.contained, -1),
                *again,
            ]
        case _:
            return []


def _level(level: str, organisation_id: str) -> str:
    return level or _UNSTATED + organisation_id


def _moved(level: str, organisation_id: str, to_level: str, to_organisation_id: str) -> list[_Change]:
    before, after = _level(level, organisation_id), _level(to_level, to_organisation_id)
    return [] if before == after else [("by_level", before, -1), ("by_level", after, 1)]


def _contained(contained: bool | None, change: int) -> list[_Change]:
    return [] if contained is None else [("contained", "yes" if contained else "no", change)]


def issue_figures(views: ViewStore, place: str) -> dict[str, Any]:
    """The figures of a place and below; "" is the whole city.

    `by_level` is a partition by the level that leads now, so its sum is `collected` (C15-C17, X03); "unknown" holds
    issues whose organisation is in no view yet.
    """
    position = views.checkpoint("follow:issues")
    row = views.get("figures", place or CITY) or {name: {} for name in _NAMES}
    by_level: dict[str, int] = {}
    for name, count in row["by_level"].items():
        level = _stated(name, views)
        by_level[level] = by_level.get(level, 0) + count
    contained, follow_ups = row["contained"], row["follow_ups"]
    solved, wider = contained.get("yes", 0), contained.get("no", 0)
    return {
        "place": place,
        "position": position,
        "collected": sum(by_level.values()),
        "by_level": dict(sorted(by_level.items())),
        "by_channel": row["by_channel"],
        "by_class": row["by_class"],
        "by_status": row["by_status"],
        "reopened": row["reopened"].get("issues", 0),
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


def _stated(name: str, views: ViewStore) -> str:
    if not name.startswith(_UNSTATED):
        return name
    body = views.get("bodies", name.removeprefix(_UNSTATED))
    return str(body["level"]) if body else "unknown"


def _share(numerator: int, denominator: int, definition: str) -> dict[str, Any]:
    return {"numerator": numerator, "denominator": denominator, "definition": definition}
