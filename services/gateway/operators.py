"""What one person alone may not do: it is asked for by one and confirmed by another, and both are noted.

Named operators bring about nothing alone that would let them act in the name of who signs for money, forget a person, or leave a fact
out. Two marks stand for acting alone: a trial, and the installation's token, which is for the time before two operators have accounts
with a second factor. Either is noted as done alone, for everybody to see in the ledger.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import g, request

from services.gateway.accounts import Accounts, public
from services.gateway.contracts import DEFINITIONS
from services.gateway.credentials import TOKEN, account_words
from services.gateway.current import Current
from services.gateway.problems import AskedError, TooManyRequestsError
from services.gateway.session import Gateway
from services.gateway.trail import Trail
from shared.domain.calendar import LOCAL
from shared.domain.errors import ForbiddenError, IllegalStateError, LinliError, NotFoundError
from shared.domain.identity import new_id
from shared.domain.view import Row
from shared.domain.words import _, said
from shared.following.context import CallContext

#: The power that signs for money.
SIGNS = "payment.sign"
#: Hours for which a request can be confirmed.
HOURS = 24
#: What one operator may do to accounts and parked facts within an hour, and what may be done with the installation's token.
ACTS_AN_HOUR, TOKEN_ACTS_AN_HOUR = 60, 5000
_HOUR = 3600.0
#: Commands of operators that make somebody able to sign for money: who holds posts, and what roles may do.
_EMPOWERING = {("registry", "appoint_person"), ("registry", "adopt_profile"), ("registry", "adopt_entry")}
_PARKED = ("retry_parked", "skip_parked")


class Operators:
    """Asks for a second person where one is wanted, and brakes operators. `clock` gives seconds."""

    def __init__(
        self, gateway: Gateway, accounts: Accounts, trail: Trail, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gateway = gateway
        self._accounts = accounts
        self._trail = trail
        self._clock = clock
        self._acted: OrderedDict[str, deque[float]] = OrderedDict()

    # what is asked before a change

    def before(self, current: Current, service: str, command: str, ask: Mapping[str, Any]) -> None:
        """Called before a command: raises `AskedError` for one that somebody else has to confirm."""
        if not g.get("confirmed") and self._wants_two(current, service, command, ask):
            self.brake(current)
            told = {"service": service, "command": command, "arguments": dict(ask)}
            self.second(current, "command", told, f"{service} {command} {_short(ask)}")

    def _wants_two(self, current: Current, service: str, command: str, ask: Mapping[str, Any]) -> bool:
        if command == "bring_in":
            return any(self._wants_two(current, service, ask["command"], line) for line in ask["lines"])
        if command in _PARKED:
            return True
        declared = DEFINITIONS[service].commands.get(command) if service in DEFINITIONS else None
        if declared is not None and declared.erases is not None and declared.power.endswith(".erase"):
            # who has no mandate may only have themselves forgotten, and the service refuses anything else
            return current.kind == "operator" or self._may(service, command)
        if current.kind != "operator" or (service, command) not in _EMPOWERING:
            return False
        return command != "adopt_entry" or ask.get("kind") == "roles"

    def _may(self, service: str, command: str) -> bool:
        """Whether who asks has a mandate for a command."""
        return any(one["command"] == command for one in self._gateway.ask(service, "offers")["commands"])

    def weighs(self, row: Row) -> bool:
        """Whether an account is an operator's, or that of a person who signs for money; so it is too where nobody can tell."""
        if row["kind"] == "operator":
            return True
        context = CallContext(kind="service", actor="gateway", correlation_id=g.correlation_id)
        try:
            held = self._gateway.caller.call("registry", "posts_of_person", context, {"person_id": row["person_id"]})
            powers = self._gateway.caller.call("registry", "get_profile", context, {})["powers"]
        except NotFoundError:
            return False  # before the city has a profile nobody has powers
        except (LinliError, KeyError):
            return True
        given = {power for post in held["posts"] for power in powers.get(post["role"], ())}
        return bool(given & {SIGNS, "payment.*", "*"})

    def second(self, current: Current, act: str, told: Mapping[str, Any], detail: str) -> None:
        """Return where one may act alone, noting it; otherwise keep the request and raise `AskedError`."""
        trial = self._gateway.credentials.trial
        if current.actor == TOKEN and not trial and self.able() >= 2:
            raise ForbiddenError(
                _("two operators have accounts with a second factor; the installation's token no longer does this")
            )
        if current.actor == TOKEN or trial:
            self._trail.note("operator_acted", by=current.actor, address=_address(), detail=detail, alone=True)
            return
        id = new_id()
        row = {
            "state": "open",
            "act": act,
            "told": json.dumps(told, ensure_ascii=False),
            "detail": detail,
            "by": current.actor,
            "asked": datetime.now(LOCAL).isoformat(timespec="seconds"),
            "expires": int(time.time()) + HOURS * 3600,
        }
        noted = self._trail.prepared("asked", by=current.actor, address=_address(), detail=f"{id} {detail}")
        self._accounts.views.save({("requests", id): row} | noted)
        self._trail.flush()
        raise AskedError(
            said(_("asked for as {id}; somebody else has to confirm it within {hours} hours"), id=id, hours=HOURS), id
        )

    def able(self) -> int:
        """How many operators have an account with a second factor."""
        return sum(1 for row in self._accounts.operators() if row.get("factor"))

    def brake(self, current: Current) -> None:
        """Count an act of an operator; raises `TooManyRequestsError` beyond what one does in an hour."""
        most = TOKEN_ACTS_AN_HOUR if current.actor == TOKEN else ACTS_AN_HOUR
        now = self._clock()
        times = self._acted.setdefault(current.actor, deque())
        while times and now - times[0] >= _HOUR:
            times.popleft()
        if len(times) >= most:
            self._trail.count("operator_stopped", by=current.actor, address=_address())
            seconds = int(_HOUR - (now - times[0])) + 1
            raise TooManyRequestsError(
                said(
                    _("{number} acts within an hour are the most; go on in {seconds} s"), number=most, seconds=seconds
                ),
                seconds,
            )
        times.append(now)

    # requests

    def requests(self) -> list[Row]:
        """What waits for somebody else, the oldest first."""
        rows = self._accounts.views.find("requests", {"state": "open"}, "key", 500).rows
        return [_shown(row) for row in rows if row["expires"] >= time.time()]

    def requests_for(self, current: Current) -> list[Row]:
        """What somebody may look at: operators all of it, others what they asked for themselves."""
        return [row for row in self.requests() if current.kind == "operator" or row["by"] == current.actor]

    def confirm(self, current: Current, id: str) -> Any:
        """Do what somebody else asked for."""
        row = self._open(id)
        if row["by"] == current.actor or current.actor == TOKEN:
            self._trail.note("confirmation_failed", by=current.actor, address=_address(), detail=id)
            raise ForbiddenError(_("somebody else has to confirm it: a named person, and not who asked"))
        told = json.loads(row["told"])
        if current.kind != "operator" and not (row["act"] == "command" and self._mandated(told)):
            raise ForbiddenError(_("only an operator may do this"))
        noted = self._trail.prepared(
            "confirmed", by=current.actor, address=_address(), detail=f"{id} {row['by']} {row['detail']}"
        )
        self._accounts.settle(id, row | {"state": "confirmed", "other": current.actor}, noted)
        g.confirmed = True
        try:
            done = self._carry_out(row["act"], told, current)
        except LinliError:
            self._accounts.views.save({("requests", id): row})  # it may be confirmed again
            self._trail.note("confirmation_failed", by=current.actor, address=_address(), detail=id)
            raise
        finally:
            g.pop("confirmed", None)
        self._trail.flush()
        return done

    def _mandated(self, told: Row) -> bool:
        """Whether who confirms, and is no operator, could have asked for the same command."""
        named = (told["service"], told["command"])
        return named not in _EMPOWERING and told["command"] not in _PARKED and self._may(*named)

    def decline(self, current: Current, id: str) -> None:
        """Put a request away: somebody else, or who asked."""
        row = self._open(id)
        if current.kind != "operator" and row["by"] != current.actor:
            raise ForbiddenError(_("only an operator may do this"))
        noted = self._trail.prepared("declined", by=current.actor, address=_address(), detail=f"{id} {row['detail']}")
        self._accounts.settle(id, row | {"state": "declined", "other": current.actor}, noted)
        self._trail.flush()

    def _open(self, id: str) -> Row:
        row = self._accounts.views.get("requests", id)
        if row is None:
            raise NotFoundError(_("there is no request {id}"), {"request_id": said(_("unknown"))}, id=id[:64])
        if row["state"] != "open" or row["expires"] < time.time():
            raise IllegalStateError(_("the request is no longer open"), {"request_id": said(_("no longer open"))})
        return {name: value for name, value in row.items() if name != "key"}

    def _carry_out(self, act: str, told: Row, current: Current) -> Any:
        if act == "command":
            return self._gateway.do(told["service"], told["command"], **told["arguments"])
        return self.do_account(current, act, told)

    # accounts

    def make_account(self, current: Current, ask: Mapping[str, Any]) -> Any:
        """Give a person or an operator an account with a first password (the fields of `CreateAccount`)."""
        username, person_id = ask["username"], ask["person_id"]
        self._accounts.free(username, person_id)
        until = ask["until"].isoformat() if ask["until"] else ""
        told = {"username": username, "kind": ask["kind"], "person_id": person_id, "until": until}
        told["hashed"] = self._accounts.hashed(ask["password"], username, person_id)
        return self.change_account(current, "account_made", told, told)

    def remove_account(self, current: Current, ask: Mapping[str, Any]) -> Any:
        """Take an account away; nobody comes in by that, so that one person may do it."""
        self._accounts.known(ask["username"])
        self.brake(current)
        return self.do_account(current, "account_removed", ask)

    def reset_password(self, current: Current, ask: Mapping[str, Any]) -> Any:
        """Give an account another first password."""
        row = self._accounts.known(ask["username"])
        hashed = self._accounts.hashed(ask["password"], row["username"], row["person_id"], old=row)
        return self.change_account(current, "password_reset", {"username": row["username"], "hashed": hashed}, row)

    def reset_second_factor(self, current: Current, ask: Mapping[str, Any]) -> Any:
        """Take the second factor of an account away."""
        return self.change_account(current, "second_factor_reset", ask, self._accounts.known(ask["username"]))

    def extend_account(self, current: Current, ask: Mapping[str, Any]) -> Any:
        """Give an account another last day."""
        row = self._accounts.known(ask["username"])
        told = {"username": row["username"], "until": ask["until"].isoformat()}
        return self.change_account(current, "account_extended", told, row)

    def change_account(self, current: Current, act: str, told: Mapping[str, Any], row: Row) -> Any:
        """Change an account, or ask for somebody else where it weighs. `told` holds hashes, never passwords."""
        self.brake(current)
        if self.weighs(row):
            detail = f"{act} {row['username']} {told.get('checked', '')}".rstrip()
            self.second(current, act, told, detail)
        return self.do_account(current, act, told)

    def do_account(self, current: Current, act: str, told: Mapping[str, Any]) -> Any:
        """Change an account and note it."""
        row = dict(told) if act == "account_made" else self._accounts.known(told["username"])
        noted = self._trail.prepared(
            act, by=current.actor, address=_address(), detail=told.get("checked", ""), **account_words(row)
        )
        username, first = told["username"], not self._gateway.credentials.trial
        done: Any = {"username": username}
        if act == "account_made":
            whose = {"kind": told["kind"], "person_id": told["person_id"], "until": told["until"]}
            done = self._accounts.create(username, "", hashed=told["hashed"], first=first, beside=noted, **whose)
        elif act == "password_reset":
            self._accounts.change_password(username, "", hashed=told["hashed"], first=first, beside=noted)
        elif act == "second_factor_reset":
            self._accounts.change(username, {"factor": "", "factor_next": ""}, ends=True, beside=noted)
        elif act == "account_extended":
            self._accounts.change(username, {"until": told["until"]}, beside=noted)
            done = public(self._accounts.known(username))
        else:
            self._accounts.remove(username, beside=noted)
            done = {"removed": username}
        self._trail.flush()
        return done


def _address() -> str:
    return request.remote_addr or ""


def _short(ask: Mapping[str, Any]) -> str:
    """What a command is about, for who confirms and for the log: its arguments, cut."""
    return json.dumps(ask, ensure_ascii=False, sort_keys=True)[:200]


def _shown(row: Row) -> Row:
    return {name: row[name] for name in ("act", "detail", "by", "asked")} | {"request_id": row["key"]}
