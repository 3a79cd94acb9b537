"""Shapes of answers as JSON Schema: a row is its state with what is added to it, a list is a page of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.domain.decider import Decider

Shape = dict[str, Any]

TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "integer"}
#: How many things there are by code.
COUNTS: Shape = {"type": "object", "additionalProperties": NUMBER}
#: A numerator with what it is of; never a rounded number.
SHARE: Shape = {
    "type": "object",
    "properties": {"numerator": NUMBER, "denominator": NUMBER, "definition": TEXT},
    "required": ["numerator", "denominator", "definition"],
}
#: Names that `City.named` adds.
NAMES: dict[str, Shape] = {
    "organisation": TEXT,
    "organisation_en": TEXT,
    "post": TEXT,
    "post_en": TEXT,
    "place_names": {
        "type": "array",
        "items": {"type": "object", "properties": {"place": TEXT, "zh": TEXT, "en": TEXT}},
        "description": "from the top down",
    },
}


def listed(items: Shape, about: str = "") -> Shape:
    """A list."""
    return {"type": "array", "items": items} | ({"description": about} if about else {})


def thing(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object of these and no other properties."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": sorted(required), "additionalProperties": False}


def fields_of(decider: Decider[Any]) -> dict[str, Shape]:
    """The properties of a thing's row: the fields of its state."""
    (shape,), parts = msgspec.json.schema_components((decider.state,), ref_template="{name}")
    properties = _inlined(parts[shape["$ref"]], parts)["properties"]
    properties[decider.id_field] = properties.pop("id")
    return dict(properties)


def _inlined(shape: Any, parts: Mapping[str, Any]) -> Any:
    """A shape with the parts that it refers to in their places, and without defaults: an answer says everything."""
    if isinstance(shape, list):
        return [_inlined(part, parts) for part in shape]
    if not isinstance(shape, dict):
        return shape
    if "$ref" in shape:
        return _inlined(parts[shape["$ref"]], parts)
    return {name: _inlined(part, parts) for name, part in shape.items() if name not in ("default", "title")}


def page_of(row: Shape) -> Shape:
    """A page of a list; `next` is the cursor of the page after it, null on the last."""
    return thing({"rows": listed(row), "next": {"type": ["string", "null"]}})


#: The commands that the reader may give to a thing now.
ACTIONS: Shape = listed(TEXT, "commands that you may give now")
#: Who may do what the reader may not.
OTHERS: Shape = listed(
    thing(
        {
            "command": TEXT,
            "posts": listed(
                thing(dict.fromkeys(("post_id", "title", "title_en", "organisation_id", "place"), TEXT)),
                "the closest posts that may",
            ),
        }
    ),
    "commands that fit now and that others may give",
)
