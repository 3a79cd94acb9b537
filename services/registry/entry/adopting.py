"""Entries are adopted, in the place of the version before, and retired once nothing has their code (A03, C13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from services.registry.entry.checks import drops, faults, kept, leaves_nobody
from services.registry.entry.state import ENTRY, Data, Entry, EntryAdopted, EntryRetired, id_asked, last, standing
from shared.domain.catalogue import KINDS, SCHEMAS, data_of, whole
from shared.domain.city import City
from shared.domain.city import Entry as Version
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, FieldError, choice, line, text
from shared.domain.mandate import Mandate
from shared.domain.parameters import PARAMETERS
from shared.domain.structures import fitting
from shared.domain.words import _, said, term

KIND = choice(*KINDS, words="kinds")
_DATA = fitting("kind", SCHEMAS, now="get_entry")
_NO_DATA: Mapping[str, Any] = {}


@ENTRY.command("registry.profile", new=id_asked, alone=True, compares=True)
def adopt_entry(
    entry: Entry,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, KIND, "list that it belongs to"],
    code: Annotated[str, CODE, "code; stays the same in all versions"],
    zh: Annotated[str, line(200), "in Chinese"],
    en: Annotated[str, line(400), "in English"],
    data: Annotated[Mapping[str, Any], _DATA, "what its list says of each code: rank, level, powers, value"] = _NO_DATA,
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Adopt an entry of the city's catalogue, or its next version (A03, C13)."""
    if kind == "parameters" and code not in PARAMETERS:
        raise BadInputError(
            _("no rule reads the parameter {code}; known: {known}"),
            {"code": said(_("unknown"))},
            code=code,
            known=", ".join(PARAMETERS),
        )
    try:
        made: Data = msgspec.to_builtins(data_of(kind, data))
    except FieldError as error:
        raise BadInputError(_("the data do not fit the list"), {"data": error.reason}) from None
    if wrong := faults(kind, code, made, lambda other: standing(city, other)):
        raise BadInputError(_("the data do not fit the list"), {"data": wrong})
    since = since or at[:10]
    if since > at[:10]:
        raise IllegalStateError(
            _("an entry holds from its adoption on: adopt it on {day}, not ahead of that day"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    before = last(city, kind).get(code)
    unchanged = before is not None and not before.until and (before.zh, before.en) == (zh, en)
    if before is not None and unchanged and whole(kind, before.data) == made:  # by today's schema
        return []
    if why := drops(city.rows, kind, code, before, made):
        raise IllegalStateError(
            _("{code} must stay on the list {list}"), {"data": {"codes": why}}, code=code, list=term("kinds", kind)
        )
    if kind == "roles" and (why := leaves_nobody(city, {code: made})):
        raise IllegalStateError(why, {"data": {"powers": why}})
    return [adopted(entry, before, kind, code, zh, en, made, since)]


def adopted(
    entry: Entry, before: Version | None, kind: str, code: str, zh: str, en: str, data: Data, since: str
) -> EntryAdopted:
    """The next version of an entry; raises `IllegalStateError` for a day before that of the last one."""
    _not_before(before, kind, code, since, "since")
    version = max(entry.version, before.version if before else 0) + 1
    return EntryAdopted(kind=kind, code=code, version=version, since=since, zh=zh, en=en, data=data)


def _not_before(before: Version | None, kind: str, code: str, day: str, field: str) -> None:
    earliest = max(before.since, before.until) if before else ""
    if day < earliest:
        raise IllegalStateError(
            _("what the city says of {code} ({list}) holds since {day}; a change cannot come before that"),
            {field: said(_("must not be before {day}"), day=earliest)},
            code=code,
            list=term("kinds", kind),
            day=earliest,
        )


@ENTRY.command("registry.profile", new=id_asked, alone=True, compares=True)
def retire_entry(
    entry: Entry,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, KIND, "list that it belongs to"],
    code: Annotated[str, CODE, "code"],
    reason: Annotated[str, text(400), "why"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """Take an entry off its list once nothing has its code any more (A03)."""
    before = last(city, kind).get(code)
    if before is None:
        raise NotFoundError(
            _("{code} is not on the city's list {list}"),
            {"code": said(_("unknown"))},
            code=code,
            list=term("kinds", kind),
        )
    until = until or before.until or at[:10]
    if before.until:
        if (before.until, entry.reason) == (until, reason):
            return []
        raise IllegalStateError(
            _("{code} was taken off the list on {day} already"),
            {"code": said(_("retired"))},
            code=code,
            day=before.until,
        )
    if until > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; retire the entry on that day"),
            {"until": said(_("must not be in the future"))},
            day=until,
        )
    if why := kept(city, kind, code):
        raise IllegalStateError(
            _("{code} must stay on the list {list}"), {"code": why}, code=code, list=term("kinds", kind)
        )
    return [retired(before, kind, code, until, reason, "until")]


def retired(before: Version, kind: str, code: str, until: str, reason: str, field: str) -> EntryRetired:
    """The end of an entry; raises `IllegalStateError` for a day before it began."""
    _not_before(before, kind, code, until, field)
    return EntryRetired(kind=kind, code=code, until=until, reason=reason)
