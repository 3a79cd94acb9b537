"""Wishes, volunteers' figures, signing in and out."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from services.gateway.portal.frame import Frame
from services.gateway.problems import TooManyRequestsError
from shared.domain.errors import BadInputError, DomainError, LinliError, NotFoundError, UnauthenticatedError
from shared.domain.words import _, term

_WISH = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")
_SHOWN = ("published", "claimed", "fulfilled", "confirmed")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/wishes", "wishes", pages.wishes)
    blueprint.add_url_rule("/wishes/<wish_id>/claim", "claim", pages.claim, methods=["POST"])
    blueprint.add_url_rule("/volunteer", "volunteer", pages.volunteer)
    blueprint.add_url_rule("/sign-in", "sign_in", pages.show_sign_in)
    blueprint.add_url_rule("/sign-in", "send_sign_in", pages.send_sign_in, methods=["POST"])
    blueprint.add_url_rule("/sign-out", "sign_out", pages.sign_out, methods=["POST"])


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway

    def wishes(self) -> str:
        return self._wishes()

    def claim(self, wish_id: str) -> Any:
        if not self.gateway.current().signed_in:
            raise UnauthenticatedError(_("sign in first"))
        if not _WISH.fullmatch(wish_id):
            raise NotFoundError(_("there is no {thing} {id}"), thing=term("thing", "wish"), id=wish_id[:64])
        try:
            self.gateway.do("volunteers", "claim_wish", wish_id=wish_id)
        except (BadInputError, DomainError) as error:
            return self._wishes(wish_id, error), 409
        flash(wish_id, "claimed")
        return redirect(url_for("portal.wishes") + f"#wish-{wish_id}", 303)

    def volunteer(self) -> str:
        figures = self.gateway.ask("volunteers", "volunteer_figures")
        lists = {"roles": "volunteer_roles", "teams": "team_kinds", "activities": "activity_kinds"}
        named = {
            name: [(self.frame.words(list_name, value, name), number) for value, number in figures[name]["by"].items()]
            for name, list_name in lists.items()
        }
        return render_template("portal/volunteer.html", figures=figures, words=named)

    def show_sign_in(self) -> Any:
        return self._sign_in(request.args.get("to", "/"), "", None)

    def send_sign_in(self) -> Any:
        to = self.frame.safe_path(request.form.get("to", "/"))
        username = request.form.get("username", "").strip()
        try:
            self.gateway.sign_in(username, request.form.get("password", ""), request.form.get("code", "")[:20])
        except (UnauthenticatedError, BadInputError) as error:
            return self._sign_in(to, username, error), 422
        except TooManyRequestsError as error:
            return self._sign_in(to, username, error), 429
        if to == "/" and self.gateway.current().posts:
            to = url_for("portal.inbox")
        return redirect(to, 303)

    def sign_out(self) -> Any:
        self.gateway.sign_out()
        return redirect(url_for("portal.start"), 303)

    def _wishes(self, refused: str = "", problem: LinliError | None = None) -> str:
        answer = self.gateway.ask(
            "volunteers", "find_wishes", wall=True, order="-asked", limit=50, cursor=request.args.get("cursor")
        )
        rows = [
            row | {"place_name": self.frame.place_name(row["place"])}
            for row in answer["rows"]
            if row["status"] in _SHOWN
        ]
        return render_template(
            "portal/wishes.html", wishes=rows, following=answer["next"], refused_id=refused, problem=problem
        )

    def _sign_in(self, to: str, username: str, problem: LinliError | None) -> str:
        return render_template("portal/sign_in.html", to=self.frame.safe_path(to), username=username, problem=problem)
