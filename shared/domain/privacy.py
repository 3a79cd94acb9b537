"""Who may read which field of a fact: the class of each field, said once on the fact and kept at every door.

`reporter: Annotated[str, staff("issue.read_reporter")]` is for those who have that power where the fact happened, `staff()` for whoever
acts from a post for that place. `reason: Annotated[str, told()]` is a text for everybody: numbers of telephones and identity cards in
it are masked before it is recorded, and it can be moved out of public sight later. `PUBLIC` marks what anybody may read for ever;
`sealed` fields (`shared.domain.event`) are encrypted and never shown as they are.

A field without a mark is public only if it cannot hold anything about a person: a number, a yes or no, a choice of the program, or one
of the names in `PLAIN`. Any other field without a mark is withheld from everybody but auditors.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from shared.domain.event import Event, Seal
from shared.domain.mandate import Mandate
from shared.domain.territory import within

#: Lets auditors read in the ledger what nobody else may.
READ_WITHHELD = "ledger.read_withheld"
#: The field of a fact that says that its texts are not for everybody, since it belongs to a confidential thing.
CONFIDENTIAL = "confidential"


@dataclass(frozen=True)
class Class:
    """The class of a field: `public`, `text`, `staff` or `sealed`.

    `power` is what reads a field of staff ("": any post), and a text that is confidential or was withheld.
    """

    kind: str
    power: str = ""


#: Anybody may read it for ever.
PUBLIC = Class("public")
#: What no mark and no plain name makes public.
WITHHELD = Class("staff", READ_WITHHELD)


def staff(power: str = "") -> Class:
    """A field for those who have a power where the fact happened; without a power for whoever acts from a post for that place."""
    return Class("staff", power)


def told(power: str = READ_WITHHELD) -> Class:
    """A text for everybody, masked before it is recorded; `power` reads it where it is confidential or was withheld."""
    return Class("text", power)


_CODES = """
place home parent type kind level role code status category channel severity tier calendar due planned_on visited_on since until
effective version measure unit qualifier as_of template subject subject_kind item power unlocks rule period starts started day
surveyed series expires result asked_at to_level diagnosed_on done_on source payer_kind payee_kind programme body verdict posted_on
end asked field cause closed_on scheme former
"""
#: Names of fields that hold codes, days, moments and places, never words or persons.
PLAIN = frozenset(_CODES.split())
#: Ids of persons; they are never plain.
_PERSONS = frozenset({"person_id", "wisher_id"})


def _plain(name: str, hint: Any) -> bool:
    """Whether a field without a mark cannot hold anything about a person."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return all(_plain(name, part) for part in get_args(hint))
    if hint in (int, bool, type(None)) or origin is Literal:
        return True
    if origin is dict:
        return get_args(hint) in ((str, int), (str, bool))
    if origin in (tuple, list):
        return name.endswith("_ids") and get_args(hint)[0] is str
    return hint is str and (name in PLAIN or (name.endswith("_id") and name not in _PERSONS))


@cache
def classes_of(event: type[Event]) -> Mapping[str, Class]:
    """The class of each field of a fact."""
    found: dict[str, Class] = {}
    hints = get_type_hints(event, include_extras=True)
    for name in event.__struct_fields__:
        hint = hints[name]
        marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        bare = get_args(hint)[0] if marks else hint
        if any(isinstance(mark, Seal) for mark in marks):
            found[name] = Class("sealed", READ_WITHHELD)
        else:
            marked = next((mark for mark in marks if isinstance(mark, Class)), None)
            found[name] = marked or (PUBLIC if _plain(name, bare) else WITHHELD)
    return found


def is_staff(by: Mandate, place: str = "") -> bool:
    """Whether somebody acts from a post that is for a place ("": the whole city), or keeps the machines running."""
    return (bool(by.post_id) and within(place, by.place)) or by.role in ("operator", "service")


def may_read(one: Class, by: Mandate, place: str, open: bool = True) -> bool:
    """Whether somebody may read a field of this class of a fact at a place; `open`: a text is neither confidential nor withheld."""
    if one.kind == "public" or (one.kind == "text" and open):
        return True
    return by.may(one.power, place) if one.power else is_staff(by, place)


@cache
def texts_in(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a fact, or of a part of one, that hold texts for everybody."""
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(
        name
        for name, hint in hints.items()
        if get_origin(hint) is Annotated
        and any(isinstance(mark, Class) and mark.kind == "text" for mark in get_args(hint))
    )
