"""Filters, order and cursors as MongoDB questions that get the same answers as in SQLite."""

from __future__ import annotations

from typing import Any

from shared.mongodb import Document


def path_of(field: str) -> str:
    """Where a field of a row lies in its document."""
    return "_id" if field == "key" else f"by.{field}"


def all_of(conditions: list[Document]) -> Document:
    """All conditions as one document, nested only where two of them name the same thing."""
    flat: Document = {}
    nested: list[Document] = []
    for condition in conditions:
        if flat.keys() & condition.keys():
            nested.append(condition)
        else:
            flat |= condition
    return flat | {"$and": nested} if nested else flat


def condition(path: str, operator: str, value: Any) -> Document:
    """One parsed filter as MongoDB takes it."""
    if operator == "in":
        return {path: {"$in": list(value)}}
    if operator == "under":
        return {"$or": [{path: value}, {path: {"$gt": f"{value}.", "$lt": f"{value}/"}}]}
    return {path: _compared(operator, value)}


def _compared(operator: str, value: Any) -> Any:
    """A comparison in which every integer comes before every text; MongoDB's own compare only within a type."""
    if operator == "eq":
        return value
    opposite = {"lt": "gte", "lte": "gt", "gt": "lte", "gte": "lt"}[operator]
    crosses = operator.startswith("l") if isinstance(value, str) else operator.startswith("g")
    return {"$not": {f"${opposite}": value}} if crosses else {f"${operator}": value}


def beyond(field: str, descending: bool, value: Any, key: str) -> Document:
    """The rows that follow the one a cursor names, in its order."""
    further = "lt" if descending else "gt"
    if field == "key":
        return {"_id": {f"${further}": key}}
    path = path_of(field)
    return {"$or": [{path: value, "_id": {f"${further}": key}}, {path: _compared(further, value)}]}
