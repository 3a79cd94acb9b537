"""The page of one's own account: another password, and the second factor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for

from services.gateway.credentials import TOKEN
from services.gateway.current import UnfinishedError
from services.gateway.portal.frame import Frame
from services.gateway.problems import TooManyRequestsError
from shared.domain.errors import BadInputError, DomainError, LinliError, NotFoundError, UnauthenticatedError
from shared.domain.words import _

_REFUSALS = (BadInputError, DomainError, UnauthenticatedError, TooManyRequestsError)


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the page, and lead everybody to it who has to do something there first."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/account", "account", pages.show)
    blueprint.add_url_rule("/account/password", "send_password", pages.change_password, methods=["POST"])
    blueprint.add_url_rule("/account/second-factor", "begin_factor", pages.begin_factor, methods=["POST"])
    blueprint.add_url_rule("/account/second-factor/confirm", "confirm_factor", pages.confirm_factor, methods=["POST"])

    blueprint.add_url_rule("/account/sign-ins/end", "end_sign_in", pages.end_sign_in, methods=["POST"])

    def lead_to_account(error: UnfinishedError) -> Any:
        if frame.in_part():
            return "", 204, {"HX-Redirect": url_for("portal.account")}
        return redirect(url_for("portal.account"))

    blueprint.register_error_handler(UnfinishedError, lead_to_account)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.gateway = frame.gateway

    def show(self) -> Any:
        return self._page()

    def change_password(self) -> Any:
        try:
            self.gateway.change_password(request.form.get("old", "")[:200], request.form.get("new", "")[:200])
        except _REFUSALS as error:
            return self._page(error, "password")
        flash("account.password_changed", "account")
        return redirect(url_for("portal.sign_in", to=url_for("portal.account")), 303)

    def end_sign_in(self) -> Any:
        try:
            self.gateway.end_sign_in(request.form.get("sign_in_id", "")[:64])
        except NotFoundError as error:
            return self._page(error, "sign_ins")
        return redirect(url_for("portal.account"), 303)

    def begin_factor(self) -> Any:
        try:
            secret, address = self.gateway.begin_factor(request.form.get("password", "")[:200])
        except _REFUSALS as error:
            return self._page(error, "second_factor")
        return self._page(secret=secret, picture=_picture(address))

    def confirm_factor(self) -> Any:
        try:
            self.gateway.confirm_factor(request.form.get("code", "")[:20])
        except _REFUSALS as error:
            # the secret is shown once, so that it does not stand in pages that are sent again
            return self._page(error, "second_factor")
        return redirect(url_for("portal.sign_in", to=url_for("portal.account")), 303)

    def _page(self, problem: LinliError | None = None, about: str = "", **more: Any) -> Any:
        current = self.gateway.current()
        if not current.signed_in or current.actor == TOKEN:
            raise UnauthenticatedError(_("sign in first"))
        row = self.gateway.credentials.accounts.known(current.username)
        shown = {"needs": current.needs, "second_factor": bool(row.get("factor")), "until": row.get("until", "")}
        shown |= {"sign_ins": [one | {"begun": _moment(one["begun"])} for one in self.gateway.sign_ins()]}
        shown |= {"begun": bool(row.get("factor_next")) and not more, "problem": problem, "about": about}
        return render_template("portal/account.html", **shown, **more), 422 if problem else 200


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _picture(address: str) -> str:
    """The address as a picture that telephones read, for an `img`."""
    uri: str = segno.make(address).svg_data_uri(scale=5)
    return uri
