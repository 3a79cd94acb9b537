"""Accounts by clicking, for operators: who may sign in, new ones, and what is done when somebody forgot or lost something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from marshmallow import Schema, ValidationError

from services.gateway.accounts import public
from services.gateway.accounts_api import (
    CreateAccount,
    ExtendAccount,
    RemoveAccount,
    ResetPassword,
    ResetSecondFactor,
    require_operator,
)
from services.gateway.current import Current
from services.gateway.operators import Operators
from services.gateway.portal import known
from services.gateway.portal.declared import called
from services.gateway.portal.frame import Frame
from services.gateway.problems import AskedError, TooManyRequestsError
from shared.domain.errors import BadInputError, DomainError, LinliError
from shared.domain.words import _, said

_PAGE = 50
_REFUSALS = (BadInputError, DomainError, TooManyRequestsError)
#: What is done to an account that is there: the shape of what is asked, and the fields that are typed.
_ACTS: Mapping[str, tuple[type[Schema], tuple[str, ...]]] = {
    "reset_password": (ResetPassword, ("password",)),
    "extend_account": (ExtendAccount, ("until",)),
    "reset_second_factor": (ResetSecondFactor, ("checked",)),
    "remove_account": (RemoveAccount, ()),
}
_NEW = ("username", "password", "kind", "person_id", "until")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/accounts", "accounts", pages.show)
    blueprint.add_url_rule("/accounts", "make_account", pages.make, methods=["POST"])
    blueprint.add_url_rule("/accounts/<username>", "one_account", pages.one)
    blueprint.add_url_rule(
        f"/accounts/<username>/<any({', '.join(_ACTS)}):act>", "change_account", pages.change, methods=["POST"]
    )


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway
        self.accounts = frame.gateway.credentials.accounts

    @property
    def operators(self) -> Operators:
        found: Operators = current_app.extensions["linli.operators"]
        return found

    def show(self) -> Any:
        require_operator(self.gateway)
        return self._list()

    def make(self) -> Any:
        current = require_operator(self.gateway)
        given = {name: request.form.get(name, "").strip() for name in _NEW}
        if given["kind"] == "operator":
            given["person_id"] = ""
        return self._do(
            lambda: self.operators.make_account(current, _checked(CreateAccount, given)),
            "make_account",
            lambda problem: self._list(problem, given),
            url_for("portal.accounts"),
        )

    def one(self, username: str) -> Any:
        require_operator(self.gateway)
        return self._one(username)

    def change(self, username: str, act: str) -> Any:
        current = require_operator(self.gateway)
        schema, fields = _ACTS[act]
        given = {"username": username} | {name: request.form.get(name, "").strip() for name in fields}
        change: Callable[[Current, Mapping[str, Any]], Any] = getattr(self.operators, act)
        here = url_for("portal.accounts") if act == "remove_account" else request.path.rpartition("/")[0]
        return self._do(
            lambda: change(current, _checked(schema, given)),
            act,
            lambda problem: self._one(username, problem, act),
            here,
        )

    def _do(self, work: Callable[[], Any], act: str, again: Callable[[LinliError], Any], to: str) -> Any:
        """Change an account; what somebody else has to confirm is said to be asked for, what is refused is said beside its field."""
        try:
            work()
        except AskedError as error:
            flash(error.said, "asked")
        except _REFUSALS as error:
            status = (
                422 if isinstance(error, BadInputError) else 429 if isinstance(error, TooManyRequestsError) else 409
            )
            return again(error), status
        else:
            flash(f"accounts.done.{act}", "accounts")
        return redirect(to, 303)

    def _list(self, problem: LinliError | None = None, given: Mapping[str, str] | None = None) -> str:
        page = self.accounts.find(_PAGE, request.args.get("cursor"))
        person = called("person")
        people = known.Known(self.frame, person).things("person")[0] if person else []
        self.frame.know_persons(row["person_id"] for row in page["rows"])
        held = {row["person_id"] for row in page["rows"]}
        return render_template(
            "portal/accounts.html",
            rows=[row | {"name": self._name(row)} for row in page["rows"]],
            following=page["next"],
            people=[one for one in people if one.value not in held],
            problem=problem,
            given=given or {"kind": "person"},
        )

    def _one(self, username: str, problem: LinliError | None = None, about: str = "") -> str:
        row = public(self.accounts.known(username))
        return render_template(
            "portal/one_account.html", row=row | {"name": self._name(row)}, problem=problem, about=about
        )

    def _name(self, row: Mapping[str, Any]) -> str:
        return f"{self.frame.person_name(row['person_id'])} ({row['person_id']})" if row["person_id"] else ""


def _checked(schema: type[Schema], given: Mapping[str, str]) -> Mapping[str, Any]:
    """What was typed, as the API takes it; raises `BadInputError` that names each wrong field."""
    typed = {name: value for name, value in given.items() if value}
    try:
        ask: Mapping[str, Any] = schema().load(typed)
    except ValidationError as error:
        found = error.normalized_messages()  # type: ignore[no-untyped-call]
        missing = {name: said(_("is missing")) for name in found if name not in typed and name in schema().fields}
        needed = {name: reason for name, reason in missing.items() if schema().fields[name].required}
        raise BadInputError(_("the input has mistakes"), found | needed) from None
    return ask
