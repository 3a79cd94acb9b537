"""Projects with their money as pages show them, and the sums of their ledgers by place; amounts are fen, days ISO dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from services.funding.books import ACCOUNTS, SOURCES, by_source
from services.funding.documents import PAYMENT, RECEIPT, STATEMENT
from services.funding.facts import (
    ProjectAccepted,
    ProjectApproved,
    ProjectCancelled,
    ProjectProposed,
    StatementDisclosed,
    StatementListed,
    SurplusReturned,
    WorksFinished,
)
from services.funding.payment_rows import PAYMENT_ROW, shown_payment
from services.funding.project import OPEN, PROJECT, Project
from services.funding.receipt import record_receipt
from services.funding.requesting import request_payment
from services.funding.rows import BY_SOURCE, SHARE, day_of, public, row_of, share
from services.funding.statement import STATEMENT_ROW, disclose_statement
from shared.domain.answers import COUNT, TEXT, Shape, by_code, many, page_of, shape
from shared.domain.city_rows import NEVER
from shared.domain.fields import CODE, DAY, PLACE, choice, id_of
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import Counts, Row, View, tally

#: Payments and statements shown with a project.
SHOWN = 500
_AMOUNTS = ("received", "spent", "returned", "held")
_STATUSES = ("proposed", "approved", "finished", "accepted", "cancelled", "closed")
#: What begins with a project, and the statuses in which it makes sense.
_BEGUN = {
    RECEIPT.commands[record_receipt.__name__]: OPEN,
    PAYMENT.commands[request_payment.__name__]: OPEN,
    STATEMENT.commands[disclose_statement.__name__]: _STATUSES[1:],
}


def _more(row: Row, project: Project, event: Any, record: Record) -> Row:
    """Money by source with its sums, and the days of what happened."""
    amounts: dict[str, dict[str, int]] = {name: getattr(project, name) for name in _AMOUNTS}
    told = isinstance(event, StatementListed | StatementDisclosed)
    return {
        **amounts,
        **{f"{name}_fen": sum(by.values()) for name, by in amounts.items()},
        "pending": len(project.open_payments),
        "committed_fen": project.committed_fen,
        "changed_on": record.occurred[:10],
        **day_of("proposed_on", isinstance(event, ProjectProposed), row, record),
        **day_of("approved_on", isinstance(event, ProjectApproved), row, record),
        **day_of("finished_on", isinstance(event, WorksFinished), row, record),
        **day_of("accepted_on", isinstance(event, ProjectAccepted), row, record),
        **day_of("disclosed_on", told, row, record),
        "disclose_from": _disclose_from(row, project, event, record.occurred[:10]),
        "settle_from": _settle_from(row, event, record.occurred[:10]),
    }


def _disclose_from(row: Row, project: Project, event: Any, day: str) -> str:
    """The day from which the next statement is counted: that of the approval, of the last statement, or of the end (D25)."""
    match event:
        case ProjectApproved() | SurplusReturned():
            return day
        case ProjectCancelled():
            return day if row["approved_on"] else NEVER
        case StatementListed() | StatementDisclosed():
            return NEVER if project.status in ("cancelled", "closed") else day
    return str(row.get("disclose_from", NEVER))


def _settle_from(row: Row, event: Any, day: str) -> str:
    """The day from which settling is counted: that of the acceptance, or of giving up what had been approved (C22)."""
    match event:
        case ProjectAccepted():
            return day
        case ProjectCancelled():
            return day if row["approved_on"] else NEVER
        case SurplusReturned():
            return NEVER
    return str(row.get("settle_from", NEVER))


def _projects() -> View:
    """Rows of projects; what facts said before receipts had their own streams is no part of them."""
    indexes = ("place", "programme", "spent_fen", "received_fen", "proposed_on", ("status", "disclose_from"))
    made = View.of(PROJECT, "projects", (*indexes, "disclose_from", "settle_from"), _more)

    def fold(row: Row, event: Any, record: Record, key: str) -> Row | None:
        found = made.fold(row, event, record, key)
        return {name: value for name, value in (found or {}).items() if name != "former"}

    return replace(made, fold=fold)


PROJECTS = _projects()


def _counts(row: Row) -> Counts:
    solved = len(row["issue_ids"]) - len(row["unsolved_issue_ids"]) if row["accepted_on"] else 0
    return {
        "projects": 1,
        "by_status": {row["status"]: 1},
        **{name: row[name] for name in ("receipts", "payments", "statements", *_AMOUNTS)},
        "statements_overdue": int(bool(row["overdue"])),
        "statements_missed": row["missed"],
        "issues_solved": solved,
        "issues_unsolved": len(row["unsolved_issue_ids"]),
        "late": row["late"],
    }


TOTALS = tally("totals", PROJECTS, _counts, day="proposed_on", folding=2)

_SUMS = {f"{name}_fen": COUNT for name in _AMOUNTS}
_DAYS = (
    "changed_on",
    "proposed_on",
    "approved_on",
    "finished_on",
    "accepted_on",
    "disclosed_on",
    "disclose_from",
    "settle_from",
)
PROJECT_ROW = row_of(
    PROJECT,
    pending=COUNT,
    committed_fen=COUNT,
    **dict.fromkeys(_AMOUNTS, BY_SOURCE),
    **_SUMS,
    **dict.fromkeys(_DAYS, TEXT),
)
_SIDE = many(shape(source=TEXT, fen=COUNT, share=SHARE))
_BOARD: dict[str, Shape] = {"place": TEXT} | _SUMS
_BOARD |= dict.fromkeys(("income", "spending", "returned", "held"), _SIDE)
_WHOLE = PROJECT_ROW["properties"] | {"payments": many(PAYMENT_ROW), "statements": many(STATEMENT_ROW)}
NEXT = page_of({})["properties"]["next"]


@PROJECT.query(answer=page_of(PROJECT_ROW))
def find_projects(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    status: Annotated[str, choice(*_STATUSES, words="project status"), "only in this state"] = "",
    programme: Annotated[str, CODE, "only of this programme"] = "",
    order: Annotated[
        str, order_of("key", "proposed_on", "received_fen", "spent_fen"), "sorted by; - before it: descending"
    ] = "-proposed_on",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Projects with their money by source (C22)."""
    where = {"place__under": place__under, "status": status, "programme": programme}
    return projects(read, where, limit, cursor, order)


