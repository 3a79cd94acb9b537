"""What queries answer, as JSON Schema: rows that are states, pages of them, and what everything has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.domain.decider import Decider

Shape = dict[str, Any]

TEXT: Shape = {"type": "string"}
COUNT: Shape = {"type": "integer"}
YES: Shape = {"type": "boolean"}
#: Commands that the reader may give to a thing now.
ACTIONS: Shape = {"type": "array", "items": TEXT}


def shape(optional: Mapping[str, Shape] | None = None, /, **fields: Shape) -> Shape:
    """An object that has all these fields, and may have the optional ones."""
    return {"type": "object", "properties": fields | dict(optional or {}), "required": list(fields)}


def with_fields(answer: Mapping[str, Any], **fields: Shape) -> Shape:
    """An object that has these fields, too."""
    required = [*answer.get("required", ()), *fields]
    return {**answer, "properties": {**answer.get("properties", {}), **fields}, "required": required}


def many(item: Shape) -> Shape:
    """A list."""
    return {"type": "array", "items": item}


def by_code(value: Shape) -> Shape:
    """An object with a value for each code."""
    return {"type": "object", "additionalProperties": value}


_PLACE_NAME = {"place": TEXT, "zh": TEXT, "en": TEXT}
#: Names of the places of a row, from the top down; of one that has ended what it is `now`.
PLACE_NAMES: Shape = many(shape({"now": many(shape(**_PLACE_NAME))}, **_PLACE_NAME))
#: Names of the organisation and post of a row, where it mentions any.
LABELS: dict[str, Shape] = dict.fromkeys(("organisation", "organisation_en", "post", "post_en"), TEXT)
#: Who may do what the reader may not: commands, each with the closest posts that have the power.
OTHERS: Shape = many(
    shape(
        command=TEXT,
        posts=many(shape(post_id=TEXT, title=TEXT, title_en=TEXT, organisation_id=TEXT, place=TEXT)),
    )
)


#: What `View.of` says of the facts of a row that were entered late: both times, and whether they were imported.
LATE: dict[str, Shape] = {
    "late": COUNT,
    "late_entries": by_code(shape(occurred=TEXT, recorded=TEXT, imported=COUNT)),
}


#: Which position of a service's log an answer reflects.
AS_OF: Shape = shape(service=TEXT, position=COUNT)


def fields_of(struct: type[msgspec.Struct], *without: str) -> dict[str, Shape]:
    """The fields of a struct but for some, each with its schema written out."""
    _, parts = msgspec.json.schema_components((struct,), ref_template="{name}")

    def written_out(part: Shape) -> Shape:
        if "$ref" in part:
            return written_out(parts[part["$ref"]])
        plain = {name: one for name, one in part.items() if name in ("type", "enum", "required")}
        if "properties" in part:
            plain["properties"] = {name: written_out(one) for name, one in part["properties"].items()}
        for name in ("items", "additionalProperties"):
            if isinstance(part.get(name), dict):
                plain[name] = written_out(part[name])
        if "anyOf" in part:
            plain["anyOf"] = [written_out(one) for one in part["anyOf"]]
        return plain

    return {name: written_out(one) for name, one in parts[struct.__name__]["properties"].items() if name not in without}


def row_of(decider: Decider[Any], *without: str, optional: Mapping[str, Shape] | None = None, **more: Shape) -> Shape:
    """A row of `View.of`: the state without some of its fields, the id under its name, and more."""
    fields = {"key": TEXT, decider.id_field: TEXT} | fields_of(decider.state, "id", *without)
    return shape(optional, **fields | LATE | more)


def page_of(row: Shape) -> Shape:
    """A page of a list."""
    return shape(rows=many(row), next={"type": ["string", "null"]})
