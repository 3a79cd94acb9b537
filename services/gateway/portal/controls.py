"""The controls of a form as they are shown: what is asked, what was typed, what is wrong with it, and what there is to choose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from services.gateway.portal import language
from services.gateway.portal.forms import Typed, control_of, retyped, value
from shared.domain.fields import Choice, FieldError, Kind, Number, Pattern
from shared.domain.structures import Field, Group, Many, Pairs
from shared.words import table

#: Choices that are shown side by side; more become a list to choose from.
SIDE_BY_SIDE = 6


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


def shown(
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
        found = [Option(one, language.code(group, one)) for one in inner.codes if one and (may is None or one in may)]
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
