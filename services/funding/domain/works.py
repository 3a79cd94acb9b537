"""Decisions on the course of a project: proposal, approval, works, acceptance (C19, C21, C22, C23, C37)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.funding.domain import duties
from services.funding.domain.books import by_source
from services.funding.domain.project import Project
from services.funding.events import (
    SOURCES,
    Item,
    ProjectAccepted,
    ProjectApproved,
    ProjectCancelled,
    ProjectProposed,
    SignerDesignated,
    WorksFinished,
)
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

#: Statuses in which money comes in and goes out.
OPEN = ("approved", "finished", "accepted")


def known(project: Project) -> None:
    """Raise `NotFoundError` when there is no such project."""
    if project.status == "unknown":
        raise NotFoundError(f"there is no project {project.id}")


def open_for_money(project: Project) -> None:
    """Raise `IllegalStateError` unless money may come in and go out."""
    if project.status not in OPEN:
        unblock = "approve it first" if project.status == "proposed" else "its books take nothing more"
        raise IllegalStateError(f"project {project.id} is {project.status}; {unblock}")


def nothing_pending(project: Project) -> None:
    """Raise `IllegalStateError` while a payment is neither paid nor withdrawn."""
    pending = [id for id, payment in project.payments.items() if payment.status not in ("paid", "withdrawn")]
    if pending:
        raise IllegalStateError(f"payments are pending, pay or withdraw them first: {', '.join(sorted(pending))}")


def _items(items: Sequence[Mapping[str, str]]) -> tuple[Item, ...]:
    return tuple(Item(code=item["code"], zh=item["zh"], en=item["en"]) for item in items)


def propose(
    project: Project,
    *,
    by: Mandate,
    at: str,
    title: str,
    place: str,
    budget_fen: int,
    shares: Mapping[str, int],
    criteria: Sequence[Mapping[str, str]],
    title_en: str = "",
    programme: str = "",
    works: Sequence[Mapping[str, str]] = (),
    issue_ids: Sequence[str] = (),
) -> list[Event]:
    """Propose works with a budget in fen, shared exactly by the three sources, and the criteria of their acceptance."""
    by.require("project.propose", place)
    if project.status != "unknown":
        raise IllegalStateError(f"project {project.id} was already proposed; choose another id")
    if unknown := sorted(set(shares) - set(SOURCES)):
        raise IllegalStateError(f"{', '.join(unknown)} is no source of money; known: {', '.join(SOURCES)}")
    if sum(shares.values()) != budget_fen:
        raise IllegalStateError(
            f"the shares sum to {sum(shares.values())} fen; they must sum to the budget, {budget_fen} fen"
        )
    for name, codes in (("criteria", criteria), ("works", works)):
        if len({item["code"] for item in codes}) != len(codes):
            raise IllegalStateError(f"a code stands twice in the {name}; every item needs its own")
    if not criteria:
        raise IllegalStateError("a project needs at least one criterion it can be accepted by")
    return [
        ProjectProposed(
            project_id=project.id,
            title=title,
            title_en=title_en or title,
            place=place,
            programme=programme,
            works=_items(works),
            issue_ids=tuple(dict.fromkeys(issue_ids)),
            budget_fen=budget_fen,
            shares=by_source(shares),
            criteria=_items(criteria),
            organisation_id=by.organisation_id,
            person_id=by.actor,
        )
    ]


def approve(project: Project, *, by: Mandate, at: str, resolution: str = "") -> list[Event]:
    """Let the project collect and spend money."""
    known(project)
    by.require("project.approve", project.place)
    if project.status in ("cancelled", "closed"):
        raise IllegalStateError(f"project {project.id} is {project.status} and cannot be approved")
    if project.status != "proposed":
        return []
    return [
        ProjectApproved(
            project_id=project.id, resolution=resolution, organisation_id=by.organisation_id, person_id=by.actor
        )
    ]


def cancel(project: Project, *, by: Mandate, at: str, reason: str) -> list[Event]:
    """Give the project up; what it holds can then be returned."""
    known(project)
    by.require("project.approve", project.place)
    if project.status == "cancelled":
        return []
    if project.status not in ("proposed", "approved", "finished"):
        raise IllegalStateError(f"project {project.id} is {project.status}; only unaccepted projects can be cancelled")
    nothing_pending(project)
    return [ProjectCancelled(project_id=project.id, reason=reason, person_id=by.actor)]


def designate_signer(project: Project, *, by: Mandate, at: str, person_id: str) -> list[Event]:
    """Name the one person who signs the project's payments from now on (D35)."""
    known(project)
    by.require("project.approve", project.place)
    if project.status in ("cancelled", "closed"):
        raise IllegalStateError(f"project {project.id} is {project.status}; nothing is left to sign")
    if project.signer == person_id:
        return []
    return [SignerDesignated(project_id=project.id, person_id=duties.possible_signer(project, person_id))]


def finish_works(project: Project, *, by: Mandate, at: str) -> list[Event]:
    """Say that the works are done and can be examined."""
    known(project)
    by.require("project.finish", project.place)
    if project.status == "finished":
        return []
    if project.status != "approved":
        raise IllegalStateError(f"project {project.id} is {project.status}; only an approved one can be finished")
    return [WorksFinished(project_id=project.id, person_id=by.actor)]


def _judged(names: Sequence[str], judged: Mapping[str, bool], what: str) -> None:
    if unknown := sorted(set(judged) - set(names)):
        raise IllegalStateError(f"not among the project's {what}: {', '.join(unknown)}")
    if missing := [name for name in names if name not in judged]:
        raise IllegalStateError(f"judge all {what}; missing: {', '.join(missing)}")


def accept(
    project: Project, *, by: Mandate, at: str, criteria: Mapping[str, bool], issues: Mapping[str, bool] | None = None
) -> list[Event]:
    """Accept finished works: every criterion must pass (C23), every issue is checked on its own (C37)."""
    known(project)
    by.require("project.accept", project.place)
    issues = issues or {}
    if project.status in ("accepted", "closed"):
        return []
    if project.status != "finished":
        raise IllegalStateError(f"project {project.id} is {project.status}; finish the works before accepting them")
    _judged(project.criteria, criteria, "criteria")
    _judged(project.issue_ids, issues, "issues")
    if failing := [code for code in project.criteria if not criteria[code]]:
        raise IllegalStateError(f"the works do not meet: {', '.join(failing)}; repair them and examine again")
    return [
        ProjectAccepted(
            project_id=project.id,
            issue_ids=tuple(id for id in project.issue_ids if issues[id]),
            unsolved_issue_ids=tuple(id for id in project.issue_ids if not issues[id]),
            criteria=dict.fromkeys(project.criteria, True),
            organisation_id=by.organisation_id,
            person_id=by.actor,
        )
    ]
