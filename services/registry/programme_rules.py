"""What is wrong with the data of a programme or a survey of the city."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.view import Row
from shared.domain.words import _, said


def programme_faults(data: Mapping[str, Any]) -> Row:
    """What names something twice or nothing that there is, by its part."""
    wrong: Row = {}
    for part in ("prongs", "measures", "stages", "batches"):
        named = [one["code"] for one in data.get(part, ())]
        if len(set(named)) < len(named):
            wrong[part] = said(_("names something twice"))
    prongs = {one["code"] for one in data["prongs"]} | {""}
    if strange := {one["code"] for one in data.get("measures", ()) if one.get("prong", "") not in prongs}:
        wrong["measures"] = {one: said(_("belongs to no prong of the programme")) for one in sorted(strange)}
    return wrong


def survey_faults(data: Mapping[str, Any]) -> Row:
    """What names something twice, and questions without an answer, by their part."""
    wrong: Row = {}
    for part in ("questions", "told"):
        named = [one["code"] for one in data[part]]
        if len(set(named)) < len(named):
            wrong[part] = said(_("names something twice"))
    if strange := [one["code"] for one in data["questions"] if one["least"] > one["most"]]:
        wrong["questions"] = {one: said(_("its least answer is larger than its largest")) for one in strange}
    return wrong
