"""Decisions on the course of a project: proposal, approval, works, acceptance, surplus (C19, C21, C22, C23, C37)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from services.funding import books, duties, offering
from services.funding.books import SOURCES, by_source
from services.funding.facts import (
    BudgetRaised,
    Item,
    ProjectAccepted,
    ProjectApproved,
    ProjectCancelled,
    ProjectProposed,
    SignerDesignated,
    SurplusReturned,
    WorksFinished,
)
from services.funding.project import OPEN, PROJECT, Project, nothing_pending
from shared.domain.city import City
from shared.domain.command import CHOSEN
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import CODE, FEN, ID, PLACE, YES, code_of, fen, id_of, line, text
from shared.domain.mandate import Mandate
from shared.domain.structures import group, many, pairs
from shared.domain.words import _, said, term

NAME, REASON = line(200), text(500)
SHARES = pairs(code_of("money_sources"), fen(0))


@PROJECT.command("project.propose", new=CHOSEN, late=0)
def propose_project(
    project: Project,
    *,
    by: Mandate,
    at: str,
    city: City,
    title: Annotated[str, NAME, "title of the project in Chinese"],
    place: Annotated[str, PLACE, "where the works are"],
    budget_fen: Annotated[int, FEN, "budget in fen"],
    shares: Annotated[Mapping[str, int], SHARES, "planned amount of each source in fen; sums to the budget"],
    criteria: Annotated[Sequence[Item], many(group(Item), 1, 50), "what the works must meet to be accepted"],
    title_en: Annotated[str, NAME, "title of the project in English; empty: the Chinese one"] = "",
    programme: Annotated[str, CODE, "renovation programme that the project belongs to"] = "",
    works: Annotated[Sequence[Item], many(group(Item), 0, 50), "kinds of works"] = (),
    issue_ids: Annotated[Sequence[str], many(id_of("issue"), 0, 200), "issues that the project is to solve"] = (),
) -> list[Event]:
    """Propose a project with a budget, its shares and its criteria of acceptance (C19, C21, C22, C37)."""
    if project.status != "unknown":
        return []
    city.known_place(place)
    _shared(city, budget_fen, shares)
    for name, items in (("criteria", criteria), ("works", works)):
        if len({item.code for item in items}) != len(items):
            raise IllegalStateError(
                _("a code stands twice in the {field}; every item needs its own"),
                {name: said(_("names something twice"))},
                field=term("field", name),
            )
    return [
        ProjectProposed(
            project_id=project.id,
            title=title,
            title_en=title_en or title,
            place=place,
            programme=programme,
            works=tuple(works),
            issue_ids=tuple(dict.fromkeys(issue_ids)),
            budget_fen=budget_fen,
            shares=by_source(shares),
            criteria=tuple(criteria),
            organisation_id=by.organisation_id,
            person_id=by.actor,
        )
    ]


def _shared(city: City, budget_fen: int, shares: Mapping[str, int]) -> None:
    """Raise unless shares of known sources sum to the budget (C22, X03)."""
    for source in shares:
        known_source(city, source, "shares")
    if (total := sum(shares.values())) != budget_fen:
        raise IllegalStateError(
            _("the shares sum to {total} fen; they must sum to the budget, {budget} fen"),
            {"shares": said(_("must sum to the budget"))},
            total=total,
            budget=budget_fen,
        )


def known_source(city: City, source: str, field: str = "source") -> None:
    """Raise `BadInputError` for a source that the city does not list, `IllegalStateError` for one that has no accounts."""
    city.code("money_sources", source, field)
    if source not in SOURCES:
        raise IllegalStateError(
            _("the books have no accounts for {source}; they have some for {known}"),
            {field: said(_("has no accounts"))},
            source=term("money_sources", source),
            known=", ".join(SOURCES),
        )


@PROJECT.command(
    "project.approve",
    when=("proposed",),
    again=("approved", "finished", "accepted"),
    otherwise=_("the project is {status} and cannot be approved"),
    unless=offering.approves,
    late=0,
)
def approve_project(
    project: Project,
    *,
    by: Mandate,
    at: str,
    resolution: Annotated[str, line(100), "resolution of the residents that the approval rests on"] = "",
) -> list[Event]:
    """Approve or cancel a project and designate the one person who signs its payments."""
    if project.status != "proposed":
        return []
    who = duties.approver(project, by)
    return [
        ProjectApproved(project_id=project.id, resolution=resolution, organisation_id=by.organisation_id, person_id=who)
    ]


@PROJECT.command(
    "project.approve",
    when=OPEN,
    otherwise=_("the project is {status}; only the budget of an approved one that is not settled is raised"),
    unless=offering.approves,
    late=0,
)
def raise_budget(
    project: Project,
    *,
    by: Mandate,
    at: str,
    city: City,
    budget_fen: Annotated[int, FEN, "the whole new budget in fen"],
    shares: Annotated[Mapping[str, int], SHARES, "planned amount of each source in fen; sums to the budget"],
    reason: Annotated[str, REASON, "why"],
    resolution: Annotated[str, line(100), "resolution of the residents that the raise rests on"] = "",
) -> list[Event]:
    """Raise the budget of a project, with new shares of its sources; never by who asks for its payments (C22, X06)."""
    _shared(city, budget_fen, shares)
    if (budget_fen, by_source(shares)) == (project.budget_fen, project.shares):
        return []
    if budget_fen <= project.budget_fen:
        raise IllegalStateError(
            _("the budget is {budget} fen already; a raise must be more"),
            {"budget_fen": said(_("must be more than before"))},
            budget=project.budget_fen,
        )
    return [
        BudgetRaised(
            project_id=project.id,
            budget_fen=budget_fen,
            shares=by_source(shares),
            reason=reason,
            resolution=resolution,
            organisation_id=by.organisation_id,
            person_id=duties.approver(project, by),
        )
    ]


@PROJECT.command(
    "project.approve",
    when=("proposed", "approved", "finished"),
    again=("cancelled",),
    otherwise=_("only unaccepted projects can be cancelled; this one is {status}"),
    unless=offering.gives_up,
    late=0,
)
def cancel_project(project: Project, *, by: Mandate, at: str, reason: Annotated[str, REASON, "why"]) -> list[Event]:
    """Give a project up; what it holds can then be returned."""
    if project.status == "cancelled":
        return []
    nothing_pending(project)
    return [ProjectCancelled(project_id=project.id, reason=reason, person_id=by.actor)]


@PROJECT.command(
    "project.approve",
    when=("proposed", "approved", "finished", "accepted"),
    otherwise=_("the project is {status}; nothing is left to sign"),
    late=0,
)
def designate_signer(
    project: Project, *, by: Mandate, at: str, person_id: Annotated[str, id_of("person"), "who signs from now on"]
) -> list[Event]:
    """Name the one person who signs the project's payments from now on (D35)."""
    if project.signer == person_id:
        return []
    return [SignerDesignated(project_id=project.id, person_id=duties.possible_signer(project, person_id))]


