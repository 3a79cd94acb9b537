"""The choice of a place: one list for each level down to what was chosen, and the one below it."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, g, render_template, request

from services.gateway.contracts import DEFINITIONS
from services.gateway.portal.frame import Frame

_NAME = re.compile(r"[a-z0-9_.]{1,200}")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the part of a page that changes when a level is chosen."""

    def show() -> str:
        given = request.args.get("field", "")
        name = given if _NAME.fullmatch(given) else "place"
        required = "required" in request.args
        found = levels(frame, request.args.getlist(name), required)
        return render_template("portal/_places.html", name=name, levels=found, required=required)

    blueprint.add_url_rule("/places", "places", show)


def levels(frame: Frame, given: list[str], required: bool) -> list[dict[str, Any]]:
    """The choices of each level down to what was chosen, and the one below it; no place may be a choice, too."""
    found: list[dict[str, Any]] = []
    wanted, parent = set(path(given)), ""
    while rows := _below(frame, parent):
        if required and not parent and len(rows) == 1:
            wanted.add(rows[0]["place"])  # one city, nothing to choose
        parent = next((row["place"] for row in rows if row["place"] in wanted), "")
        found.append({"rows": rows, "chosen": parent})
        if not parent:
            break
    return found


def chosen(given: list[str]) -> str:
    """The place that a list of choices comes to; "" for none."""
    found = path(given)
    return found[-1] if found else ""


def path(given: list[str]) -> list[str]:
    """Choices from the top down as far as each lies in the one before; one full path stands for all above it."""
    given = sorted((place for place in given if place), key=lambda place: place.count("."))
    if len(given) == 1 and "." in given[0]:
        parts = given[0].split(".")
        return [".".join(parts[: depth + 1]) for depth in range(len(parts))]
    found: list[str] = []
    for place in given:
        if found and not place.startswith(found[-1] + "."):
            break
        found.append(place)
    return found


def _below(frame: Frame, parent: str) -> list[dict[str, Any]]:
    """The places directly below one, asked once a request."""
    kept: dict[str, list[dict[str, Any]]] = g.setdefault("places_below", {})
    if parent not in kept:
        where: dict[str, Any] = {"parent": parent} if parent else _TOPMOST
        rows = frame.gateway.ask("registry", "find_places", limit=500, **where)["rows"]
        kept[parent] = sorted(rows, key=lambda row: str(row["place"]))
    return kept[parent]


_QUERY = DEFINITIONS["registry"].queries.get("find_places")
_TOPMOST: dict[str, Any] = (
    {"topmost": True} if _QUERY and any(field.name == "topmost" for field in _QUERY.fields) else {"parent": ""}
)
