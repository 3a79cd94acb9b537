"""Reads tables that other registers keep: CSV whose lines are each one command of the registry (X12)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from shared.domain.command import Command
from shared.domain.errors import BadInputError
from shared.domain.fields import FieldError, Number
from shared.domain.structures import Field
from shared.domain.words import _, said
from shared.words import sentence, word

#: What can be brought in: the command to the columns that it must have, so that a second reading records nothing new.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "register_place": ("place", "kind", "name", "parent"),
    "measure_place": ("place", "measure", "value", "unit", "since"),
    "describe_place": ("place", "attribute", "value", "since"),
    "count_households": ("place", "households", "as_of"),
    "decide_standing": ("scheme", "subject", "code", "since"),
    "establish_organisation": ("organisation_id", "type", "name", "level", "place", "since"),
    "establish_post": ("post_id", "organisation_id", "role", "title"),
    "register_person": ("person_id", "name", "place"),
    "record_birth": ("person_id", "born"),
    "classify_person": ("scheme", "person_id", "code", "since"),
}
#: Lines that are recorded in one commit.
AT_A_TIME = 100
#: Column with the sentence of the document that a line rests on; it becomes part of what the line says of its source.
SENTENCE = "sentence"
#: The fields that say where something is from, each the name of the document where a line says nothing.
SOURCES = ("source", "grounds")
#: Fields that may name what an earlier line of the same table makes.
_ABOVE = ("parent", "parent_id")


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

    def note(self, table: Table, line: Line, told: Mapping[str, Any], dry_run: bool) -> None:
        """Note what the registry answered for a line: facts that it wrote, or a refusal."""
        if (error := told.get("error")) is None:
            self.checked += dry_run
            self.recorded += not dry_run and told["events"] > 0
            self.known += not dry_run and told["events"] == 0
            return
        message = str(error["message"])
        found = {name: str(reason) for name, reason in error["fields"].items() if name in table.command_fields}
        self.refused += [(line.number, name, f"{message} ({reason})") for name, reason in found.items()]
        if not found:
            self.refused.append((line.number, "", message))


class Table:
    """A table whose first line names its columns, by the names of the fields or by their labels in a language."""

    def __init__(
        self, name: str, content: bytes, commands: Mapping[str, Command], document: str, language: str
    ) -> None:
        """`content` is CSV in UTF-8, `document` the name of the source; raises `BadInputError` for a header that is no command's."""
        self.language, self._document = language, document or name
        try:
            rows = list(csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadInputError(
                self._say(_("{path} is no CSV file in UTF-8: {reason}"), path=name, reason=error)
            ) from None
        if not rows:
            raise BadInputError(self._say(_("{path} is empty; its first line names the columns"), path=name))
        self.command, self.columns = self._read_header(rows[0], commands)
        self.command_fields = {one.name: one for one in self.command.fields}
        self._rows = rows[1:]

    def _say(self, template: str, **given: Any) -> str:
        return sentence(self.language, said(template, **given))

    def _read_header(self, header: list[str], commands: Mapping[str, Command]) -> tuple[Command, list[str]]:
        for name, needed in COMMANDS.items():
            fields = _fields(commands[name])
            labels = {word(self.language, "field", one.name): one.name for one in fields}
            columns = [labels.get(cell.strip(), cell.strip()) for cell in header]
            taken = {one.name for one in fields} | {SENTENCE}
            flat = {column for column in columns if not _pair(commands[name], column)}
            if set(needed) <= flat <= taken and len(set(columns)) == len(columns):
                return commands[name], columns
        shown = "; ".join(
            f"{word(self.language, 'command', name)}: {', '.join(needed)}" for name, needed in COMMANDS.items()
        )
        raise BadInputError(
            self._say(
                _("the columns {columns} are those of nothing that can be brought in; needed are: {known}"),
                columns=", ".join(cell.strip() for cell in header),
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
        for name in SOURCES:
            if name in self.command_fields:
                source = given.get(name) or self._document
                given[name] = f"{source}：{told}" if told else source
        wrong: dict[str, str] = {}
        loaded: dict[str, Any] = {}
        for name, cell in given.items():
            needed = name in COMMANDS[self.command.name] and name != "parent"  # a topmost place has none
            if not cell:
                if needed:
                    wrong[name] = said(_("is missing"))
            elif pair := _pair(self.command, name):
                loaded.setdefault(pair[0], {})[pair[1]] = cell
            else:
                of = self.command_fields[name]
                try:
                    loaded[name] = of.kind.load(_value(of, cell))
                except FieldError as error:
                    wrong[name] = error.reason if isinstance(error.reason, str) else str(error.reason)
        return wrong, loaded


def _fields(command: Command) -> list[Field]:
    """The fields of a command that a cell can hold."""
    return [one for one in command.fields if one.kind.control not in ("pairs", "list", "group")]


def _pair(command: Command, column: str) -> tuple[str, str]:
    """Field and name of a column that gives one pair of a field (`standings.provision`); nothing for another column."""
    name, dot, key = column.partition(".")
    pairs = {one.name for one in command.fields if one.kind.control == "pairs"}
    return (name, key) if dot and key and name in pairs else ()  # type: ignore[return-value]


def _value(of: Field, cell: str) -> Any:
    number = isinstance(of.kind, Number) and cell.isascii() and cell.removeprefix("-").isdecimal() and len(cell) < 20
    return int(cell) if number else cell


@dataclass(frozen=True)
class Batch:
    """Lines to send together: those before `new` are only there because later ones name what they make."""

    lines: tuple[Line, ...]
    new: int


def batches(table: Table, lines: Iterable[Line], dry_run: bool) -> Iterator[Batch]:
    """A hundred lines at a time; in a dry run, which keeps nothing, with the earlier ones that they rest on."""
    waiting: list[Line] = []
    makes: dict[str, Line] = {}
    id_field = table.command.id_field
    for line in lines:
        waiting.append(line)
        if len(waiting) == AT_A_TIME:
            yield _batch(waiting, makes if dry_run else {})
            makes |= {str(one.given[id_field.name]): one for one in waiting if id_field and id_field.name in one.given}
            waiting = []
    if waiting:
        yield _batch(waiting, makes if dry_run else {})


def _batch(lines: list[Line], makes: Mapping[str, Line]) -> Batch:
    above: dict[int, Line] = {}
    look = list(lines)
    while look:
        line = look.pop()
        for name in _ABOVE:
            found = makes.get(str(line.given.get(name, "")))
            if found is not None and found.number not in above:
                above[found.number] = found
                look.append(found)
    first = [above[number] for number in sorted(above)][:AT_A_TIME]
    return Batch((*first, *lines), len(first))
