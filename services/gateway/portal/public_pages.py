"""The start page, and reporting a problem."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, session, url_for

from services.gateway import reader
from services.gateway.portal import places, private_pages
from services.gateway.portal.frame import Frame
from shared.domain.errors import BadInputError, DomainError, LinliError
from shared.domain.words import _, said

#: Fields of the report that people fill in.
_FIELDS = ("category", "description", "contact")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/", "start", pages.start)
    blueprint.add_url_rule("/report", "report", pages.show_report)
    blueprint.add_url_rule("/report", "send_report", pages.send_report, methods=["POST"])
    blueprint.add_url_rule("/report/<issue_id>/received", "received", pages.received)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway

    def start(self) -> str:
        figures = self.frame.maybe("issues", "issue_figures")
        statements = self.frame.maybe("funding", "find_statements", limit=1)
        statement = statements["rows"][0] if statements and statements["rows"] else None
        return render_template(
            "portal/start.html",
            city=self.frame.profile()["city"],
            figures=_key_figures(figures) if figures else None,
            statement=statement,
            statements_known=statements is not None,
            statement_place=self.frame.place_name(statement["place"]) if statement else "",
        )

    def show_report(self) -> str:
        return self._report({"place": request.args.getlist("place")})

    def send_report(self) -> Any:
        given: dict[str, Any] = {name: request.form.get(name, "").strip() for name in _FIELDS}
        given |= {"place": request.form.getlist("place"), "command_id": request.form.get("command_id", "")}
        if "choose" in request.form or reader.changed():
            return self._report(given)
        place = places.chosen(given["place"])
        try:
            _check(place, given)
            contact = {"contact": given["contact"]} if given["contact"] else {}
            receipt = private_pages.report(
                self.gateway,
                given["command_id"],
                place=place,
                category=given["category"],
                description=given["description"].replace("\r\n", "\n"),
                **contact,
            )
        except (BadInputError, DomainError) as error:
            given["command_id"] = self.gateway.key_after(error)
            return self._report(given, error), 422
        return redirect(url_for("portal.received", issue_id=receipt["id"]), 303)

    def received(self, issue_id: str) -> Any:
        """The number, and once the private link."""
        kept = session.pop("link", None)
        secret = kept["secret"] if kept and kept["issue_id"] == issue_id else ""
        issue = private_pages.reported(self.gateway, issue_id, secret)
        address = url_for("portal.open_link", issue_id=issue_id, secret=secret, _external=True) if secret else ""
        page = render_template("portal/received.html", issue=issue, address=address)
        return private_pages.private(Response(page, mimetype="text/html"))

    def _report(self, given: dict[str, Any], problem: LinliError | None = None) -> str:
        categories = self.frame.profile()["code_lists"].get("issue_categories", {})
        return render_template(
            "portal/report.html",
            given=given,
            categories=categories,
            levels=places.levels(self.frame, given["place"], True),
            problem=problem,
            key=given.get("command_id") or self.gateway.command_id(),
        )


def _check(place: str, given: dict[str, Any]) -> None:
    missing = {
        name: said(_("is missing"))
        for name, value in (("place", place), ("category", given["category"]), ("description", given["description"]))
        if not value
    }
    if missing:
        raise BadInputError(_("the input has mistakes"), missing)


def _key_figures(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the start page: each a number, its whole where it has one, and what it counts."""
    by_status, followed = figures["by_status"], figures["follow_ups"]
    collected, answers = figures["collected"], sum(followed.values())
    solved = by_status.get("resolved", 0) + by_status.get("closed", 0)
    return [
        {"name": "collected", "number": collected, "of": None},
        {"name": "solved", "number": solved, "of": collected},
        {"name": "satisfied", "number": followed.get("satisfied", 0), "of": answers},
        {"name": "reopened", "number": followed.get("not_satisfied", 0), "of": answers},
    ]
