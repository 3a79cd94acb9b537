"""The disclosure board and the page of a project: money in by source, out by purpose, and who passed it (C22, D25, D37)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from services.gateway.portal.frame import Frame
from shared.domain.errors import NotFoundError

SOURCES = ("government", "society", "residents")
BODIES = ("branch", "committee", "board")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/disclosure", "disclosure", pages.disclosure)
    blueprint.add_url_rule("/projects/<project_id>", "project", pages.project)


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
        bodies = {project["organisation_id"]} | {
            review["organisation_id"] for payment in project["payments"] for review in payment["reviews"].values()
        }
        return render_template(
            "portal/project.html",
            project=project,
            receipts=receipts,
            sources=SOURCES,
            bodies=BODIES,
            organisations={id: self.frame.organisation_name(id) for id in bodies if id},
            place_name=self.frame.place_name(project["place"]),
            issues=[self._issue(id, project["unsolved_issue_ids"]) for id in project["issue_ids"]],
            stream=f"funding/project-{project_id}",
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
