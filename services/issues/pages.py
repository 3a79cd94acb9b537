"""What readers see of a case: everybody what is public, staff also who; with names of bodies, posts and places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from services.issues.domain.post import lineage
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from shared.views import ViewStore
from shared.views.port import LARGEST_PAGE

#: Never shown as it lies in the row.
_SEALED = ("contact",)
#: Shown to those who act from a post.
_STAFF = ("person_id", "reporter")
#: Steps of a case that its page shows, the latest ones.
STEPS = LARGEST_PAGE


def is_staff(reader: Mandate) -> bool:
    """Whether the reader acts from a post, or keeps the machines running."""
    return bool(reader.post_id) or reader.role in ("operator", "service")


def masked(row: Row, reader: Mandate) -> Row:
    """A case as the reader may see it."""
    hidden = _SEALED if is_staff(reader) else (*_SEALED, *_STAFF)
    mine = {"mine": 1} if reader.actor and row["reporter"] == reader.actor else {}
    return {name: value for name, value in row.items() if name not in hidden} | mine


def labelled(rows: Sequence[Row], views: ViewStore) -> list[Row]:
    """Rows with the names of the bodies, posts and places they mention, read with one question a kind."""
    bodies = _named(
        views,
        "bodies",
        "organisation_id",
        (row.get(name) for row in rows for name in ("organisation_id", "to_organisation_id")),
    )
    posts = _named(views, "posts", "post_id", (row.get(name) for row in rows for name in ("post_id", "to_post_id")))
    places = _named(views, "places", "place", (place for row in rows for place in lineage(row.get("place", ""))))
    return [_labels(row, bodies, posts, places) for row in rows]


def _labels(row: Row, bodies: dict[str, Row], posts: dict[str, Row], places: dict[str, Row]) -> Row:
    labels: Row = {}
    for prefix in ("", "to_"):
        if body := bodies.get(row.get(f"{prefix}organisation_id", "")):
            labels |= {f"{prefix}organisation": body["name"], f"{prefix}organisation_en": body["name_en"]}
        if post := posts.get(row.get(f"{prefix}post_id", "")):
            labels |= {f"{prefix}post": post["title"], f"{prefix}post_en": post["title_en"]}
    if named := [places[place] for place in reversed(lineage(row.get("place", ""))) if place in places]:
        labels["place_names"] = [
            {"place": place["place"], "zh": place["name"], "en": place["name_en"]} for place in named
        ]
    return row | labels


def _named(views: ViewStore, view: str, field: str, ids: Iterable[str | None]) -> dict[str, Row]:
    wanted = sorted({id for id in ids if id})
    found: dict[str, Row] = {}
    for start in range(0, len(wanted), LARGEST_PAGE):
        part = wanted[start : start + LARGEST_PAGE]
        found |= {row[field]: row for row in views.find(view, {field: part}, limit=len(part)).rows}
    return found


def case_page(row: Row, reader: Mandate, views: ViewStore) -> dict[str, Any]:
    """One case with its latest steps in order, and the works it led to."""
    steps = views.find("timeline", {"issue_id": row["issue_id"]}, order="-key", limit=STEPS)
    case, *timeline = labelled([masked(row, reader), *reversed(steps.rows)], views)
    case["timeline"] = [
        {name: value for name, value in step.items() if name not in ("key", "issue_id")} for step in timeline
    ]
    case["earlier_steps"] = int(steps.next is not None)
    case["works"] = views.get("works", row["issue_id"])
    return case