def projects(read: Reader, where: Mapping[str, Any], limit: int, cursor: str, order: str) -> Row:
    """A page of projects, with the names that a reader may see."""
    return read.named_page("projects", where, limit, cursor, order, PROJECT, lambda row: public(read, row))


@PROJECT.query(answer={**PROJECT_ROW, "properties": _WHOLE}, as_of=True)
def get_project(read: Reader, *, project_id: Annotated[str, id_of("project"), "project"]) -> dict[str, Any]:
    """One project: budget and money by source, its payments with their reviews, its statements."""

    row = read.row("projects", project_id, "project", "project_id")
    where = {"project_id": project_id}
    payments = read.page("payments", where, SHOWN, None, "requested_on", PAYMENT, lambda row: shown_payment(read, row))
    statements = read.page("statements", where, SHOWN, None, "-position", STATEMENT, lambda row: public(read, row))
    begun = [
        command.name
        for command, statuses in _BEGUN.items()
        if row["status"] in statuses and read.may(command.power, row["place"])
    ]
    (named,) = read.city.named([public(read, row)])
    return named | {
        "payments": payments["rows"],
        "statements": statements["rows"],
        "actions": read.actions(PROJECT, row) + begun,
        "others": read.others(PROJECT, row),
    }


@PROJECT.query(
    answer=shape(
        project_id=TEXT,
        accounts=many(shape(account=TEXT, zh=TEXT, en=TEXT, debit_fen=COUNT, credit_fen=COUNT, balance_fen=COUNT)),
        debit_fen=COUNT,
        credit_fen=COUNT,
    ),
    as_of=True,
)
def trial_balance(read: Reader, *, project_id: Annotated[str, id_of("project"), "project"]) -> dict[str, Any]:
    """Turnover and balance of every account of a project; debit and credit sums are equal (D32)."""

    turnover = read.row("projects", project_id, "project", "project_id")["accounts"]
    none = {"debit_fen": 0, "credit_fen": 0}
    rows = [
        {"account": account, "zh": zh, "en": en, **turnover.get(account, none)}
        for account, (zh, en) in ACCOUNTS.items()
    ]
    sums = {side: sum(row[side] for row in rows) for side in none}
    balances = [row | {"balance_fen": row["debit_fen"] - row["credit_fen"]} for row in rows]
    return {"project_id": project_id, "accounts": balances, **sums}


