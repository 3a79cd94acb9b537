"""Registrations of a body: its unified social credit code, its seals and who keeps each, its own bank accounts (B21)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.organisation.state import ORGANISATION, Organisation
from shared.domain.answers import ACTIONS, PLACE_NAMES, TEXT, row_of
from shared.domain.city import City, every
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event, taken
from shared.domain.fields import DAY, Pattern, choice, id_of, line, number, text
from shared.domain.listing import Listing, Under
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, staff, told
from shared.domain.reader import Reader
from shared.domain.signature import holds
from shared.domain.view import Row, View
from shared.domain.words import _, said

#: Characters of a unified social credit code by GB 32100, each worth its place; the weights are powers of three modulo 31.
_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_CODE = Pattern(
    pattern=f"[{_CHARACTERS}]{{18}}",
    reason=_("must be a unified social credit code: 18 digits and capital letters without I, O, S, V, Z"),
    facets={"type": "string", "pattern": f"^[{_CHARACTERS}]{{18}}$", "example": "91350100M000100Y43"},
)
_NUMBER = Pattern(
    pattern="[0-9]{8,32}",
    reason=_("must be the number of a bank account: 8 to 32 digits"),
    facets={"type": "string", "pattern": "^[0-9]{8,32}$", "example": "6222000011112222"},
)
#: Seals, and accounts, of one body at most.
MOST = 50


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class CreditCodeRegistered(Event, frozen=True, kw_only=True):
    """A body got its unified social credit code, or another one (B21)."""

    organisation_id: str
    place: str
    credit_code: Annotated[str, PUBLIC]
    certificate: Annotated[str, told()]
    since: str  # ISO date


class SealCut(Event, frozen=True, kw_only=True):
    """A body has a seal, kept by the holder of a post of it (B21)."""

    organisation_id: str
    place: str
    name: Annotated[str, told()]
    keeper_post_id: str
    since: str


class AccountOpened(Event, frozen=True, kw_only=True):
    """A body has a bank account of its own (B21)."""

    organisation_id: str
    place: str
    bank: Annotated[str, told()]
    account: Annotated[str, staff()]
    since: str


class RegistrationEnded(Event, frozen=True, kw_only=True):
    """A seal was destroyed or an account closed, on a day."""

    organisation_id: str
    what: Annotated[str, PUBLIC]  # seal, account
    number: int  # from 1, in the order of their registration
    until: str  # ISO date, the first day without it
    reason: Annotated[str, told()]


class Seal(msgspec.Struct, frozen=True):
    """A seal; `until` is "" while it is in use."""

    name: str
    keeper_post_id: str
    since: str
    until: str = ""


class Account(msgspec.Struct, frozen=True):
    """An account; `until` is "" while it is open."""

    bank: str
    account: str
    since: str
    until: str = ""


class Registration(msgspec.Struct, frozen=True):
    """What is registered of a body."""

    id: str
    status: str = "unknown"  # unknown, registered
    organisation_id: str = ""
    place: str = ""
    credit_code: str = ""
    certificate: str = ""
    since: str = ""
    seals: tuple[Seal, ...] = ()
    accounts: tuple[Account, ...] = ()


def evolve(one: Registration, event: Event) -> Registration:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case CreditCodeRegistered():
            return replace(one, **taken(event, Registration, status="registered"))
        case SealCut():
            return replace(one, seals=(*one.seals, Seal(event.name, event.keeper_post_id, event.since)))
        case AccountOpened():
            return replace(one, accounts=(*one.accounts, Account(event.bank, event.account, event.since)))
        case RegistrationEnded():
            field = "seals" if event.what == "seal" else "accounts"
            kept = list(getattr(one, field))
            kept[event.number - 1] = replace(kept[event.number - 1], until=event.until)
            return replace(one, **{field: tuple(kept)})
    return one


REGISTRATION = Decider(
    "registration",
    (CreditCodeRegistered, SealCut, AccountOpened, RegistrationEnded),
    Registration,
    Registration,
    evolve,
    lambda one: one.place,
)


def valid(code: str) -> bool:
    """Whether the last character of a credit code is the check character of the first 17 (GB 32100)."""
    total = sum(_CHARACTERS.index(one) * pow(3, index, 31) for index, one in enumerate(code[:17]))
    return _CHARACTERS[-total % 31] == code[17]


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return str(ask["organisation_id"])


def _day(since: str, earliest: str, at: str) -> str:
    """The day; raises `IllegalStateError` for one ahead, or before what it follows on."""
    day = since or at[:10]
    if not earliest <= day <= at[:10]:
        raise IllegalStateError(
            _("it is registered from {since} up to {today}, not on {day}"),
            {"since": said(_("must be from {since} to {today}"), since=earliest, today=at[:10])},
            since=earliest,
            today=at[:10],
            day=day,
        )
    return day


@REGISTRATION.command("registry.organisation", new=_id, compares=True, alone=True, place="organisation")
def register_credit_code(
    one: Registration,
    *,
    by: Mandate,
    at: str,
    city: City,
    organisation: Annotated[Organisation, holds(ORGANISATION, "organisation_id")],
    organisation_id: Annotated[str, id_of("organisation"), "the body"],
    credit_code: Annotated[str, CREDIT_CODE, "unified social credit code, checked by its last character"],
    certificate: Annotated[str, text(400), "the certificate that shows it, for everyone to read"],
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Register the unified social credit code of a body; no two have the same (B21)."""
    if organisation.until:
        raise IllegalStateError(_("{organisation} was dissolved"), organisation=organisation.name)
    if (one.credit_code, one.certificate, one.since) == (credit_code, certificate, since or one.since):
        return []
    if not valid(credit_code):
        raise BadInputError(
            _("{code} is mistyped: its last character does not fit the others"),
            {"credit_code": said(_("mistyped"))},
            code=credit_code,
        )
    for other in every(city.rows, "registrations", {"credit_code": credit_code}):
        if other["organisation_id"] != organisation_id:
            raise IllegalStateError(
                _("{code} is the code of another body, {organisation}"),
                {"credit_code": said(_("used already"))},
                code=credit_code,
                organisation=other["organisation_id"],
            )
    day = _day(since, max(one.since, organisation.since), at)
    told_of = {"organisation_id": organisation_id, "place": organisation.place, "certificate": certificate}
    return [CreditCodeRegistered(**told_of, credit_code=credit_code, since=day)]


