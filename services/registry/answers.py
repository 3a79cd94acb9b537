"""The JSON Schemas that answers of the registry are described with."""

from __future__ import annotations

from typing import Any

import msgspec

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
TRUE: Schema = {"type": "boolean"}


def thing(**fields: Schema) -> Schema:
    """An object that has at least these fields."""
    return {"type": "object", "properties": fields, "required": sorted(fields)}


def texts(*names: str) -> dict[str, Schema]:
    """Fields that are texts."""
    return dict.fromkeys(names, TEXT)


def many(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def by_code(schema: Schema) -> Schema:
    """An object that maps codes, or other names, to values of one schema."""
    return {"type": "object", "additionalProperties": schema}


def page(row: Schema) -> Schema:
    """A page of a list: its rows, and where the next one begins."""
    return thing(rows=many(row), next={"type": ["string", "null"]})


def row_of(state: type[msgspec.Struct], named: str, **more: Schema) -> Schema:
    """The row of a view of states: the id under its name, fields that are texts and numbers, and what is added."""
    kinds = {"str": TEXT, "int": NUMBER}
    fields = {
        field.name: kinds[str(field.type.__name__)]
        for field in msgspec.structs.fields(state)
        if field.name != "id" and getattr(field.type, "__name__", "") in kinds
    }
    return thing(**{named: TEXT}, **fields, **more)