@PROJECT.query(
    answer=shape(
        **_BOARD,
        projects=many(
            shape(
                **dict.fromkeys(("project_id", "title", "title_en", "place", "status"), TEXT),
                **dict.fromkeys(("budget_fen", *_SUMS), COUNT),
                share=SHARE,
            )
        ),
        next=NEXT,
    ),
    as_of=True,
)
def disclosure_board(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "place; empty: the whole city"] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Money in by source and out by project for a place and all below it, shares as fractions (C22, D37)."""

    totals = _totals(read, place)
    page = read.page("projects", {"place__under": place}, limit, cursor, "-spent_fen")
    shown = ("project_id", "title", "title_en", "place", "status", "budget_fen")
    rows = [
        {name: row[name] for name in (*shown, *_SUMS)} | {"share": share(row["spent_fen"], totals["spent_fen"])}
        for row in page["rows"]
    ]
    return _board(place, totals) | {"projects": rows, "next": page["next"]}


_COUNTED = (
    *("projects", "receipts", "payments", "statements", "statements_overdue", "statements_missed"),
    *("issues_solved", "issues_unsolved", "late"),
)


@PROJECT.query(
    answer=shape(**_BOARD, since=TEXT, until=TEXT, **dict.fromkeys(_COUNTED, COUNT), by_status=by_code(COUNT)),
    as_of=True,
)
def funding_figures(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "place; empty: the whole city"] = "",
    since: Annotated[str, DAY, "projects proposed on this day or later"] = "",
    until: Annotated[str, DAY, "projects proposed before this day"] = "",
) -> dict[str, Any]:
    """Projects by status, money by source, receipts, payments and statements at a place and below (A04, C22, C37).

    Of a period: the projects that were proposed in it, with all that has come of them.
    `late` counts facts of projects that were recorded a day or more after they happened (X02).
    """

    totals = _totals(read, place, since, until)
    counts = {name: totals.get(name, 0) for name in _COUNTED}
    period = {"since": since, "until": until}
    return _board(place, totals) | period | counts | {"by_status": totals.get("by_status", {})}


def _totals(read: Reader, place: str, since: str = "", until: str = "") -> Row:
    """Sums at a place, by source with their sums."""
    found = read.sums(TOTALS, place, since, until)
    money = {name: by_source(found.get(name, {})) for name in _AMOUNTS}
    return found | money | {f"{name}_fen": sum(amounts.values()) for name, amounts in money.items()}


def _board(place: str, totals: Row) -> Row:
    """Money of a place by source, each amount also as a share of its side."""
    sides = {"income": "received", "spending": "spent", "returned": "returned", "held": "held"}
    by_side = {
        side: [
            {"source": source, "fen": totals[name][source], "share": share(totals[name][source], totals[f"{name}_fen"])}
            for source in SOURCES
        ]
        for side, name in sides.items()
    }
    return {"place": place} | by_side | {f"{name}_fen": totals[f"{name}_fen"] for name in _AMOUNTS}
