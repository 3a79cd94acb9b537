"""What coverages may ask for: faults of their entries, and the codes of other lists that they name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from services.registry.subjects import LISTS, wrong_kind
from shared.domain.view import Row
from shared.domain.words import _, said, term

#: What is needed to the list that its codes are on; what checklists unlock is on none.
_LISTED = {
    "body": "organisation_types",
    "both": "organisation_types",
    "entered": "organisation_types",
    "post": "roles",
    "link": "links",
    "standing": "schemes",
    "met": "meetings",
    "document": "regulations",
    "classified": "classifications",
}
_PARTS = {"parent": "organisation_types", "role": "roles", "linked": "links"}
#: What persons can be asked for; `classified` only they.
_OF_PERSONS = ("post", "classified")
#: What only bodies can be asked for, and what only places can have.
_OF_BODIES, _OF_PLACES = ("parent", "role", "power", "linked"), ("both", "entered")


def coverage_names(data: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The codes that a coverage names, each with its list."""
    named = {(LISTS[data["subject"]], data["of"]), ("schemes", data["scheme"])}
    return {pair for pair in (*named, *(pair for need in data["asks"] for pair in _named(need))) if pair[1]}


def _named(need: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if listed := _LISTED.get(need["what"]):
        yield from ((listed, code) for code in need["of"])
    yield from ((listed, need[part]) for part, listed in _PARTS.items())


def coverage_faults(
    data: Mapping[str, Any], codes: Callable[[str], Collection[str]], is_power: Callable[[str], bool]
) -> Row:
    """What is wrong with a coverage, by its part; `codes(list)` are those of the city."""
    wrong: Row = {}
    if why := wrong_kind(data["subject"], data["of"], codes):
        wrong["of"] = why
    if data["scheme"] and data["scheme"] not in codes("schemes"):
        wrong["scheme"] = said(_("not on the city's list {list}"), list=term("kinds", "schemes"))
    if bool(data["scheme"]) != bool(data["standing"]):
        wrong["standing"] = said(_("a scheme and one of its codes are named together or not at all"))
    named = [need["code"] for need in data["asks"]]
    if len(set(named)) < len(named):
        wrong["asks"] = said(_("names something twice"))
    for need in data["asks"]:
        if why := _fault(need, data["subject"], codes, is_power):
            wrong["asks"] = {need["code"]: why}
    return wrong


def _fault(
    need: Mapping[str, Any], subject: str, codes: Callable[[str], Collection[str]], is_power: Callable[[str], bool]
) -> str:
    for listed, code in _named(need):
        if code and code not in codes(listed):
            return said(_("not on the city's list {list}"), list=term("kinds", listed))
    if need["what"] in _OF_PLACES and (subject != "place" or len(set(need["of"])) != 2):
        return said(_("members in common are those of two types of bodies at a place"))
    if need["what"] in ("body", "met", "document") and subject == "post":
        return said(_("a post has no bodies, meetings or documents"))
    if (subject == "person" and need["what"] not in _OF_PERSONS) or (
        subject != "person" and need["what"] == "classified"
    ):
        return said(
            _("of persons is asked what they are classified as, and which posts they hold; only they are classified")
        )
    if need["what"] != "body" and any(need[part] for part in _OF_BODIES):
        return said(_("only a body is asked for its parent, its posts and its links"))
    if need["standing"] and need["what"] not in ("standing", "classified"):
        return said(_("only a standing has codes"))
    if need["power"] and not is_power(need["power"]):
        return said(_("no command asks for it"))
    return ""
