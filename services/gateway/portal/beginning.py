"""What a form begins with: what the thing says already, what it belongs to, and what there is no choice about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.gateway.portal import forms
from services.gateway.portal.known import Known
from shared.domain.command import Command
from shared.domain.fields import Choice, Yes
from shared.domain.structures import Field, Pairs

#: Fields that are asked anew each time, whatever the thing says already.
_ASKED_ANEW = ("reason", "note", "because")


def only_one(offered: set[str] | None, typed: forms.Typed) -> forms.Typed:
    """What a field holds: where there is but one to choose, that."""
    return next(iter(offered)) if offered is not None and len(offered) == 1 and forms.blank(typed) else typed


def belonging(command: Command, row: Mapping[str, Any]) -> dict[str, str]:
    """What a thing belongs to as it says itself, such as the project of a payment: nobody is asked for that."""
    held = {one.of for one in command.needs.holds.values() if isinstance(one.of, str)}
    asked = (field.name for field in command.asked if field.name in held and command.new is None)
    return {name: str(row[name]) for name in asked if row.get(name)}


def judged(field: Field, known: Known) -> forms.Typed:
    """A row for each item of the thing, where every one of them is judged."""
    if not isinstance(field.kind, Pairs) or not isinstance(field.kind.values, Yes):
        return []
    return [{"key": option.value, "value": ""} for option in known.within(field.name)]


def kept(field: Field, row: Mapping[str, Any], begun: forms.Typed) -> forms.Typed:
    """What the thing says already, where a command must say it again; sentences about the act are asked anew."""
    choosing = isinstance(field.kind, Choice) or field.kind.control in (
        "code",
        "place",
        "money",
        "number",
        "line",
        "lines",
    )
    if not forms.blank(begun) or not field.required or field.name in _ASKED_ANEW or not choosing:
        return begun
    return forms.retyped(field.kind, row.get(field.name, ""))
