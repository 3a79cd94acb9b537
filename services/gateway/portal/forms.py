"""Forms derived from declared fields: what was typed, what is sent of it, and the controls to show.

What was typed is kept as it came: text for one control, a list of texts for boxes and the levels of a place, a list for rows, a mapping
for a group. Names of controls are paths: `reason`, `items.0.amount`, `shares.1.key`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from werkzeug.datastructures import MultiDict

from services.gateway.portal import language, places
from shared.domain.errors import BadInputError
from shared.domain.fields import Choice, Field, FieldError, Group, Kind, Many, Number, Pairs, Pattern
from shared.domain.words import _, said
from shared.words import table

Typed = Any
Form = MultiDict[str, str]
#: Choices that are shown side by side; more become a list to choose from.
SIDE_BY_SIDE = 6
#: The offset of the city's clocks, which people do not type.
_OFFSET = "+08:00"
_NUMBER = re.compile(r"\s*-?[0-9]{1,16}\s*")
_YUAN = re.compile(r"([0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]{1,2}))?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


@dataclass(frozen=True)
class Option:
    """A value to choose, in words."""

    value: str
    words: str


class Known(Protocol):
    """What a form must know of the city, and what sort of thing it is about."""

    thing: str

    def codes(self, list_name: str) -> list[Option]:
        """The entries of one of the city's lists; none when it is not known."""

    def offered(self, name: str) -> set[str] | None:
        """The codes that the reader may choose among in a field; None for all."""

    def things(self, what: str) -> tuple[list[Option], bool]:
        """Things that an id may name, the closest first, and whether these are all."""

    def within(self, name: str) -> list[Option]:
        """What the thing at hand itself lists for a field; none when it lists nothing."""

    def levels(self, given: list[str], required: bool) -> list[dict[str, Any]]:
        """The levels of the choice of a place."""


@dataclass(frozen=True)
class Control:
    """A control as it is shown; `parts` are the fields of a group, the rows of a list, key and value of a pair."""

    path: str
    kind: str
    label: str
    hint: str = ""
    required: bool = False
    optional: bool = False
    typed: Typed = ""
    errors: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    parts: tuple[Control, ...] = ()
    levels: tuple[dict[str, Any], ...] = ()
    longest: int | None = None
    least: int | None = None
    most: int | None = None

    @property
    def id(self) -> str:
        """The id of the element."""
        return "f-" + re.sub(r"[^a-z0-9]+", "-", self.path)


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


def controls(
    fields: Iterable[Field], typed: Mapping[str, Typed], wrong: Mapping[str, Any], known: Known, filters: bool = False
) -> list[Control]:
    """The controls of a form; `wrong` are the reasons of a refusal by field. Nothing that filters is needed or so by itself."""
    made = []
    for field in fields:
        kind, given = field.kind, typed.get(field.name, "")
        needed = field.required and not filters
        made.append(_control(kind, field.name, field, given, wrong.get(field.name), known, needed, filters))
    return made


def _control(
    kind: Kind,
    path: str,
    field: Field,
    typed: Typed,
    wrong: Any,
    known: Known,
    needed: bool,
    filters: bool = False,
    label: str = "",
) -> Control:
    """The control of a field, or of one row of it; `needed` when the form cannot be sent without it."""
    facets = kind.facets
    parts = _parts(kind, path, field, typed, wrong, known, needed)
    control = control_of(kind)
    options, control = _options(kind, control, field, known, filters)
    called, hint = label or language.label(field.name), language.about(field.about)
    return Control(
        path=path,
        kind=control,
        label=called,
        hint=hint if not (label or filters or hint == called) else "",
        required=needed,
        optional=not field.required and not filters and not label,
        typed=typed,
        errors=tuple(language.reasons(wrong)) if not (parts and isinstance(wrong, Mapping)) else (),
        options=options,
        parts=parts,
        levels=tuple(known.levels(typed or [], needed)) if control == "place" else (),
        longest=facets.get("maxLength"),
        least=facets.get("minimum") if control == "number" else None,
        most=facets.get("maximum") if control == "number" else None,
    )


