"""Forms of which one choice decides what else is asked, such as the data of an entry by its list; what changes is shown beforehand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as altered
from typing import Any

from services.gateway.portal import forms, language
from services.gateway.portal.controls import Known
from services.gateway.portal.frame import Frame
from shared.domain.command import Command
from shared.domain.errors import BadInputError, ForbiddenError, NotFoundError
from shared.domain.fields import Choice, Kind, Yes
from shared.domain.structures import Field, Fitting, Group, Many, Pairs

Typed = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """A part that is another one from now on: what it is called, what it was and what it will be, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Preview:
    """What a form says before it is sent: for what its parts are shown, what changes, and the mark of what was looked at."""

    field: str
    shown_for: str
    seen: str = ""
    changes: tuple[Change, ...] = ()


def follower(command: Command) -> Field | None:
    """The field whose shape another one chooses."""
    return next((field for field in command.asked if isinstance(field.kind, Fitting)), None)


def shaped(command: Command, typed: Typed) -> tuple[Field, ...]:
    """What is asked, with the shape that was chosen; without that field where nothing is chosen yet, or there is nothing to say."""
    fields = []
    for field in command.asked:
        if isinstance(field.kind, Fitting):
            shape = field.kind.shapes.get(str(typed.get(field.kind.by, "")))
            if not isinstance(shape, Group) or not shape.fields:
                continue
            field = altered(field, kind=shape, required=any(one.required for one in shape.fields))
        fields.append(field)
    return tuple(fields)


def chosen(command: Command, typed: Typed) -> dict[str, str]:
    """What names the thing that is changed; empty while some of it is missing."""
    field = follower(command)
    if field is None or not isinstance(field.kind, Fitting):
        return {}
    query = command.decider.queries[field.kind.now]
    named = {one.name: str(typed.get(one.name, "")).strip() for one in query.fields}
    return named if all(named.values()) else {}


def today(frame: Frame, service: str, command: Command, typed: Typed) -> Mapping[str, Any]:
    """What the thing is now; empty when there is none yet."""
    field = follower(command)
    named = chosen(command, typed)
    if field is None or not isinstance(field.kind, Fitting) or not named:
        return {}
    try:
        return frame.maybe(service, field.kind.now, **named) or {}
    except (NotFoundError, BadInputError, ForbiddenError):
        return {}


def opened(frame: Frame, service: str, command: Command, typed: Typed) -> dict[str, Any]:
    """What the form holds once its shape is chosen: what the thing says now, else what is so by itself."""
    held, follows = dict(typed), follower(command)
    if follows is None:
        return held
    now = today(frame, service, command, typed)
    for field in shaped(command, typed):
        if field.name == follows.name:
            assert isinstance(field.kind, Group)
            known = now.get(field.name, {})
            held[field.name] = {
                one.name: forms.retyped(one.kind, known[one.name]) if one.name in known else forms.begun(one)
                for one in field.kind.fields
            }
        elif field.required and forms.blank(held.get(field.name, "")):
            held[field.name] = forms.retyped(field.kind, now.get(field.name, ""))
    return held


def shown_for(command: Command, typed: Typed) -> str:
    """For what the parts of the form are: for another one they are shown anew."""
    return "|".join(chosen(command, typed).values())


def mark(ask: Mapping[str, Any]) -> str:
    """Stands for what is to be sent: who saw what changes has seen this and nothing else."""
    return hashlib.sha256(json.dumps(ask, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def changes(
    frame: Frame, service: str, command: Command, typed: Typed, ask: Mapping[str, Any], known: Known
) -> tuple[Change, ...]:
    """What is another one after this was sent, part by part, in words."""
    now, follows = today(frame, service, command, typed), follower(command)
    found = []
    for field in shaped(command, typed):
        if not field.required and (follows is None or field.name != follows.name):
            continue  # says when or why, not what
        label = "" if isinstance(field.kind, Group) else language.label(field.name)
        before = dict(_parts(field.kind, field.name, label, now.get(field.name), known))
        after = dict(_parts(field.kind, field.name, label, ask.get(field.name), known))
        for name in {**before, **after}:
            was, will = before.get(name, ""), after.get(name, "")
            if was != will:
                found.append(Change(name, was, will))
    return tuple(found)


def _parts(kind: Kind, name: str, label: str, value: Any, known: Known) -> Iterator[tuple[str, str]]:
    """A value in words, part by part; items of a list are named by their code, so that one more changes no other."""
    if isinstance(kind, Group):
        given = value if isinstance(value, Mapping) else {}
        for one in kind.fields:
            said = given.get(one.name, one.default() if callable(one.default) else one.default)
            yield from _parts(one.kind, one.name, _joined(label, language.label(one.name)), said, known)
    elif isinstance(kind, Many) and isinstance(kind.kind, Group):
        for number, row in enumerate(value or (), 1):
            called = str(row.get("code", number)) if isinstance(row, Mapping) else str(number)
            code = _joined(_joined(label, called), language.label("code"))
            for part, words in _parts(kind.kind, name, _joined(label, called), row, known):
                if part != code:
                    yield part, words
    elif isinstance(kind, Pairs):
        for key, part in (value or {}).items():
            yield from _parts(kind.values, name, _joined(label, _word(kind.keys, name, key, known)), part, known)
    elif isinstance(kind, Many):
        yield label, str(language.say("comma")).join(_word(kind.kind, name, part, known) for part in value or ())
    else:
        yield label, "" if value is None else _word(kind, name, value, known)


def _joined(label: str, part: str) -> str:
    return f"{label} · {part}" if label else part


def _word(kind: Kind, name: str, value: Any, known: Known) -> str:
    if value == "":
        return ""
    if isinstance(kind, Yes):
        return str(language.say("yes" if value else "no"))
    if isinstance(kind, Choice):
        return language.code(kind.refers or name, str(value))
    if kind.control == "code":
        return next((one.words for one in known.codes(kind.refers) if one.value == value), str(value))
    if kind.control == "power":
        return language.code("power", str(value))
    return language.yuan(value) if kind.control == "money" else str(value)


def preview(
    frame: Frame, service: str, command: Command, typed: Typed, ask: Mapping[str, Any] | None, known: Known
) -> Preview | None:
    """What the form of such a command says before it is sent, None for other commands; `ask` is what would be sent."""
    field = follower(command)
    if field is None:
        return None
    named = shown_for(command, typed)
    if ask is None:
        return Preview(field.name, named)
    return Preview(field.name, named, mark(ask), changes(frame, service, command, typed, ask, known))
