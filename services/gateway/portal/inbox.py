"""The worker's inbox: what the acting post and its body answer for, what waits for them, and the next step of each, one tap away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request

from services.gateway.portal import language, things
from services.gateway.portal.case_pages import ISSUE
from services.gateway.portal.declared import Aggregate, aggregates
from services.gateway.portal.frame import Frame
from shared.domain.errors import UnauthenticatedError
from shared.domain.query import LARGEST_PAGE
from shared.domain.words import _

#: Lists of the inbox and what they ask for.
_LISTS: dict[str, dict[str, Any]] = {
    "mine": {"open": 1, "order": "due"},
    "body": {"open": 1, "order": "due"},
    "unassigned": {"status": ["reported", "triaged"], "order": "reported"},
    "overdue": {"open": 1, "order": "due"},
    "extensions": {"asked": True, "order": "due"},
    "answered": {"status": ["resolved"], "order": "reported"},
    "payments": {"order": "requested_on"},
    "area": {"open": 1, "order": "due"},
}
#: Whose work a list is: those who may give one of these commands, each by service. Whoever handled a case need not be the one
#: who calls back (C09). What is not named is for every post.
_FOR: dict[str, tuple[str, frozenset[str]]] = {
    "unassigned": ("issues", frozenset({"dispatch_issue"})),
    "overdue": ("issues", frozenset({"dispatch_issue", "extend_issue"})),
    "extensions": ("issues", frozenset({"extend_issue"})),
    "answered": ("issues", frozenset({"record_follow_up", "close_issue"})),
    "payments": ("funding", frozenset({"review_payment", "sign_payment", "make_payment"})),
}
PAYMENT = aggregates("funding").get("payment")
#: Things on a page, and fields on the card of each.
_PAGE, _FIELDS = 30, 8
#: Things of a list that are counted; of more it is said that there are more.
_COUNTED = 99


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
        lists = self._lists() if post else []
        chosen = request.args.get("list", "mine")
        chosen = chosen if chosen in lists else "mine"
        cards: list[dict[str, Any]] = []
        following = None
        payments = self._payments(post) if post and "payments" in lists else []
        if post and chosen == "payments":
            cards = self._cards(PAYMENT, payments[:_PAGE]) if PAYMENT else []
        elif post and ISSUE:
            where = self._where(chosen, post) | _LISTS[chosen]
            answer = self.gateway.ask("issues", "find_issues", limit=_PAGE, cursor=request.args.get("cursor"), **where)
            following = answer["next"]
            cards = self._cards(ISSUE, answer["rows"])
        counts = {name: len(payments) if name == "payments" else self._count(name, post) for name in lists if post}
        return render_template(
            "portal/inbox.html",
            post=post,
            chosen=chosen,
            lists=lists,
            counts={name: f"{_COUNTED}+" if number > _COUNTED else number for name, number in counts.items()},
            cards=cards,
            following=following,
        )

    def _count(self, name: str, post: Mapping[str, Any]) -> int:
        """How many cases are on a list: as many as there are, or one more than are counted."""
        where = self._where(name, post) | _LISTS[name]
        return len(self.gateway.ask("issues", "find_issues", limit=_COUNTED + 1, **where)["rows"])

    def _lists(self) -> list[str]:
        """The lists that are this reader's work."""
        may = {service: self._may(service) for service, _commands in _FOR.values()}
        return [name for name in _LISTS if name not in _FOR or may[_FOR[name][0]] & _FOR[name][1]]

    def _may(self, service: str) -> set[str]:
        offers = self.frame.maybe(service, "offers") or {"commands": []}
        return {str(one["command"]) for one in offers["commands"]}

    def _where(self, chosen: str, post: Mapping[str, Any]) -> dict[str, Any]:
        """What a list of cases is about: the post, its body, or all that lies in its area."""
        if chosen == "mine":
            return {"post_id": post["post_id"]}
        if chosen == "body":
            return {"organisation_id": post["organisation_id"]}
        late = {"due__lt": language.today()} if chosen == "overdue" else {}
        return {"place__under": post["place"] or None} | late

    def _cards(self, of: Aggregate, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        rows = list(rows)
        things.know_persons(self.frame, of, rows)
        return [things.shown(self.frame, of, row, _FIELDS) for row in rows]

    def _payments(self, post: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The payments in the post's area whose next step is the reader's, those that wait longest first."""
        if PAYMENT is None:
            return []
        steps = _FOR["payments"][1]
        commands = PAYMENT.decider.commands
        found: list[dict[str, Any]] = []
        for status in sorted({one for name in steps & self._may("funding") for one in commands[name].when}):
            where = {"place__under": post["place"] or None, "status": status, **_LISTS["payments"]}
            rows = self.gateway.ask("funding", "find_payments", limit=LARGEST_PAGE, **where)["rows"]
            found += [row for row in rows if steps & set(row["actions"])]
        found.sort(key=lambda row: str(row["requested_on"]))
        return found

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