def _options(kind: Kind, control: str, field: Field, known: Known, filters: bool) -> tuple[tuple[Option, ...], str]:
    """What there is to choose, and the control that fits so much."""
    inner = kind.kind if isinstance(kind, Many) and control == "boxes" else kind
    if isinstance(inner, Choice):
        group = inner.refers or (f"{known.thing} status" if field.name == "status" else field.name)
        may = known.offered(field.name)
        found = [Option(one, language.code(group, one)) for one in inner.codes if may is None or one in may]
        few = len(found) <= SIDE_BY_SIDE and not filters
        return tuple(found), control if control == "boxes" else "radio" if few else "select"
    if inner.control == "code":
        may = known.offered(field.name)
        found = [one for one in known.codes(inner.refers) if may is None or one.value in may]
        return tuple(found), ("boxes" if control == "boxes" else "select") if found else _typed_in(control)
    if control == "pick":
        found, whole = known.things(inner.refers)
        typed = not found and isinstance(inner, Pattern) and inner.elsewhere
        return tuple(found), "select" if whole and not typed else "line"
    if inner.control == "power":  # a group of powers may be typed, too
        return tuple(Option(one, language.code("power", one)) for one in powers()), "line"
    if isinstance(kind, Pattern) and not kind.refers and (found := known.within(field.name)):
        return tuple(found), "select"
    if filters and isinstance(kind, Number) and (kind.least, kind.most) == (0, 1):
        return (Option("1", str(language.say("yes"))), Option("0", str(language.say("no")))), "select"
    if control == "yes" and filters:
        return (Option("yes", str(language.say("yes"))), Option("no", str(language.say("no")))), "select"
    return (), control


def powers() -> list[str]:
    """The powers that commands and queries ask for."""
    return sorted({text for group, text in table("zh") if group == "power"})


def _typed_in(control: str) -> str:
    """Codes of a list that nobody knows are typed."""
    return "codes" if control == "boxes" else "line"


def _parts(
    kind: Kind, path: str, field: Field, typed: Typed, wrong: Any, known: Known, needed: bool
) -> tuple[Control, ...]:
    reasons = wrong if isinstance(wrong, Mapping) else {}
    if isinstance(kind, Group):
        return tuple(
            _control(
                one.kind,
                f"{path}.{one.name}",
                one,
                typed[one.name],
                reasons.get(one.name),
                known,
                needed and one.required,
            )
            for one in kind.fields
        )
    if isinstance(kind, Pairs):
        rows = typed or [{"key": retyped(kind.keys, ""), "value": retyped(kind.values, "")}]
        made = []
        for number, row in enumerate(rows):
            at = f"{path}.{number}"
            reason = reasons.get(str(_key(kind, row)))
            said_key, said_value = str(language.say("form.key")), str(language.say("form.value"))
            key = _control(kind.keys, f"{at}.key", field, row["key"], None, known, False, label=said_key)
            part = _control(kind.values, f"{at}.value", field, row["value"], reason, known, False, label=said_value)
            made.append(Control(at, "pair", "", parts=(key, part)))
        return tuple(made)
    if control_of(kind) == "list":
        assert isinstance(kind, Many)
        rows = typed or [retyped(kind.kind, "")]
        label = language.label(field.name)
        return tuple(
            _control(
                kind.kind,
                f"{path}.{n}",
                field,
                row,
                reasons.get(str(n)),
                known,
                needed and n < kind.least,
                label=f"{label} {n + 1}",
            )
            for n, row in enumerate(rows)
        )
    return ()


def _key(kind: Pairs, row: Mapping[str, Typed]) -> Any:
    try:
        return value(kind.keys, row["key"])
    except FieldError:
        return ""
