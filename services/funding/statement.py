"""Decisions on statements, and statements as they were published (D25, D37)."""

from __future__ import annotations

from typing import Annotated, Any

from services.funding.documents import STATEMENT, Statement
from services.funding.facts import STATEMENT_FACTS, StatementDisclosed, StatementListed, StatementPosted
from services.funding.project import PROJECT, Project, of_project
from services.funding.rows import day_of, public, row_of, rows_of
from shared.domain.answers import COUNT, TEXT, page_of
from shared.domain.city import City
from shared.domain.command import MADE, On, on
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, code_of, id_of, line
from shared.domain.mandate import Mandate
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.signature import holds
from shared.domain.view import Row
from shared.domain.words import _, said


@STATEMENT.command("statement.disclose", new=MADE, place="project", late=0)
def disclose_statement(
    statement: Statement,
    *,
    by: Mandate,
    at: str,
    project_id: Annotated[str, id_of("project"), "whose income and spending is told"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
) -> list[Event | On]:
    """Publish statements of income and spending and record where they were posted (D25).

    A statement tells what the ledger holds now; once a day while nothing changes.
    """
    if project.status == "proposed":
        raise IllegalStateError(_("the project is not approved yet; it has no books to disclose"))
    if statement.status != "unknown" or project.disclosed == (project.changes, at[:10]):
        return []
    number = project.statements + 1
    disclosed = StatementDisclosed(
        project_id=project.id,
        statement_id=statement.id,
        place=project.place,
        number=number,
        title=project.title,
        title_en=project.title_en,
        as_of=at,
        as_of_version=project.version,
        budget_fen=project.budget_fen,
        income=project.received,
        spending=project.spent,
        returned=project.returned,
        held=project.held,
        receipts=project.receipts,
        payments=project.payments,
        person_id=by.actor,
    )
    listed = StatementListed(project_id=project.id, statement_id=statement.id, number=number, as_of=at)
    return [disclosed, on(PROJECT, project.id, listed)]


@STATEMENT.command("statement.disclose", late=0)
def post_statement(
    statement: Statement,
    *,
    by: Mandate,
    at: str,
    city: City,
    project_id: Annotated[str, id_of("project"), "whose income and spending is told"],
    channel: Annotated[str, code_of("posting_channels"), "where it was put up"],
    project: Annotated[Project, holds(PROJECT, "project_id")],
    spot: Annotated[str, line(100), "which board or group"] = "",
    posted_on: Annotated[str, DAY, "day on which it was put up; empty: today"] = "",
) -> list[Event]:
    """Record where and when a statement was put up for residents (D37)."""
    of_project(statement, project, "statement")
    city.code("posting_channels", channel, "channel")
    if any((one.channel, one.spot) == (channel, spot) for one in statement.postings):
        return []
    posted_on = posted_on or at[:10]
    if posted_on > at[:10]:
        raise IllegalStateError(
            _("the statement cannot have been posted on {day}, which is yet to come"),
            {"posted_on": said(_("must not be in the future"))},
            day=posted_on,
        )
    return [
        StatementPosted(
            project_id=project.id,
            statement_id=statement.id,
            channel=channel,
            spot=spot,
            posted_on=posted_on,
            person_id=by.actor,
        )
    ]


def _published(row: Row, statement: Statement, event: Any, record: Record) -> Row:
    disclosed = isinstance(event, StatementDisclosed)
    return {
        **day_of("disclosed_on", disclosed, row, record),
        "position": record.position if disclosed else row["position"],
        "posted": len(statement.postings),
    }


STATEMENTS = rows_of(
    STATEMENT, STATEMENT_FACTS, "statements", ("project_id", "place", "disclosed_on", "position", "posted"), _published
)
STATEMENT_ROW = row_of(STATEMENT, disclosed_on=TEXT, position=COUNT, posted=COUNT)


@STATEMENT.query(answer=page_of(STATEMENT_ROW))
def find_statements(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    project_id: Annotated[str, id_of("project"), "only of this project"] = "",
    order: Annotated[
        str, order_of("key", "disclosed_on", "position"), "sorted by; - before it: descending"
    ] = "-position",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Published statements and where they were posted (D25, D37)."""
    where = {"place__under": place__under, "project_id": project_id}
    return read.named_page("statements", where, limit, cursor, order, STATEMENT, lambda row: public(read, row))


@STATEMENT.query(answer=STATEMENT_ROW)
def get_statement(read: Reader, *, statement_id: Annotated[str, id_of("statement"), "statement"]) -> dict[str, Any]:
    """One statement exactly as it was published, and where it was posted."""
    row = read.row("statements", statement_id, "statement", "statement_id")
    (named,) = read.city.named([public(read, row)])
    return named | {"actions": read.actions(STATEMENT, row), "others": read.others(STATEMENT, row)}
