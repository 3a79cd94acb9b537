"""`linli import`: places, bodies, posts and persons, and what is known of them, out of tables that other registers keep (X12).

Each line is one command with the same checks as one by hand; a file that is read again records nothing again, so that a run that was cut
off goes on. A hundred lines are one commit. What a line does not keep to is said by line and column, and the other lines go on. A dry
run decides everything and records nothing.
"""

from __future__ import annotations

import time
from pathlib import Path

from services.console.client import Client, operator
from services.console.output import out, print_json, visible
from services.registry.definition import DEFINITION
from shared.domain.words import _, said
from shared.following.tables import Brought, Table, batches
from shared.service.settings import Settings
from shared.words import sentence, word


def read(path: Path, document: str, language: str) -> Table:
    """The table in a file; raises `BadInputError` for one that is nothing that can be brought in."""
    return Table(path.name, path.read_bytes(), DEFINITION.commands, document, language)


def bring_in(table: Table, client: Client, dry_run: bool, voucher: str = "") -> Brought:
    """Give the lines of a table to the registry in their order, or only have them decided.

    `voucher` is the token of the operator who vouches for another account's lines; "": the client is the operator's.
    Raises what the gateway refuses as a whole: no server, no right to bring anything in.
    """
    brought = Brought(table.command.name)
    headers = {"Accept-Language": table.language, "Linli-Import": voucher or client.token}
    for batch in batches(table, table.lines(brought), dry_run):
        told = {"command": table.command.name, "lines": [line.given for line in batch.lines], "dry_run": dry_run}
        answer = client.post("/api/operations/bring-in", told, headers)
        for line, done in list(zip(batch.lines, answer["lines"], strict=True))[batch.new :]:
            brought.note(table, line, done, dry_run)
    brought.refused.sort()
    return brought


def run(
    path: Path,
    document: str,
    language: str,
    dry_run: bool,
    account: tuple[str, str] | None,
    url: str | None,
    json: bool,
) -> bool:
    """Bring a file in, print what came of it, and return whether every line was taken.

    The operator vouches for it; `account` (name and password) gives the commands where they ask for powers that operators lack.
    """
    table = read(path, document, language)
    client = operator(Settings.read(), url)
    voucher = client.token
    started = time.monotonic()
    try:
        if account:
            told = {"username": account[0], "password": account[1]}
            client.token = client.post("/api/sign-in", told)["token"]
        brought = bring_in(table, client, dry_run, voucher)
    finally:
        client.close()
    seconds = round(time.monotonic() - started, 1)
    if json:
        print_json(
            {name: getattr(brought, name) for name in ("command", "recorded", "known", "checked", "refused")}
            | {"dry_run": dry_run, "seconds": seconds}
        )
    else:
        _print(brought, dry_run, language, seconds)
    return not brought.refused


def _print(brought: Brought, dry_run: bool, language: str, seconds: float) -> None:
    for line, column, reason in brought.refused:
        label = word(language, "field", column) if column else ""
        told = said(_("line {line}, {column}: {reason}"), line=line, column=label or "-", reason=reason)
        out.print(visible(sentence(language, told)))
    counts = {"good": brought.checked, "new": brought.recorded, "known": brought.known, "bad": len(brought.refused)}
    dry = _("dry run, nothing recorded: {good} lines can be recorded, {bad} mistakes")
    done = _("{new} recorded, {known} known already, {bad} mistakes, in {seconds} s")
    out.print(sentence(language, said(dry if dry_run else done, **counts, seconds=seconds)))
