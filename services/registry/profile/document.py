"""What a profile says: the entries that it names, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from services.registry.entry.checks import faults
from services.registry.profile.state import ProfilePublished
from shared.domain.catalogue import ANONYMOUS, KINDS, RESIDENT, Role, data_of
from shared.domain.fields import FieldError, Kind, line
from shared.domain.lists import Parameter, Ranked
from shared.domain.parameters import FORMER, PARAMETERS
from shared.domain.structures import Field, load_fields
from shared.domain.words import _, said
from shared.words import word


@dataclass(frozen=True, kw_only=True)
class _Words(Kind):
    """The words of a code with what its list says of it; the list checks the latter."""

    def load(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise FieldError(said(_("must be an object of names and values")))
        given = dict(value)
        return given | load_fields(_IN_WORDS, {name: given[name] for name in ("zh", "en") if name in given})


_IN_WORDS = (Field("zh", line(200), "in Chinese", True), Field("en", line(400), "in English", True))
WORDS = _Words(
    control="pairs",
    facets={
        "type": "object",
        "properties": {one.name: dict(one.kind.facets) for one in _IN_WORDS},
        "required": ["zh", "en"],
    },
)

Key = tuple[str, str]
#: Words in Chinese and English, and data.
Wanted = tuple[str, str, dict[str, Any]]
#: Kinds with an argument of their own; all others are code lists.
APART = ("levels", "roles", "parameters", "checklists", "obligations")
LISTS = tuple(kind for kind in KINDS if kind not in APART)


def wanted_of(ask: Mapping[str, Any]) -> dict[Key, Wanted]:
    """The entries that a document names, by kind and code; lists that nobody knows are left out."""
    found: dict[Key, Wanted] = {}
    for rank, level in enumerate(ask["levels"], 1):
        found["levels", level.code] = level.zh, level.en, _data(Ranked(rank=rank))
    for role in ask["roles"]:
        powers = sorted(set(ask["powers"].get(role.code, ())))
        data = _data(Role(level=role.level, powers=powers, intake=role.intake, beside=role.beside))
        found["roles", role.code] = role.zh, role.en, data
    for kind in LISTS:
        for code, one in ask["code_lists"].get(kind, {}).items():
            found[kind, code] = one["zh"], one["en"], _listed(kind, one)
    for name, value in ask["parameters"].items():
        words = word("zh", "parameters", name), word("en", "parameters", name)
        found["parameters", name] = *words, _data(Parameter(value=value))
    for kind in ("checklists", "obligations"):
        for one in ask[kind]:
            data = _data(one)
            found[kind, data.pop("code")] = data.pop("zh"), data.pop("en"), data
    return found


def _data(struct: msgspec.Struct) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(struct)
    return made


def _listed(kind: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """What a list says of a code; nothing where that does not fit the list, which is refused."""
    given = {name: value for name, value in one.items() if name not in ("zh", "en")}
    try:
        return _data(data_of(kind, given))
    except FieldError:
        return {}


def argument_of(kind: str) -> str:
    return kind if kind in APART else "code_lists"


def mistakes_of(made: ProfilePublished, wanted: Mapping[Key, Wanted]) -> dict[str, Any]:
    """What is wrong with a document, by argument and code; {} when nothing is."""
    wrong: dict[str, Any] = {}

    def refuse(reason: Any, *path: str) -> None:
        parts = wrong
        for name in path[:-1]:
            parts = parts.setdefault(name, {})
            if not isinstance(parts, dict):  # the whole is refused already
                return
        parts.setdefault(path[-1], reason)

    def codes(kind: str) -> set[str]:
        return {code for other, code in wanted if other == kind}

    _check_lists(made, refuse)
    for kind in ("levels", "roles", "checklists", "obligations"):
        listed = [one.code for one in getattr(made, kind)]
        for code in {code for code in listed if listed.count(code) > 1}:
            refuse(said(_("is listed twice; each code may stand once")), kind, code)
    for role in (RESIDENT, ANONYMOUS):
        if role not in codes("roles"):
            refuse(said(_("is missing: it says what those may do who act from no post")), "roles", role)
    for role in set(made.powers) - codes("roles"):
        refuse(said(_("is no role of the profile")), "powers", role)
    for name in set(PARAMETERS) - set(made.parameters) - set(FORMER):
        refuse(said(_("is missing; rules of the program read it")), "parameters", name)
    for name in set(made.parameters) - set(PARAMETERS):
        refuse(said(_("no rule reads this parameter; known: {known}"), known=", ".join(PARAMETERS)), "parameters", name)
    for (kind, code), (_zh, _en, data) in wanted.items():
        if kind == "parameters" and code not in PARAMETERS:
            continue
        for part, reason in faults(kind, code, data, codes).items():
            if kind in LISTS:
                refuse(reason, "code_lists", kind, code, part)
            elif part == "powers":
                refuse(reason, "powers", code)
            elif kind == "parameters":
                refuse(reason, "parameters", code)
            else:
                refuse(reason, *(("code_lists", kind) if kind in LISTS else (kind,)), code, part)
    return wrong


def _check_lists(made: ProfilePublished, refuse: Callable[..., None]) -> None:
    """Every list that a city needs is there, is known, and has an order where its kind asks for one."""
    for kind in set(made.code_lists) - set(LISTS):
        known = ", ".join(LISTS)
        refuse(said(_("is no list that the program knows; known: {known}"), known=known), "code_lists", kind)
    for kind in LISTS:
        terms = made.code_lists.get(kind, {})
        if not terms and KINDS[kind].needed:
            refuse(said(_("a city needs at least one code of this list")), "code_lists", kind)
        ranks: dict[Any, str] = {}
        for code, one in terms.items():
            given = {name: value for name, value in one.items() if name not in ("zh", "en")}
            try:
                data_of(kind, given)
            except FieldError as error:
                refuse(error.reason, "code_lists", kind, code)
            rank = given.get("rank")
            if rank is not None and ranks.setdefault(rank, code) != code:
                reason = said(_("is that of {code} already"), code=ranks[rank])
                refuse(reason, "code_lists", kind, code, "rank")
