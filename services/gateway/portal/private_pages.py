"""The private page of who reported something, reached by a link with a secret: they answer, withdraw or ask again without an account.

The secret is made of the form that was sent, so that sending it twice gives the same, and shown once. It stands in the link and nowhere
else: the page that the link opens moves what it proves into the session and leads on to an address without it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from flask import Blueprint, current_app, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from services.gateway.portal import case_pages, language
from services.gateway.portal.frame import Frame
from services.gateway.session import Gateway
from shared.domain.errors import BadInputError, DomainError, ForbiddenError, LinliError
from shared.domain.identity import new_id
from shared.following.context import CallContext

#: What who reported something may do by the link, with the fields of each form.
_FORMS: Mapping[str, tuple[str, ...]] = {
    "record_follow_up": ("result", "note"),
    "reopen_issue": ("reason",),
    "withdraw_issue": ("reason",),
    "erase_contact": (),
}
#: Links that one browser keeps open at a time.
_MOST = 8


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/private/<issue_id>/<secret>", "open_link", pages.open)
    blueprint.add_url_rule("/private/<issue_id>", "private", pages.show)
    blueprint.add_url_rule("/private/<issue_id>", "send_private", pages.send, methods=["POST"])


def secret_for(form: str) -> str:
    """The secret of a link for what is reported with a form (its `command_id`); nobody without the city's secret can make it."""
    key = current_app.secret_key
    assert key
    made = hmac.digest(
        key.encode() if isinstance(key, str) else key, f"private link {_browser()} {form}".encode(), "sha256"
    )
    return made.hex()[:48]


def shown(secret: str) -> str:
    """What a service is shown of a secret."""
    return sha256(secret.encode()).hexdigest()


def _browser() -> str:
    return str(session.get("csrf", ""))


def report(gateway: Gateway, form: str, **arguments: Any) -> Mapping[str, Any]:
    """Report something and be given its private link, which the next page shows once; the receipt."""
    secret = secret_for(form)
    g.private_link = shown(secret)
    try:
        receipt = gateway.do("issues", "report_issue", **arguments)
    finally:
        g.pop("private_link", None)
    session["link"] = {"issue_id": receipt["id"], "secret": secret}
    return receipt


def reported(gateway: Gateway, issue_id: str, secret: str) -> dict[str, Any]:
    """A case as who has just reported it sees it: with the secret also a confidential one without an account."""
    g.private_link = shown(secret) if secret else ""
    try:
        return gateway.ask("issues", "get_issue", issue_id=issue_id)
    finally:
        g.pop("private_link", None)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway

    def open(self, issue_id: str, secret: str) -> Any:
        """Keep what the link proves in the session, and lead on to the page."""
        proof = shown(secret)
        found = self._ask("private_link", proof, issue_id=issue_id) if case_pages.NUMBER.fullmatch(issue_id) else _WRONG
        if found["state"] != "holds":
            return private(self._gone(found))
        kept = {id: one for id, one in session.get("links", {}).items() if id != issue_id}
        session["links"] = dict([*kept.items(), (issue_id, proof)][-_MOST:])
        return private(redirect(url_for("portal.private", issue_id=issue_id), 303))

    def show(self, issue_id: str) -> Any:
        return self._page(issue_id)

    def send(self, issue_id: str) -> Any:
        """Do what a form of the page asks for; a refusal comes back with what was typed."""
        command = request.form.get("command", "")
        proof = self._proof(issue_id)
        if not proof:
            return private(self._gone(_WRONG))
        given = {name: request.form.get(name, "").strip().replace("\r\n", "\n") for name in _FORMS.get(command, ())}
        try:
            if command not in _FORMS:
                raise BadInputError("the input has mistakes", {"command": "unknown"})
            arguments = {name: value for name, value in given.items() if value}
            key = request.form.get("command_id", "") or new_id()
            receipt = self._call(command, proof, f"link.{shown(proof)[:16]}:{key}", issue_id=issue_id, **arguments)
        except (BadInputError, DomainError) as error:
            status = 422 if isinstance(error, BadInputError) else 403 if isinstance(error, ForbiddenError) else 409
            return self._page(issue_id, error, command, given, status)
        session["positions"] = session.get("positions", {}) | self._written(receipt)
        return private(redirect(url_for("portal.private", issue_id=issue_id, done=command), 303))

    def _page(
        self,
        issue_id: str,
        problem: LinliError | None = None,
        command: str = "",
        given: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        proof = self._proof(issue_id)
        found = self._ask("private_link", proof, issue_id=issue_id) if proof else _WRONG
        if found["state"] != "holds":
            return private(self._gone(found))
        case = self._ask("get_issue", proof, issue_id=issue_id)
        offered = [name for name in _FORMS if name in case["actions"]]
        page = render_template(
            "portal/private.html",
            case=case_pages.shown(self.frame, case),
            steps=[step | {"details": case_pages.details(self.frame, step)} for step in case["timeline"]],
            offered=offered,
            until=found["until"],
            done=request.args.get("done", "") if request.args.get("done", "") in _FORMS else "",
            problem=problem,
            command=command,
            given=given or {},
        )
        return private(Response(page, status, mimetype="text/html"))

    def _proof(self, issue_id: str) -> str:
        return str(session.get("links", {}).get(issue_id, ""))

    def _gone(self, found: Mapping[str, Any]) -> Response:
        """The link is none of ours, or has ended."""
        page = render_template("portal/private_gone.html", ended=found["state"] == "ended", until=found["until"])
        return Response(page, 410 if found["state"] == "ended" else 404, mimetype="text/html")

    def _ask(self, query: str, proof: str, **arguments: Any) -> dict[str, Any]:
        after = {source: position for source, (position, _at) in session.get("positions", {}).items()}
        context = CallContext(kind="anonymous", actor="", correlation_id=g.correlation_id, link=proof, after=after)
        return self.gateway.caller.call("issues", query, context, arguments)

    def _call(self, command: str, proof: str, key: str, **arguments: Any) -> dict[str, Any]:
        context = CallContext(kind="anonymous", actor="", correlation_id=g.correlation_id, link=proof, command_id=key)
        return self.gateway.caller.call("issues", command, context, arguments)

    @staticmethod
    def _written(receipt: Mapping[str, Any]) -> dict[str, list[int]]:
        return {str(receipt["service"]): [int(receipt["position"]), language.moment()]} if receipt["position"] else {}


_WRONG: Mapping[str, Any] = {"state": "wrong", "until": ""}


def private(response: Any) -> Any:
    """Nothing that is linked from here learns the address, and nothing searches it."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    return response
