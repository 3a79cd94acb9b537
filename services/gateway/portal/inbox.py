"""The worker's inbox: what the acting post answers for, and the next step of each case, one tap away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request

from services.gateway.portal import things
from services.gateway.portal.case_pages import ISSUE
from services.gateway.portal.frame import Frame
from shared.domain.errors import UnauthenticatedError
from shared.domain.words import _

#: Lists of the inbox and what they ask for.
_LISTS: dict[str, dict[str, Any]] = {
    "mine": {"open": 1, "order": "due"},
    "answered": {"status": ["resolved"], "order": "reported"},
    "area": {"open": 1, "order": "due"},
}
#: Commands of whoever calls back, for the whole of their territory: whoever handled the case need not be the one (C09).
_CALLING_BACK = {"record_follow_up", "close_issue"}
#: Cases on a page, and fields on the card of a case.
_PAGE, _FIELDS = 30, 8


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/inbox", "inbox", pages.inbox)
    blueprint.add_url_rule("/inbox/post", "act_from", pages.act_from, methods=["POST"])


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway

    def inbox(self) -> str:
        post = self._post()
        lists = [name for name in _LISTS if name != "answered" or self._calls_back()] if post else []
        chosen = request.args.get("list", "mine")
        chosen = chosen if chosen in lists else "mine"
        rows: list[dict[str, Any]] = []
        following = None
        if post:
            where = {"post_id": post["post_id"]} if chosen == "mine" else {"place__under": post["place"] or None}
            answer = self.gateway.ask(
                "issues", "find_issues", limit=_PAGE, cursor=request.args.get("cursor"), **where, **_LISTS[chosen]
            )
            rows, following = answer["rows"], answer["next"]
            if ISSUE:
                things.know_persons(self.frame, ISSUE, rows)
        cards = [things.shown(self.frame, ISSUE, row, _FIELDS) for row in rows] if ISSUE else []
        return render_template(
            "portal/inbox.html", post=post, chosen=chosen, lists=lists, cards=cards, following=following
        )

    def _calls_back(self) -> bool:
        offers = self.frame.maybe("issues", "offers")
        return offers is not None and any(one["command"] in _CALLING_BACK for one in offers["commands"])

    def act_from(self) -> Any:
        self._signed_in()
        self.gateway.act_from(request.form.get("post_id", ""))
        return redirect(self.frame.safe_path(request.form.get("to", "/inbox")), 303)

    def _signed_in(self) -> None:
        if not self.gateway.current().signed_in:
            raise UnauthenticatedError(_("sign in first"))

    def _post(self) -> Mapping[str, Any] | None:
        self._signed_in()
        return self.gateway.current().acting_post
