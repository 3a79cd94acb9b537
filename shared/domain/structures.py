"""Fields of several values: lists, pairs of keys and values, groups of fields, and objects whose shape another field chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from shared.domain.fields import FieldError, Kind, Yes, refusal
from shared.domain.words import _, said

#: Most that a list in one command may hold, unless its kind says otherwise.
MOST = 500


@dataclass(frozen=True, kw_only=True)
class Many(Kind):
    """A list of values of one kind."""

    kind: Kind
    least: int
    most: int
    distinct: bool

    def load(self, value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise refusal(_("must be a list"))
        if not self.least <= len(value) <= self.most:
            raise refusal(_("must hold {least} to {most} entries"), least=self.least, most=self.most)
        loaded = _each(self.kind, enumerate(value))
        if self.distinct and any(part in loaded[:number] for number, part in enumerate(loaded)):
            raise refusal(_("names something twice"))
        return loaded


def many(kind: Kind, least: int = 0, most: int = MOST, distinct: bool = False) -> Many:
    """`least` to `most` values of a kind."""
    facets = {"type": "array", "items": dict(kind.facets), "minItems": least, "maxItems": most}
    return Many(kind=kind, least=least, most=most, distinct=distinct, control="list", facets=facets)


@dataclass(frozen=True, kw_only=True)
class Pairs(Kind):
    """Keys of one kind mapped to values of another."""

    keys: Kind
    values: Kind
    most: int

    def load(self, value: Any) -> dict[Any, Any]:
        if not isinstance(value, Mapping):
            raise refusal(_("must be an object of names and values"))
        if len(value) > self.most:
            raise refusal(_("must hold {least} to {most} entries"), least=0, most=self.most)
        keys = _each(self.keys, ((str(name), name) for name in value))
        return dict(zip(keys, _each(self.values, ((str(name), part) for name, part in value.items())), strict=True))


def pairs(keys: Kind, values: Kind, most: int = MOST) -> Pairs:
    """Keys mapped to values, at most so many."""
    facets = {"type": "object", "additionalProperties": dict(values.facets), "maxProperties": most}
    return Pairs(keys=keys, values=values, most=most, control="pairs", facets=facets)


def _each(kind: Kind, values: Any) -> list[Any]:
    loaded, wrong = [], {}
    for name, value in values:
        try:
            loaded.append(kind.load(value))
        except FieldError as error:
            wrong[str(name)] = error.reason
    if wrong:
        raise FieldError(wrong)
    return loaded


@dataclass(frozen=True)
class Field:
    """An argument that callers send: its kind, what it is for, and what it is when it is left out."""

    name: str
    kind: Kind
    about: str
    required: bool
    default: Any = None

    def load(self, given: Mapping[str, Any]) -> Any:
        """The value in a mapping; empty text for what may be left out means that it was. Raises `FieldError`."""
        value = given.get(self.name)
        empty = value is None or (value == "" and not isinstance(self.kind, Yes))
        if self.name not in given or (empty and not self.required):
            if self.required:
                raise refusal(_("is missing"))
            return self.default() if callable(self.default) else self.default
        loaded = self.kind.load(value)
        if self.required and loaded == "":
            raise refusal(_("must not be blank"))
        return loaded


def load_fields(fields: tuple[Field, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """All fields of a mapping; raises `FieldError` that names each wrong one, those that nobody asked for included."""
    if not isinstance(given, Mapping):
        raise refusal(_("must be an object of names and values"))
    loaded: dict[str, Any] = {}
    wrong: dict[str, Any] = {name: said(_("is not asked for")) for name in set(given) - {one.name for one in fields}}
    for one in fields:
        try:
            loaded[one.name] = one.load(given)
        except FieldError as error:
            wrong[one.name] = error.reason
    if wrong:
        raise FieldError(wrong)
    return loaded


@dataclass(frozen=True, kw_only=True)
class Group(Kind):
    """Several fields together, as a decision gets them: a `msgspec.Struct` whose fields name their kinds."""

    struct: type[msgspec.Struct]
    fields: tuple[Field, ...]

    def load(self, value: Any) -> msgspec.Struct:
        return self.struct(**load_fields(self.fields, value))


def group(struct: type[msgspec.Struct]) -> Group:
    """The kind of a struct whose fields are declared as arguments are: `category: Annotated[str, code_of("…"), "what it is"]`."""
    hints = get_type_hints(struct, include_extras=True)
    fields = []
    for info in msgspec.structs.fields(struct):
        default = info.default if info.default is not msgspec.NODEFAULT else info.default_factory
        required = default is msgspec.NODEFAULT
        found = declared(info.name, hints[info.name], None if required else default, required)
        if found is None:
            raise TypeError(f"{struct.__name__}.{info.name} names no kind of field")
        fields.append(found)
    properties = {one.name: dict(one.kind.facets) for one in fields}
    facets = {"type": "object", "properties": properties, "required": [one.name for one in fields if one.required]}
    return Group(struct=struct, fields=tuple(fields), control="group", facets=facets)


@dataclass(frozen=True, kw_only=True)
class Fitting(Kind):
    """An object whose shape another field of the command chooses, such as the data of an entry by its list.

    `by` is that field, `shapes` the kind for each of its codes; `now` names the query that says, asked with the same fields, what it
    is today. The decision checks it against the city of the day.
    """

    by: str
    shapes: Mapping[str, Kind]
    now: str

    def load(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise refusal(_("must be an object of names and values"))
        return dict(value)


def fitting(by: str, shapes: Mapping[str, Kind], now: str) -> Fitting:
    """An object of the shape that the field `by` chooses; the query `now` says what it is today."""
    return Fitting(by=by, shapes=shapes, now=now, control="fitting", facets={"type": "object"})


def declared(name: str, hint: Any, default: Any, required: bool) -> Field | None:
    """The field that an annotation declares; None when it names no kind. Raises `TypeError` for one without a description."""
    if get_origin(hint) is not Annotated:
        return None
    marks = get_args(hint)[1:]
    kind = next((mark for mark in marks if isinstance(mark, Kind)), None)
    if kind is None:
        return None
    about = next((mark for mark in marks if isinstance(mark, str)), "")
    if not about:
        raise TypeError(f"the field {name} lacks a sentence that says what it is for")
    return Field(name, kind, about, required, default)
