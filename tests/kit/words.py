"""What needs words: each sentence that the program can say, each code that it shows. `python -m tests.kit.words [SERVICE]` lists gaps."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from services.console.catalogue import OWNERS, SERVICES, definition
from shared.domain.fields import Choice, Kind
from shared.domain.structures import Field, Fitting, Group, Many, Pairs
from shared.following.parking import PARKING
from shared.service.operations import OPERATIONS
from shared.words import LANGUAGES, ROOT, table

Key = tuple[str, str]


def marked(folder: Path) -> Iterator[str]:
    """Templates marked with `_("…")` in the Python files of a folder."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                (argument,) = node.args
                assert isinstance(argument, ast.Constant), (
                    f"{path}:{node.lineno}: a template is written out, not computed"
                )
                yield argument.value


def of_kind(name: str, kind: Kind) -> Iterator[Key]:
    """Words of a field's choices and parts."""
    if isinstance(kind, Choice):
        yield from ((kind.refers or name, code) for code in kind.codes if code)  # nothing chosen is no code
    elif isinstance(kind, Many):
        yield from of_kind(name, kind.kind)
    elif isinstance(kind, Pairs):
        yield from of_kind(name, kind.values)
    elif isinstance(kind, Group):
        yield from of_fields(kind.fields)
    elif isinstance(kind, Fitting):
        for shape in kind.shapes.values():
            yield from of_kind(name, shape)


def of_fields(fields: tuple[Field, ...]) -> Iterator[Key]:
    """Words of fields: their label, their sentence, their choices."""
    for field in fields:
        yield "field", field.name
        yield "", field.about
        yield from of_kind(field.name, field.kind)


def of_service(name: str) -> set[Key]:
    """Everything of a service that needs words."""
    found = definition(name)
    needed: set[Key] = {("", template) for template in marked(ROOT / "services" / name)}
    needed |= {("", sentence) for sentence in found.all_powers.values()} | {
        ("power", power) for power in found.all_powers
    }
    for decider in found.deciders:
        needed.add(("thing", decider.category))
        for command in decider.commands.values():
            needed |= {(f"{name} command", command.name), ("", command.summary), *of_fields(command.fields)}
            needed |= {(f"{decider.category} status", status) for status in (*command.when, *command.again)}
    for query in (*found.queries.values(), *found.by_hand):
        needed |= {(f"{name} command", query.name), ("", query.summary), *of_fields(query.fields)}
    for path in (ROOT / "services" / name).rglob("*.py"):
        needed |= {("status", status) for status in re.findall(r'status="([a-z_]+)"', path.read_text())}
    return needed - {("status", "unknown")}


def of_kit() -> set[Key]:
    """Everything that the kit itself says, and what it offers at every service."""
    folders = ("domain", "following", "service")
    needed: set[Key] = {("", template) for folder in folders for template in marked(ROOT / "shared" / folder)}
    needed |= {("command", name) for name in OPERATIONS} | {("thing", PARKING.category)}
    needed |= {("service", name) for name in SERVICES}
    source = (ROOT / "shared" / "service" / "service.py").read_text()
    return needed | {("power", power) for power in re.findall(r'"(operations\.[a-z_]+)"', source)}


def of_gateway() -> set[Key]:
    """Everything that the gateway says: its refusals, and the texts of its pages."""
    needed: set[Key] = {("", template) for template in marked(ROOT / "services" / "gateway")}
    for path in (ROOT / "services" / "gateway").rglob("*.html"):
        needed |= {("page", key) for key in re.findall(r'\bt\("([a-z0-9_.-]+)"[,)]', path.read_text())}
    return needed


def of_console() -> set[Key]:
    """What the command says of tables that are brought in; the rest of it is English."""
    return {("", template) for template in marked(ROOT / "services" / "console")}


def of(name: str) -> set[Key]:
    """Everything of the kit, the gateway or a service that needs words."""
    return {"kit": of_kit, "gateway": of_gateway, "console": of_console}.get(name, lambda: of_service(name))()


def missing(needed: set[Key]) -> list[Key]:
    """What has no words in some language; English sentences are their own words."""
    return sorted(key for key in needed for language in LANGUAGES if language != "en" and not _says(language, *key))


def _says(language: str, group: str, text: str) -> bool:
    """Whether a language has a word; things may say a status each in their way (`issue status`) or all in one (`status`)."""
    words = table(language)
    if group == "status":  # of which thing is not known
        return any(code == text for name, code in words if name.rpartition(" ")[2] == "status")
    return (group, text) in words or (group.rpartition(" ")[2], text) in words


def main() -> None:
    """List what lacks words, as entries of a catalogue."""
    names = sys.argv[1:] or ["kit", "gateway", "console", *OWNERS]
    for name in names:
        for group, text in missing(of(name)):
            context = f'msgctxt "{group}"\n' if group else ""
            print(f'{context}msgid "{text}"\nmsgstr ""\n')


if __name__ == "__main__":
    main()
