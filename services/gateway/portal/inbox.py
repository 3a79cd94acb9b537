"""The worker's inbox: what the acting post answers for, and the next step of each case, one tap away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from services.gateway.portal.case_pages import NUMBER, shown
from services.gateway.portal.frame import Frame
from services.gateway.portal.steps import STEPS, Step, higher_posts, posts_for, steps_of
from shared.domain.errors import BadInputError, DomainError, LinliError, NotFoundError, UnauthenticatedError

#: Lists of the inbox and what they ask for.
_LISTS: dict[str, dict[str, Any]] = {
    "mine": {"open": 1, "order": "due"},
    "answered": {"status": ["resolved"], "order": "-reported"},
    "area": {"open": 1, "order": "due"},
}
_PAGE = 30


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/inbox", "inbox", pages.inbox)
    blueprint.add_url_rule("/inbox/post", "act_from", pages.act_from, methods=["POST"])
    blueprint.add_url_rule("/inbox/<issue_id>", "card", pages.show_card)
    blueprint.add_url_rule("/inbox/<issue_id>/<step>", "step", pages.show_step)
    blueprint.add_url_rule("/inbox/<issue_id>/<step>", "take_step", pages.take_step, methods=["POST"])


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway

    def inbox(self) -> str:
        post = self._post()
        chosen = request.args.get("list", "mine")
        chosen = chosen if chosen in _LISTS else "mine"
        rows: list[dict[str, Any]] = []
        following = None
        if post:
            where = {"place__under": post["place"]} if chosen == "area" else {"post_id": post["post_id"]}
            answer = self.gateway.ask(
                "issues", "find_issues", limit=_PAGE, cursor=request.args.get("cursor"), **where, **_LISTS[chosen]
            )
            rows, following = [self._card(row) for row in answer["rows"]], answer["next"]
        return render_template(
            "portal/inbox.html", post=post, chosen=chosen, lists=list(_LISTS), cards=rows, following=following
        )

    def act_from(self) -> Any:
        self._signed_in()
        self.gateway.act_from(request.form.get("post_id", ""))
        return redirect(self.frame.safe_path(request.form.get("to", "/inbox")), 303)

    def show_card(self, issue_id: str) -> Any:
        """One case with its next steps: what is left when a form is put away."""
        self._signed_in()
        card = self._card(self._case(issue_id))
        if self.frame.in_part():
            return render_template("portal/_card.html", card=card, done="")
        return render_template("portal/step.html", card=card, step=None, form=None)

    def show_step(self, issue_id: str, step: str) -> str:
        self._signed_in()
        return self._form(self._case(issue_id), _known(step), {}, None)

    def take_step(self, issue_id: str, step: str) -> Any:
        """Do it; a refusal comes back beside the form with everything that was typed."""
        self._signed_in()
        known = _known(step)
        given = {field.name: request.form.get(field.name, "").strip() for field in known.fields}
        try:
            _check(issue_id)
            self.gateway.do("issues", known.command, issue_id=issue_id, **known.arguments(given))
        except (BadInputError, DomainError) as error:
            status = 422 if isinstance(error, BadInputError) else 409
            return self._form(self._case(issue_id), known, given, error), status
        if self.frame.in_part():
            return render_template("portal/_card.html", card=self._card(self._case(issue_id)), done=step)
        flash(step, "done")
        return redirect(url_for("portal.inbox") + f"#case-{issue_id}", 303)

    def _form(self, case: Mapping[str, Any], step: Step, given: dict[str, str], problem: LinliError | None) -> str:
        post = self._post()
        choices: list[dict[str, Any]] = []
        if step.name == "dispatch":
            choices = posts_for(self.frame, case, post)
        elif step.name == "escalate":
            choices = higher_posts(self.frame, case)
        form = {
            "given": {field.name: field.first(case) for field in step.fields} | given,
            "posts": choices,
            "problem": problem,
            "key": request.form.get("command_id") if problem is None else None,
        }
        page = "portal/_step.html" if self.frame.in_part() else "portal/step.html"
        return render_template(page, card=self._card(case), step=step, form=form)

    def _case(self, issue_id: str) -> dict[str, Any]:
        _check(issue_id)
        return self.gateway.ask("issues", "get_issue", issue_id=issue_id)

    def _card(self, case: Mapping[str, Any]) -> dict[str, Any]:
        return shown(self.frame, case) | {"steps": steps_of(case)}

    def _signed_in(self) -> None:
        if not self.gateway.current().signed_in:
            raise UnauthenticatedError("sign in first")

    def _post(self) -> Mapping[str, Any] | None:
        self._signed_in()
        return self.gateway.current().acting_post


def _known(name: str) -> Step:
    if name not in STEPS:
        raise NotFoundError(f"there is no step {name[:40]}")
    return STEPS[name]


def _check(issue_id: str) -> None:
    if not NUMBER.fullmatch(issue_id):
        raise NotFoundError(f"there is no issue {issue_id[:64]}")
