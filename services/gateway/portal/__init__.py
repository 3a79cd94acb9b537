"""The portal: pages for residents, workers and auditors, in Chinese with English as second language.

Server-rendered; every page works without JavaScript and loads nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, current_app, render_template

from services.gateway.portal import (
    account_pages,
    case_pages,
    inbox,
    ledger_pages,
    money_pages,
    operator_pages,
    people_pages,
    places,
    private_pages,
    public_pages,
    request_pages,
    table_pages,
    work,
)
from services.gateway.portal.frame import Frame
from services.gateway.session import Gateway

__all__ = ["create_portal", "problem_page"]

#: Refusals that have words of their own; others are told as one of these.
_TOLD = {400: 422, 401: 401, 403: 403, 404: 404, 405: 404, 409: 409, 413: 413, 422: 422, 429: 429, 503: 503, 504: 504}


def create_portal(gateway: Gateway) -> Blueprint:
    """All pages as one blueprint without a prefix."""
    blueprint = Blueprint(
        "portal", __name__, template_folder="templates", static_folder="static", static_url_path="/static/portal"
    )
    frame = Frame(gateway)
    frame.register(blueprint)
    for pages in (
        public_pages,
        case_pages,
        private_pages,
        inbox,
        work,
        places,
        money_pages,
        ledger_pages,
        people_pages,
        account_pages,
        operator_pages,
        request_pages,
        table_pages,
    ):
        pages.register(blueprint, frame)
    return blueprint


def problem_page(problem: Mapping[str, Any] | None, status: int) -> Response:
    """A refusal as a page in plain words, with the status it came with."""
    problem = problem or {"kind": "error", "message": "", "fields": {}}
    told = _TOLD.get(status, 500)
    page = render_template("portal/problem.html", problem=problem, status=status, told=told, **_around())
    response = Response(page, status, mimetype="text/html")
    return _frame().finish(response)


def _frame() -> Frame:
    frame: Frame = current_app.extensions["linli.portal"]
    return frame


def _around() -> dict[str, Any]:
    return _frame().around()