@PROJECT.command(
    "project.finish",
    when=("approved",),
    again=("finished",),
    otherwise=_("only an approved project can be finished; this one is {status}"),
    late=0,
)
def finish_works(project: Project, *, by: Mandate, at: str) -> list[Event]:
    """Say that the works of a project are finished and can be examined."""
    return [WorksFinished(project_id=project.id, person_id=by.actor)] if project.status == "approved" else []


@PROJECT.command(
    "project.accept",
    when=("finished",),
    again=("accepted", "closed"),
    otherwise=_("finish the works before accepting them; the project is {status}"),
    unless=offering.examines,
    late=0,
)
def accept_project(
    project: Project,
    *,
    by: Mandate,
    at: str,
    criteria: Annotated[Mapping[str, bool], pairs(CODE, YES, 200), "each criterion, and whether it is met"],
    issues: Annotated[Mapping[str, bool] | None, pairs(ID, YES, 200), "each issue, and whether it is solved"] = None,
) -> list[Event]:
    """Accept finished works: every criterion must pass (C23), every issue is checked on its own (C37)."""
    if project.status != "finished":
        return []
    who, issues = duties.examiner(project, by), issues or {}
    codes = [one.code for one in project.criteria]
    _judged("criteria", codes, criteria)
    _judged("issues", project.issue_ids, issues)
    if failing := [code for code in codes if not criteria[code]]:
        raise IllegalStateError(
            _("the works do not meet: {failing}; repair them and examine again"), failing=", ".join(failing)
        )
    return [
        ProjectAccepted(
            project_id=project.id,
            issue_ids=tuple(id for id in project.issue_ids if issues[id]),
            unsolved_issue_ids=tuple(id for id in project.issue_ids if not issues[id]),
            criteria=dict.fromkeys(codes, True),
            organisation_id=by.organisation_id,
            person_id=who,
        )
    ]


def _judged(field: str, names: Sequence[str], judged: Mapping[str, bool]) -> None:
    if unknown := sorted(set(judged) - set(names)):
        raise IllegalStateError(
            _("not among the project's {field}: {unknown}"),
            {field: said(_("unknown"))},
            field=term("field", field),
            unknown=", ".join(unknown),
        )
    if missing := [name for name in names if name not in judged]:
        raise IllegalStateError(
            _("judge all {field}; missing: {missing}"),
            {field: said(_("is missing"))},
            field=term("field", field),
            missing=", ".join(missing),
        )


@PROJECT.command(
    "money.return",
    when=("accepted", "cancelled"),
    again=("closed",),
    otherwise=_("accept or cancel the project before returning surplus; it is {status}"),
    unless=offering.returns,
    late=0,
)
def return_surplus(project: Project, *, by: Mandate, at: str) -> list[Event]:
    """Return what was not spent to its sources and close the books, as cashier (C22).

    Each source gets exactly what it still holds; a project that holds nothing is closed all the same.
    """
    if project.status == "closed":
        return []
    nothing_pending(project)
    held = project.held
    return [
        SurplusReturned(
            project_id=project.id,
            returned=held,
            cashier=duties.cashier(project, by),
            entries=books.surplus(held),
        )
    ]
