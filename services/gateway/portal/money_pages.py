"""The disclosure board and the page of a project: money in by source, out by purpose, and who passed it (C22, D25, D37)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for

from services.gateway.portal import things
from services.gateway.portal.declared import aggregates
from services.gateway.portal.frame import Frame
from shared.domain.errors import NotFoundError
from shared.domain.words import _, term

#: Projects in one of these take money in and pay.
_OPEN = ("approved", "finished", "accepted")
SOURCES = ("government", "society", "residents")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/disclosure", "disclosure", pages.disclosure)
    blueprint.add_url_rule("/projects/<project_id>", "project", pages.project)
    blueprint.add_url_rule("/projects/<project_id>/statements/<statement_id>", "statement", pages.statement)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway

    def disclosure(self) -> str:
        place = request.args.get("place") or None
        board = self.gateway.ask(
            "funding", "disclosure_board", place=place, limit=50, cursor=request.args.get("cursor")
        )
        names = {row["place"]: self.frame.place_name(row["place"]) for row in board["projects"]}
        return render_template(
            "portal/disclosure.html",
            board=board,
            place=place or "",
            place_name=self.frame.place_name(place) if place else "",
            names=names,
            statements=self.gateway.ask("funding", "find_statements", place__under=place, limit=5)["rows"],
        )

    def project(self, project_id: str) -> str:
        project = self.gateway.ask("funding", "get_project", project_id=project_id)
        receipts = self.gateway.ask("funding", "find_receipts", project_id=project_id, order="received_on", limit=500)[
            "rows"
        ]
        organisation = project["organisation_id"]
        reviewed = {body: "" for payment in project["payments"] for body in payment["reviews"]}
        return render_template(
            "portal/project.html",
            project=project,
            receipts=receipts,
            sources=SOURCES,
            bodies=list(self.frame.entries("review_bodies") or reviewed),
            organisation=self.frame.organisation_name(organisation) if organisation else "",
            place_name=self.frame.place_name(project["place"]),
            issues=[self._issue(id, project["unsolved_issue_ids"]) for id in project["issue_ids"]],
            stream=f"funding/project-{project_id}",
            acts=self._acts(project),
        )

    def _acts(self, project: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """What the reader may do now: by the id of each payment, and under "" with the project."""
        kinds = aggregates("funding")
        if not self.frame.who().signed_in or not {"project", "payment"} <= kinds.keys():
            return {}
        id = project["project_id"]
        acts = {
            row["payment_id"]: things.actions(kinds["payment"], row["payment_id"], row["actions"], row)
            for row in project["payments"]
        }
        offers = self.frame.maybe("funding", "offers") or {"commands": []}
        begun = {one["command"] for one in offers["commands"] if one["new"]} if project["status"] in _OPEN else set()
        beginning = [
            {
                "command": name,
                "link": url_for("portal.form", service="funding", name=name, project_id=id),
                "plain": False,
            }
            for of in kinds.values()
            for name, command in of.decider.commands.items()
            if name in begun and any(field.name == "project_id" for field in command.asked)
        ]
        return acts | {"": things.actions(kinds["project"], id, project["actions"], project) + beginning}

    def statement(self, project_id: str, statement_id: str) -> str:
        """A statement exactly as it was published."""
        statement = self.gateway.ask("funding", "get_statement", statement_id=statement_id)
        if statement["project_id"] != project_id:
            raise NotFoundError(_("there is no {thing} {id}"), thing=term("thing", "statement"), id=statement_id)
        sides = ("income", "spending", "returned", "held")
        return render_template(
            "portal/statement.html",
            statement=statement,
            totals={side: sum(statement[side].values()) for side in sides},
            place_name=self.frame.place_name(statement["place"]),
        )

    def _issue(self, issue_id: str, unsolved: list[str]) -> dict[str, Any]:
        """An issue of a project in a line."""
        try:
            case = self.frame.maybe("issues", "get_issue", issue_id=issue_id)
        except NotFoundError:
            case = None
        name = self.frame.words("issue_categories", case["category"]) if case else issue_id
        about = case["description"] if case else ""
        return {"id": issue_id, "name": name, "about": about, "unsolved": issue_id in unsolved}
