"""Forms derived from declared fields: what was typed, and what is sent of it.

What was typed is kept as it came: text for one control, a list of texts for boxes and the levels of a place, a list for rows, a mapping
for a group. Names of controls are paths: `reason`, `items.0.amount`, `shares.1.key`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from services.gateway.portal import language, places
from shared.domain.errors import BadInputError
from shared.domain.fields import Choice, FieldError, Kind, Number
from shared.domain.structures import Field, Group, Many, Pairs
from shared.domain.words import _, said

Typed = Any
Form = MultiDict[str, str]
#: The offset of the city's clocks, which people do not type.
_OFFSET = "+08:00"
_NUMBER = re.compile(r"\s*-?[0-9]{1,16}\s*")
_YUAN = re.compile(r"([0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]{1,2}))?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


def control_of(kind: Kind) -> str:
    """How a kind is asked for: several of a few codes are boxes, an object of no declared shape is JSON."""
    if isinstance(kind, Many) and (isinstance(kind.kind, Choice) or kind.kind.control == "code"):
        return "boxes"
    if kind.control in ("pairs", "group", "list") and not isinstance(kind, Pairs | Group | Many):
        return "json"
    return kind.control


def read(kind: Kind, path: str, form: Form) -> Typed:
    """What was typed into the control of a kind."""
    if isinstance(kind, Group):
        return {field.name: read(field.kind, f"{path}.{field.name}", form) for field in kind.fields}
    if control_of(kind) in ("place", "boxes"):
        return [value for value in form.getlist(path) if value]
    if isinstance(kind, Pairs):
        return [
            {"key": read(kind.keys, f"{path}.{row}.key", form), "value": read(kind.values, f"{path}.{row}.value", form)}
            for row in _rows(path, form)
        ]
    if isinstance(kind, Many):
        return [read(kind.kind, f"{path}.{row}", form) for row in _rows(path, form)]
    return form.get(path, "")


def _rows(path: str, form: Form) -> list[int]:
    found = {name[len(path) + 1 :].partition(".")[0] for name in form if name.startswith(f"{path}.")}
    return sorted(int(row) for row in found if row.isdecimal() and len(row) < 5)


def blank(typed: Typed) -> bool:
    """Whether nothing was typed."""
    if isinstance(typed, Mapping):
        return all(blank(part) for part in typed.values())
    if isinstance(typed, list):
        return all(blank(part) for part in typed)
    return not str(typed).strip() or typed == "no"


def value(kind: Kind, typed: Typed) -> Any:
    """What is sent of what was typed; raises `FieldError` where that cannot be told."""
    if isinstance(kind, Group):
        return _all(kind.fields, typed)
    if isinstance(kind, Pairs):
        return _pairs(kind, [row for row in typed if not blank(row)])
    match control_of(kind):
        case "boxes":
            return list(typed)
        case "place":
            return places.chosen(typed)
        case "list":
            assert isinstance(kind, Many)
            rows = [row for row in typed if not blank(row)]
            return list(_each((str(number), kind.kind, row) for number, row in enumerate(rows)).values())
        case "yes":
            return typed == "yes"
        case "number":
            return int(typed) if _NUMBER.fullmatch(typed) else typed.strip()
        case "money":
            return _fen(kind, typed.strip())
        case "moment":
            text = typed.strip()
            return (text if text[16:] else f"{text}:00") + _OFFSET if _MOMENT.fullmatch(text) else text
        case "json":
            try:
                return json.loads(typed)
            except (ValueError, RecursionError):
                raise FieldError(said(_("is not JSON"))) from None
        case "line" | "lines":
            return typed.replace("\r\n", "\n")
    return typed.strip()


def _each(parts: Iterable[tuple[str, Kind, Typed]]) -> dict[str, Any]:
    made, wrong = {}, {}
    for name, kind, typed in parts:
        try:
            made[name] = value(kind, typed)
            kind.load(made[name])
        except FieldError as error:
            wrong[name] = error.reason
    if wrong:
        raise FieldError(wrong)
    return made


def _all(fields: Iterable[Field], typed: Mapping[str, Typed]) -> dict[str, Any]:
    """What is sent of several fields; raises `FieldError` with the reason of each wrong one."""
    made: dict[str, Any] = {}
    wrong: dict[str, Any] = {}
    for field in fields:
        given = typed.get(field.name, "")
        try:
            if field.kind.control == "yes" or not blank(given):
                made[field.name] = value(field.kind, given)
            field.load(made)
        except FieldError as error:
            wrong[field.name] = error.reason
    if wrong:
        raise FieldError(wrong)
    return made


def _pairs(kind: Pairs, rows: list[Mapping[str, Typed]]) -> dict[str, Any]:
    keys = [value(kind.keys, row["key"]) for row in rows]
    if len(set(keys)) < len(keys):
        raise FieldError(said(_("names something twice")))
    return _each((key, kind.values, row["value"]) for key, row in zip(keys, rows, strict=True))


def _fen(kind: Kind, text: str) -> int:
    found = _YUAN.fullmatch(text)
    if found is None:
        raise FieldError(said(_("must be an amount in yuan, like 1234.50")))
    fen = int(found[1].replace(",", "")) * 100 + int((found[2] or "").ljust(2, "0"))
    if isinstance(kind, Number) and not kind.least <= fen <= kind.most:
        least, most = language.yuan(kind.least), language.yuan(kind.most)
        raise FieldError(said(_("must be from {least} to {most} yuan"), least=least, most=most))
    return fen


def arguments(fields: Iterable[Field], typed: Mapping[str, Typed]) -> dict[str, Any]:
    """What is sent of a form; raises `BadInputError` that names each wrong field, as the service would."""
    try:
        return _all(fields, typed)
    except FieldError as error:
        assert isinstance(error.reason, Mapping)
        raise BadInputError(_("the input has mistakes"), error.reason) from None


def retyped(kind: Kind, known: Any) -> Typed:
    """What one would type to send a value: how a form begins that changes something."""
    if known is None or callable(known):
        known = ""
    if isinstance(kind, Group):
        given = known if isinstance(known, Mapping) else {name: getattr(known, name, "") for name in _names(kind)}
        return {field.name: retyped(field.kind, given.get(field.name, "")) for field in kind.fields}
    if isinstance(kind, Pairs):
        pairs = known.items() if isinstance(known, Mapping) else ()
        return [{"key": retyped(kind.keys, key), "value": retyped(kind.values, part)} for key, part in pairs]
    match control_of(kind):
        case "boxes":
            return [str(part) for part in known or ()]
        case "place":
            return [str(known)] if known else []
        case "list":
            assert isinstance(kind, Many)
            return [retyped(kind.kind, part) for part in known or ()]
        case "yes":
            return "yes" if known is True else ""
        case "money":
            return language.yuan(known).replace(",", "") if isinstance(known, int) else str(known)
        case "moment":
            return str(known)[:16]
        case "json":
            return json.dumps(known, ensure_ascii=False, indent=1) if known else ""
    return str(known)


def _names(kind: Group) -> list[str]:
    return [field.name for field in kind.fields]


def begun(field: Field) -> Typed:
    """What a field holds before anybody typed: its default, unless that only says that nothing was given."""
    try:
        field.kind.load(field.default)
    except FieldError:
        return retyped(field.kind, "")
    return retyped(field.kind, field.default)


def changed(kind: Kind, path: str, typed: Typed, add: str, drop: str) -> Typed:
    """What was typed with a row more at the path `add`, or without the row at the path `drop`."""
    if isinstance(kind, Group):
        return {
            field.name: changed(field.kind, f"{path}.{field.name}", typed[field.name], add, drop)
            for field in kind.fields
        }
    if isinstance(kind, Pairs):
        rows = [row for number, row in enumerate(typed) if drop != f"{path}.{number}"]
        return [*rows, {"key": retyped(kind.keys, ""), "value": retyped(kind.values, "")}] if add == path else rows
    if control_of(kind) == "list":
        assert isinstance(kind, Many)
        rows = [
            changed(kind.kind, f"{path}.{number}", row, add, drop)
            for number, row in enumerate(typed)
            if drop != f"{path}.{number}"
        ]
        return [*rows, retyped(kind.kind, "")] if add == path else rows
    return typed


def compacted(kind: Kind, typed: Typed) -> Typed:
    """What was typed without the rows that were left empty, so that reasons by number find their row."""
    if isinstance(kind, Group):
        return {field.name: compacted(field.kind, typed[field.name]) for field in kind.fields}
    if isinstance(kind, Pairs):
        return [row for row in typed if not blank(row)]
    if control_of(kind) == "list":
        assert isinstance(kind, Many)
        return [compacted(kind.kind, row) for row in typed if not blank(row)]
    return typed
