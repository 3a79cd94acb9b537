"""What one person asked for and another has to confirm."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for

from services.gateway.operators import Operators
from services.gateway.portal.frame import Frame
from services.gateway.problems import TooManyRequestsError
from shared.domain.errors import BadInputError, DomainError, LinliError, UnauthenticatedError
from shared.domain.words import _


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the page."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/requests", "requests", pages.show)
    blueprint.add_url_rule("/requests/<any(confirm, decline):act>", "settle_request", pages.settle, methods=["POST"])


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.gateway = frame.gateway

    @property
    def operators(self) -> Operators:
        found: Operators = current_app.extensions["linli.operators"]
        return found

    def show(self) -> Any:
        return self._page()

    def settle(self, act: str) -> Any:
        current, id = self.gateway.current(), request.form.get("request_id", "")[:64]
        if not current.signed_in:
            raise UnauthenticatedError(_("sign in first"))
        try:
            if act == "confirm":
                self.operators.confirm(current, id)
            else:
                self.operators.decline(current, id)
        except (DomainError, BadInputError, TooManyRequestsError) as error:
            return self._page(error)
        flash({"confirm": "requests.confirmed", "decline": "requests.declined"}[act], "requests")
        return redirect(url_for("portal.requests"), 303)

    def _page(self, problem: LinliError | None = None) -> Any:
        current = self.gateway.current()
        if not current.signed_in:
            raise UnauthenticatedError(_("sign in first"))
        rows = self.operators.requests_for(current)
        return render_template("portal/requests.html", rows=rows, problem=problem), 409 if problem else 200
