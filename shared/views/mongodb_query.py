"""Filters, order and cursors as MongoDB queries with the same results as in SQLite."""

from __future__ import annotations

from typing import Any

from shared.mongodb import Document


def path_of(field: str) -> str:
    """Return the path of a row's field in its document."""
    return "_id" if field == "key" else f"by.{field}"


def all_of(conditions: list[Document]) -> Document:
    """Combine conditions into one document, nested only where two of them have the same key."""
    flat: Document = {}
    nested: list[Document] = []
    for condition in conditions:
        if flat.keys() & condition.keys():
            nested.append(condition)
        else:
            flat |= condition
    return flat | {"$and": nested} if nested else flat


def condition(path: str, operator: str, value: Any) -> Document:
    """Return one parsed filter as a MongoDB condition."""
    if operator == "in":
        return {path: {"$in": list(value)}}
    if operator == "under":
        return {"$or": [{path: value}, {path: {"$gt": f"{value}.", "$lt": f"{value}/"}}]}
    return {path: _compared(operator, value)}


def _compared(operator: str, value: Any) -> Any:
    """Return a comparison in which every integer comes before every text; MongoDB's operators compare within one type only."""
    if operator == "eq":
        return value
    opposite = {"lt": "gte", "lte": "gt", "gt": "lte", "gte": "lt"}[operator]
    crosses = operator.startswith("l") if isinstance(value, str) else operator.startswith("g")
    return {"$not": {f"${opposite}": value}} if crosses else {f"${operator}": value}


def beyond(field: str, descending: bool, value: Any, key: str) -> Document:
    """Return the condition for the rows after a cursor."""
    further = "lt" if descending else "gt"
    if field == "key":
        return {"_id": {f"${further}": key}}
    path = path_of(field)
    return {"$or": [{path: value, "_id": {f"${further}": key}}, {path: _compared(further, value)}]}
