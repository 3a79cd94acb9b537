"""How many issues there were since a milestone: a body was founded, a post was filled anew (C52)."""

from __future__ import annotations

from typing import Annotated, Any

from services.issues.issue.rows import SECRET, SHOWN
from services.issues.issue.state import ISSUE
from shared.domain.answers import COUNT, TEXT, by_code, many, shape
from shared.domain.errors import BadInputError, NotFoundError
from shared.domain.fields import PLACE, id_of
from shared.domain.reader import Reader
from shared.domain.view import Row
from shared.domain.words import _, said


@ISSUE.query(
    answer=shape(
        place=TEXT,
        since=TEXT,
        milestones=many(shape(id=TEXT, zh=TEXT, en=TEXT, day=TEXT)),
        collected=COUNT,
        by_class=by_code(COUNT),
        before=COUNT,
    ),
    as_of=True,
)
def issues_since(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "a place and everything below it"],
    organisation_id: Annotated[str, id_of("organisation"), "since this body was founded"] = "",
    post_id: Annotated[str, id_of("post"), "since the term of this post's holder began"] = "",
) -> dict[str, Any]:
    """How many issues a place has had since a body was founded, or a post filled anew; since both, if both are named (C52).

    `before` are those that were reported before; `by_class` holds confidential ones as a class of their own.
    """

    milestones = [*_founded(read, organisation_id), *_filled(read, post_id)]
    if not milestones:
        raise BadInputError(
            _("name the milestone: a body that was founded, or a post that was filled"),
            {"organisation_id": said(_("is missing"))},
        )
    since = max(one["day"] for one in milestones)
    where: Row = {"place__under": place, "hidden": [SHOWN, SECRET]}
    after = where | {"reported__gte": since}
    by_class = dict(read.rows.count_by("cases", "problem_class", after | {"hidden": SHOWN}))
    if secret := read.rows.count("cases", after | {"hidden": SECRET}):
        by_class["confidential"] = secret
    return {
        "place": place,
        "since": since,
        "milestones": milestones,
        "collected": sum(by_class.values()),
        "by_class": by_class,
        "before": read.rows.count("cases", where | {"reported__lt": since}),
    }


def _founded(read: Reader, organisation_id: str) -> list[Row]:
    if not organisation_id:
        return []
    body = read.city.organisation(organisation_id)
    if body is None:
        raise NotFoundError(
            _("there is no organisation {id}"), {"organisation_id": said(_("unknown"))}, id=organisation_id
        )
    return [{"id": organisation_id, "zh": body["name"], "en": body["name_en"] or body["name"], "day": body["since"]}]


def _filled(read: Reader, post_id: str) -> list[Row]:
    if not post_id:
        return []
    post = read.city.holder(post_id)
    return [{"id": post_id, "zh": post["title"], "en": post["title_en"] or post["title"], "day": post["since"]}]
