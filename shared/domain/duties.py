"""Whose duty something is, by the city's list `duties`: of a type or level of bodies, of a role of posts (A12, A28, A45)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.domain.city import City
from shared.domain.view import Row


def falls_to(duty: Mapping[str, Any], body: Row, role: str) -> bool:
    """Whether a body, or its post of a role, has a duty: every part that the duty names fits."""
    wanted = (("of", body.get("type")), ("level", body.get("level")), ("role", role))
    return all(duty.get(part, "") in ("", found) for part, found in wanted)


def about(category: str) -> set[str]:
    """What a duty names to be about a category of cases: the category, or the class that it belongs to."""
    return {category, category.partition(".")[0]}


def by_duty(posts: Iterable[Row], category: str, city: City) -> list[Row]:
    """Posts in their order, but first those whose duty a category of cases is."""
    posts = list(posts)
    names = about(category)
    duties = [
        one.data for one in city.entries("duties").values() if not names.isdisjoint(one.data.get("categories", ()))
    ]
    if not duties:
        return posts

    def others(post: Row) -> bool:
        body = city.organisation(post["organisation_id"]) or {}
        return not any(falls_to(duty, body, post["role"]) for duty in duties)

    return sorted(posts, key=others)
