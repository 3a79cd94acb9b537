"""`linli import`: places and what is known of them, out of tables that other registers keep (X12).

Each line is one command with the same checks as one by hand; a file that is read again records nothing again. What a line does not
keep to is said by line and column, and the other lines go on. A dry run sends nothing but questions.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.console.client import Client, operator
from services.console.output import out, print_json, visible
from services.registry.place.state import PLACE
from shared.domain.command import Command
from shared.domain.errors import BadInputError, LinliError, NotFoundError, UnavailableError
from shared.domain.fields import FieldError, Number
from shared.domain.structures import Field
from shared.domain.words import _, said
from shared.service.settings import Settings
from shared.words import sentence, word

#: What can be brought in: the command to the columns that it must have, so that a second reading records nothing new.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "register_place": ("place", "kind", "name", "parent"),
    "measure_place": ("place", "measure", "value", "unit", "since"),
    "describe_place": ("place", "attribute", "value", "since"),
    "count_households": ("place", "households", "as_of"),
}
#: Column with the sentence of the document that a line rests on; it becomes part of the source.
SENTENCE = "sentence"
_API = "/api/registry"


@dataclass(frozen=True)
class Line:
    """A line of a table: its number in the file (the header is 1), and what its command is given."""

    number: int
    given: Mapping[str, Any]


@dataclass
class Brought:
    """What came of a table: lines that were recorded, were known already, or were refused as (line, column, reason)."""

    command: str
    recorded: int = 0
    known: int = 0
    checked: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


class Table:
    """A CSV file (UTF-8) whose first line names its columns, by the names of the fields or by their labels in a language."""

    def __init__(self, path: Path, document: str, language: str) -> None:
        """`document` is the name of the source; raises `BadInputError` for a header that is no command's."""
        self.language, self._document = language, document
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.reader(file, strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadInputError(
                self._say(_("{path} is no CSV file in UTF-8: {reason}"), path=path, reason=error)
            ) from None
        if not rows:
            raise BadInputError(self._say(_("{path} is empty; its first line names the columns"), path=path))
        self.command, self.columns = self._read_header(rows[0])
        self._fields = {one.name: one for one in _fields(self.command)}
        self._rows = rows[1:]

    def _say(self, template: str, **given: Any) -> str:
        return sentence(self.language, said(template, **given))

    def _read_header(self, header: list[str]) -> tuple[Command, list[str]]:
        labels = {
            word(self.language, "field", one.name): one.name
            for name in COMMANDS
            for one in _fields(PLACE.commands[name])
        }
        columns = [labels.get(cell.strip(), cell.strip()) for cell in header]
        for name, needed in COMMANDS.items():
            fields = {one.name for one in _fields(PLACE.commands[name])} | {SENTENCE}
            if set(needed) <= set(columns) <= fields and len(set(columns)) == len(columns):
                return PLACE.commands[name], columns
        shown = "; ".join(
            f"{word(self.language, 'command', name)}: {', '.join(needed)}" for name, needed in COMMANDS.items()
        )
        raise BadInputError(
            self._say(
                _("the columns {columns} are those of nothing that can be brought in; needed are: {known}"),
                columns=", ".join(columns),
                known=shown,
            )
        )

    def lines(self, brought: Brought) -> Iterator[Line]:
        """The lines that are well formed; the others are noted as refused."""
        for number, cells in enumerate(self._rows, 2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(self.columns):
                reason = self._say(
                    _("has {cells} cells, the header {columns}"), cells=len(cells), columns=len(self.columns)
                )
                brought.refused.append((number, "", reason))
                continue
            given = {name: cell.strip() for name, cell in zip(self.columns, cells, strict=True)}
            wrong, loaded = self._loaded(given)
            brought.refused += [(number, column, sentence(self.language, reason)) for column, reason in wrong.items()]
            if not wrong:
                yield Line(number, loaded)

    def _loaded(self, given: dict[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
        """What is wrong by column, and the values as the command takes them."""
        told = given.pop(SENTENCE, "")
        if "source" in self._fields:
            source = given.get("source") or self._document
            given["source"] = f"{source}：{told}" if told else source
        wrong: dict[str, str] = {}
        loaded: dict[str, Any] = {}
        for name, cell in given.items():
            needed = name in COMMANDS[self.command.name] and name != "parent"  # a topmost place has none
            if not cell:
                if needed:
                    wrong[name] = said(_("is missing"))
                continue
            try:
                loaded[name] = self._fields[name].kind.load(_value(self._fields[name], cell))
            except FieldError as error:
                wrong[name] = error.reason if isinstance(error.reason, str) else str(error.reason)
        return wrong, loaded


def _fields(command: Command) -> Iterable[Field]:
    """The fields of a command that a cell can hold, the place first."""
    assert command.id_field is not None
    return (command.id_field, *(one for one in command.asked if one.kind.control not in ("pairs", "list", "group")))


def _value(of: Field, cell: str) -> Any:
    number = isinstance(of.kind, Number) and cell.isascii() and cell.removeprefix("-").isdecimal() and len(cell) < 20
    return int(cell) if number else cell


def bring_in(table: Table, client: Client, dry_run: bool) -> Brought:
    """Give each line of a table to the registry in its order, or only look up what it names.

    Raises what the gateway refuses as a whole: no server, no right to bring anything in.
    """
    brought = Brought(table.command.name)
    look = _LookUp(client, table)
    headers = {"Accept-Language": table.language, "Linli-Import": client.token}
    for line in table.lines(brought):
        if dry_run:
            wrong = look.unknown(line.given)
            brought.refused += [(line.number, column, reason) for column, reason in wrong.items()]
            brought.checked += not wrong
            continue
        try:
            done = client.post(f"{_API}/{table.command.name}", line.given, headers)
        except LinliError as error:
            if isinstance(error, UnavailableError) or error.kind in ("unauthenticated", "forbidden"):
                raise
            found = {name: str(reason) for name, reason in error.fields.items() if name in table.columns}
            brought.refused += [(line.number, name, f"{error.message} ({reason})") for name, reason in found.items()]
            if not found:
                brought.refused.append((line.number, "", error.message))
            continue
        brought.recorded += done["events"] > 0
        brought.known += done["events"] == 0
    brought.refused.sort()
    return brought


class _LookUp:
    """What a dry run asks the registry: whether codes are on its lists, and whether places are there."""

    def __init__(self, client: Client, table: Table) -> None:
        self._client, self._table = client, table
        self._headers = {"Accept-Language": table.language}
        self._codes: dict[str, set[str]] = {}
        self._places: dict[str, bool] = {}

    def unknown(self, given: Mapping[str, Any]) -> dict[str, str]:
        """What a line names that is not there, by column; a place that the table registers is there from its line on."""
        wrong = {}
        for one in self._table.command.asked:
            listed = one.kind.refers if one.kind.control == "code" else ""
            if listed and given.get(one.name) and given[one.name] not in self._listed(listed):
                wrong[one.name] = self._say(
                    _("not on the city's list {list}"), list=word(self._table.language, "kinds", listed)
                )
        registers = self._table.command.name == "register_place"
        name = "parent" if registers else "place"
        if (place := given.get(name, "")) and not self._there(place):
            wrong[name] = self._say(_("unknown"))
        if registers and not wrong:
            self._places[given["place"]] = True
        return wrong

    def _say(self, template: str, **given: Any) -> str:
        return sentence(self._table.language, said(template, **given))

    def _listed(self, kind: str) -> set[str]:
        if kind not in self._codes:
            rows = self._client.get(f"{_API}/find_entries", {"kind": kind}, self._headers)["rows"]
            self._codes[kind] = {row["code"] for row in rows}
        return self._codes[kind]

    def _there(self, place: str) -> bool:
        if place not in self._places:
            try:
                row = self._client.get(f"{_API}/get_place", {"place": place}, self._headers)
                self._places[place] = row["status"] == "registered"
            except NotFoundError:
                self._places[place] = False
        return self._places[place]


def run(path: Path, document: str, language: str, dry_run: bool, url: str | None, json: bool) -> bool:
    """Bring a file in as the operator, print what came of it, and return whether every line was taken."""
    table = Table(path, document or path.name, language)
    client = operator(Settings.read(), url)
    try:
        brought = bring_in(table, client, dry_run)
    finally:
        client.close()
    if json:
        print_json(
            {name: getattr(brought, name) for name in ("command", "recorded", "known", "checked", "refused")}
            | {"dry_run": dry_run}
        )
    else:
        _print(brought, dry_run, language)
    return not brought.refused


def _print(brought: Brought, dry_run: bool, language: str) -> None:
    for line, column, reason in brought.refused:
        label = word(language, "field", column) if column else ""
        out.print(
            visible(
                sentence(
                    language, said(_("line {line}, {column}: {reason}"), line=line, column=label or "-", reason=reason)
                )
            )
        )
    counts = {"good": brought.checked, "new": brought.recorded, "known": brought.known, "bad": len(brought.refused)}
    dry = _("dry run, nothing recorded: {good} lines are well formed, {bad} mistakes")
    done = _("{new} recorded, {known} known already, {bad} mistakes")
    out.print(sentence(language, said(dry if dry_run else done, **counts)))
