"""Lists of duties: what bodies of a type or level, and posts of a role, are there to do, and who has it at a place (A12, A28, A45, D26)."""

from __future__ import annotations

from typing import Annotated, Any

from services.registry.entry.state import ENTRY
from shared.domain.answers import COUNT, PLACE_NAMES, TEXT, many, shape
from shared.domain.city import City, Entry, every, held_on
from shared.domain.duties import about, falls_to
from shared.domain.errors import BadInputError
from shared.domain.fields import PLACE, code_of, id_of
from shared.domain.reader import Reader, missing
from shared.domain.territory import lineage
from shared.domain.view import Row
from shared.domain.words import _, said

_POST = shape(
    {"post": TEXT, "post_en": TEXT, "organisation": TEXT, "organisation_en": TEXT},
    post_id=TEXT,
    organisation_id=TEXT,
    place=TEXT,
    place_names=PLACE_NAMES,
)
_DUTY = shape(
    {"of_zh": TEXT, "of_en": TEXT, "regulation_id_name": TEXT, "regulation_id_name_en": TEXT},
    **dict.fromkeys(("code", "zh", "en", "function", "of", "level", "role", "regulation", "regulation_id"), TEXT),
    categories=many(TEXT),
    posts=many(_POST),
)


@ENTRY.query(
    answer=shape(rows=many(_DUTY), functions=many(shape(function=TEXT, duties=COUNT)), nobody=COUNT), as_of=True
)
def find_duties(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "where: the posts held for it or above it, the closest first"] = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this body and its posts"] = "",
    post_id: Annotated[str, id_of("post"), "of this post"] = "",
    category: Annotated[str, code_of("issue_categories"), "about this category of cases"] = "",
    function: Annotated[str, code_of("functions"), "of this function"] = "",
) -> dict[str, Any]:
    """Whose duty it is: duties by function, the posts that have each, and the document in force that lists it (A12, A28, A45, D26).

    Ask of a place, a body or a post; of none of them: the city's whole list. `functions` counts the duties of each function, 0 where one
    has none; `nobody` counts the duties that no held post has there. `regulation_id` is empty while no such document is in force.
    """
    if sum(bool(one) for one in (place, organisation_id, post_id)) > 1:
        raise BadInputError(_("ask of a place, of a body or of a post, one of them"), {"place": said(_("too much"))})

    city = read.city
    body, posts, where = _asked(city, place, organisation_id, post_id)
    rows, names = [], about(category)
    for code, entry in city.entries("duties").items():
        data = entry.data
        if function not in ("", data["function"]) or (category and names.isdisjoint(data.get("categories", ()))):
            continue
        having = [post for post in posts if falls_to(data, _body(city, post), post["role"])]
        if post_id and not having:
            continue
        if body is not None and not having and not (falls_to(data, body, "") and not body["until"]):
            continue
        rows.append(_row(city, code, entry, where) | {"posts": city.named(_shown(post) for post in having)})
    listed = sorted(rows, key=lambda row: (row["function"], row["level"], row["of"], row["role"], row["code"]))
    counts = {code: 0 for code in city.entries("functions") if function in ("", code)}
    for row in listed:
        counts[row["function"]] = counts.get(row["function"], 0) + 1
    functions = [{"function": code, "duties": count} for code, count in counts.items()]
    return {"rows": listed, "functions": functions, "nobody": sum(not row["posts"] for row in listed)}


def _asked(city: City, place: str, organisation_id: str, post_id: str) -> tuple[Row | None, list[Row], str]:
    """The body that was asked of, the posts held that may have a duty, and the place whose documents list them."""
    if post_id:
        post = city.post(post_id)
        if post is None or post["abolished"]:
            raise missing("post", post_id, "post_id")
        return None, [post], post["place"]
    if organisation_id:
        body = city.organisation(organisation_id)
        if body is None:
            raise missing("organisation", organisation_id, "organisation_id")
        mine = every(city.rows, "posts", {"organisation_id": organisation_id})
        return body, [one for one in mine if not one["abolished"] and held_on(one, city.day)], body["place"]
    if place:
        city.known_place(place)
        return None, city.posts_over(place, city.entries("roles")), place
    return None, [], ""


def _body(city: City, post: Row) -> Row:
    return city.organisation(post["organisation_id"]) or {}


def _shown(post: Row) -> Row:
    return {name: post[name] for name in ("post_id", "organisation_id", "place")}


def _row(city: City, code: str, entry: Entry, where: str) -> Row:
    """A duty, and the version in force at the place or above it of the document that lists it."""
    parts = ("function", "of", "level", "role", "categories", "regulation")
    row = {"code": code, "zh": entry.zh, "en": entry.en} | {part: entry.data.get(part, "") for part in parts}
    row |= {"categories": list(entry.data.get("categories", ())), "regulation_id": ""}
    if of := city.entries("organisation_types").get(row["of"]):
        row |= {"of_zh": of.zh, "of_en": of.en}
    if row["regulation"] and where:
        above = [*lineage(where), ""]
        kept = {"kind": row["regulation"], "place": above, "from_day__lte": city.day, "to_day__gt": city.day}
        found = sorted(every(city.rows, "regulations", kept), key=lambda one: above.index(one["place"]))
        if found:
            named = {"regulation_id_name": found[0]["title"], "regulation_id_name_en": found[0]["title_en"]}
            row |= named | {"regulation_id": found[0]["regulation_id"]}
    return row
