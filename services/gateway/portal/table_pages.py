"""The page on which the city's office brings a table in: first what would come of it, each refusal by line, then the import (X12)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from services.gateway import reader
from services.gateway.bringing import brought_in
from services.gateway.contracts import DEFINITIONS
from services.gateway.portal.frame import Frame
from shared.domain.errors import BadInputError, LinliError, UnauthenticatedError
from shared.domain.words import _
from shared.following.tables import COMMANDS, Brought, Table, batches

#: Lines that one page brings in at most, so that nobody waits long before a page that says nothing; `linli import` takes any number.
MOST_LINES = 2_000
#: Refusals that are shown at most.
SHOWN = 200


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the page."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/work/table", "table", pages.show)
    blueprint.add_url_rule("/work/table", "send_table", pages.send, methods=["POST"])


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.gateway = frame.gateway

    def show(self) -> Any:
        return self._page()

    def send(self) -> Any:
        """What would come of a table, or what came of it."""
        name, content = request.form.get("name", "")[:200], request.form.get("content", "").encode()
        if (file := request.files.get("file")) is not None and file.filename:
            name, content = file.filename[:200], file.read()
        document = request.form.get("document", "").strip()[:200]
        dry_run = "import" not in request.form
        try:
            commands = DEFINITIONS["registry"].commands
            table = Table(name, content, commands, document, reader.language())
            brought = self._bring(table, dry_run)
        except BadInputError as error:
            return self._page(error, document=document), 422
        text = content.decode("utf-8-sig")
        return self._page(brought=brought, dry_run=dry_run, name=name, content=text, document=document)

    def _bring(self, table: Table, dry_run: bool) -> Brought:
        brought = Brought(table.command.name)
        lines = list(table.lines(brought))
        if len(lines) > MOST_LINES:
            raise BadInputError(
                _("{lines} lines are too many for this page; it takes {most}, and linli import any number"),
                lines=len(lines),
                most=MOST_LINES,
            )
        for batch in batches(table, lines, dry_run):
            given = [line.given for line in batch.lines]
            answer = brought_in(self.gateway, command=table.command.name, lines=given, dry_run=dry_run)
            for line, done in list(zip(batch.lines, answer["lines"], strict=True))[batch.new :]:
                brought.note(table, line, done, dry_run)
        brought.refused.sort()
        return brought

    def _page(self, problem: LinliError | None = None, brought: Brought | None = None, **more: Any) -> str:
        if not self.gateway.current().signed_in:
            raise UnauthenticatedError(_("sign in first"))
        return render_template(
            "portal/table.html", problem=problem, brought=brought, commands=COMMANDS, shown=SHOWN, **more
        )
