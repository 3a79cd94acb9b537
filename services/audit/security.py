"""Security acts: who signed in, failed, was stopped, read a contact, and what was done to accounts. The gateway notes them here.

They are facts like others, so that nobody can take one back unseen. That something happened is public; who, whom and from where is for
auditors, and account and address are sealed with the key of the person.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from shared.domain.answers import page_of, row_of
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError
from shared.domain.event import LARGEST_INTEGER, Event, sealed
from shared.domain.fields import ID, MOMENT, YES, choice, line, number
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.structures import Field
from shared.domain.view import Row, View
from shared.domain.words import _
from shared.following.schemas import schema_from

#: Lets auditors read security acts in a list; operators may too.
WATCH = "accounts.watch"
#: Longest texts of a note, in characters.
LONGEST = {"by": 100, "person_id": 64, "account": 64, "address": 64, "detail": 400}
#: What can be noted.
ACTS = (
    *("signed_in", "sign_in_failed", "sign_in_stopped", "signed_out", "contact_read"),
    *("account_made", "account_extended", "account_removed", "password_reset", "password_changed"),
    *("second_factor_set", "second_factor_reset", "second_factor_failed"),
    *("operator_acted", "operator_stopped", "token_used", "token_closed"),
    *("asked", "confirmed", "declined", "confirmation_failed"),
    *("access_refused", "token_refused"),
)


def _whose(fact: Any) -> str:
    return fact.person_id or f"account:{fact.account}"


class SecurityActNoted(Event, frozen=True, kw_only=True):
    """Somebody did something that bears on who may act in whose name."""

    security_act_id: str
    act: Annotated[str, PUBLIC]  # one of ACTS
    alone: bool  # done by one where two are wanted: a trial, or the installation's token
    by: str  # person id, operator:<name>, or empty: nobody is signed in
    person_id: str  # whose account it is about; empty: an operator's, or none
    account: Annotated[str, sealed(_whose)]  # its name
    address: Annotated[str, sealed(_whose)]  # that it came from
    detail: str  # what it was about: a request, a contact, a parked stream
    count: int  # how often in the time since
    since: str  # RFC 3339


class SecurityAct(msgspec.Struct, frozen=True):
    """What was noted; it never changes."""

    id: str
    status: str = "unknown"  # unknown, noted
    act: str = ""
    alone: bool = False
    by: str = ""
    person_id: str = ""
    account: str = ""  # sealed
    address: str = ""  # sealed
    detail: str = ""
    count: int = 0
    since: str = ""


def evolve(act: SecurityAct, event: SecurityActNoted) -> SecurityAct:
    """Apply the recorded fact."""
    told = {name: getattr(event, name) for name in event.__struct_fields__ if name != "security_act_id"}
    return SecurityAct(act.id, "noted", **told)


SECURITY_ACT = Decider("security-act", (SecurityActNoted,), SecurityAct, SecurityAct, evolve, lambda act: "")


NoteAct = schema_from(
    "note_act",
    "Note a security act; only the gateway does.",
    __name__,
    (
        Field("security_act_id", ID, "id of the act", True),
        Field("act", choice(*ACTS), "what was done", True),
        Field("alone", YES, "done by one where two are wanted", False, False),
        Field("by", line(LONGEST["by"]), "who did it", False, ""),
        Field("person_id", line(LONGEST["person_id"]), "whose account it is about", False, ""),
        Field("account", line(LONGEST["account"]), "name of the account", False, ""),
        Field("address", line(LONGEST["address"]), "where it came from", False, ""),
        Field("detail", line(LONGEST["detail"]), "what it was about", False, ""),
        Field("count", number(1, LARGEST_INTEGER), "how often", False, 1),
        Field("since", MOMENT, "first time", False, ""),
    ),
)


def note_act(state: SecurityAct, *, by: Mandate, at: str, told: dict[str, Any]) -> list[Event]:
    """Note an act once."""
    if by.role != "service":
        raise ForbiddenError(_("only the gateway notes security acts"))
    if state.status == "noted":
        return []
    return [SecurityActNoted(security_act_id=state.id, **(told | {"since": told["since"] or at}))]


def _moment(row: Row, state: SecurityAct, event: SecurityActNoted, record: Any) -> Row:
    return {"at": record.occurred}


SECURITY_ACTS = View.of(SECURITY_ACT, "security_acts", ("act", "by", "person_id", "at"), _moment)


@SECURITY_ACT.query(answer=page_of(row_of(SECURITY_ACT, at={"type": "string"})), power=WATCH)
def find_security_acts(
    read: Reader,
    *,
    act: Annotated[str, choice(*ACTS, words="act"), "only acts of this kind"] = "",
    by: Annotated[str, line(100), "only what this person or operator did"] = "",
    person_id: Annotated[str, line(64), "only what the account of this person is about"] = "",
    since: Annotated[str, line(40), "from this day or moment on"] = "",
    order: Annotated[str, order_of("key", "at"), "sorted by; - before it: descending"] = "-key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Security acts, the newest first, for auditors and operators."""
    read.require(WATCH)
    where = {"act": act, "by": by, "person_id": person_id, "at__gte": since}
    return read.page("security_acts", where, limit, cursor, order, None, lambda row: _opened(read, row))


def _opened(read: Reader, row: Row) -> Row:
    return row | {name: read.open(row[name]) or "" for name in ("account", "address")}