@REGISTRATION.command("registry.organisation", when=("registered",))
def register_seal(
    one: Registration,
    *,
    by: Mandate,
    at: str,
    city: City,
    name: Annotated[str, line(100), "what the seal says"],
    keeper_post_id: Annotated[str, id_of("post"), "post of the body whose holder keeps it"],
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Register a seal of a body that has its credit code, and who keeps it (B21)."""
    if city.holder(keeper_post_id, "keeper_post_id")["organisation_id"] != one.organisation_id:
        raise BadInputError(
            _("a seal is kept by the holder of a post of the body itself"),
            {"keeper_post_id": said(_("of another body"))},
        )
    if any(seal.name == name and not seal.until for seal in one.seals) or len(one.seals) >= MOST:
        raise IllegalStateError(_("the seal {name} is in use already"), {"name": said(_("used already"))}, name=name)
    day = _day(since, one.since, at)
    told_of = {"organisation_id": one.organisation_id, "place": one.place, "name": name, "since": day}
    return [SealCut(**told_of, keeper_post_id=keeper_post_id)]


@REGISTRATION.command("registry.organisation", when=("registered",), alone=True)
def register_account(
    one: Registration,
    *,
    by: Mandate,
    at: str,
    city: City,
    bank: Annotated[str, line(100), "bank and branch"],
    account_number: Annotated[str, _NUMBER, "number of the account; for staff only"],
    since: Annotated[str, DAY, "first day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Register a bank account that is a body's own: no other body has it (B21)."""
    for other in every(city.rows, "registrations", {}):
        if any(kept["account"] == account_number and not kept["until"] for kept in other["accounts"]):
            raise IllegalStateError(
                _("this account belongs to {organisation} already; a body has accounts of its own"),
                {"account_number": said(_("used already"))},
                organisation=other["organisation_id"],
            )
    if len(one.accounts) >= MOST:
        raise IllegalStateError(_("a body has at most {most} accounts"), most=MOST)
    day = _day(since, one.since, at)
    told_of = {"organisation_id": one.organisation_id, "place": one.place, "bank": bank, "since": day}
    return [AccountOpened(**told_of, account=account_number)]


@REGISTRATION.command("registry.organisation", when=("registered",))
def end_registration(
    one: Registration,
    *,
    by: Mandate,
    at: str,
    what: Annotated[str, choice("seal", "account", words="registered"), "what ends"],
    number: Annotated[int, number(1, MOST), "which of them, from 1 in the order of their registration"],
    reason: Annotated[str, text(400), "why, for everyone to read"],
) -> list[Event]:
    """Say that a seal was destroyed or an account closed (B21)."""
    kept: tuple[Seal | Account, ...] = one.seals if what == "seal" else one.accounts
    if number > len(kept) or kept[number - 1].until:
        raise IllegalStateError(_("there is no such seal or account in use"), {"number": said(_("unknown"))})
    ended = {"organisation_id": one.organisation_id, "what": what, "until": at[:10], "reason": reason}
    return [RegistrationEnded(**ended, number=number)]


# Rows.
REGISTRATIONS = View.of(REGISTRATION, "registrations", ("place", "organisation_id", "credit_code", "since"))
_NAMED = dict.fromkeys(("organisation", "organisation_en"), TEXT)
_ROW = row_of(REGISTRATION, optional=_NAMED, place_names=PLACE_NAMES, actions=ACTIONS)


def _shown(read: Reader, row: Row) -> Row:
    """The row; whole numbers of accounts are for staff of the place, others see the last four digits."""
    if read.staff(row["place"]):
        return row
    return row | {"accounts": [kept | {"account": f"…{kept['account'][-4:]}"} for kept in row["accounts"]]}


_LISTED = Listing(REGISTRATION, REGISTRATIONS, _ROW, lambda read, rows: (_shown(read, row) for row in rows))


@_LISTED.list("place", "since")
def find_registrations(
    place__under: Under = "",
    organisation_id: Annotated[str, id_of("organisation"), "of this body"] = "",
    credit_code: Annotated[str, line(18), "with this code"] = "",
) -> None:
    """Credit codes, seals and accounts of bodies (B21)."""


_LISTED.one("What is registered of a body: its code, its seals with who keeps each, its accounts (B21).")
