"""Which rows of the catalogue the tests show: `python -m tests.coverage` writes `docs/coverage.md` and prints the rows by state.

A test cites rows in its own docstring: `(C12)` when it asserts all that the row wants, what is refused included, and `(part of C12)`
when it asserts some of it; several stand together, `(part of C12, X13)`. A row *works* when a test asserts all of it, is *partial* when
tests only assert parts, and *absent* when no test cites it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE, COVERAGE = ROOT / "docs" / "catalogue.md", ROOT / "docs" / "coverage.md"
STATES = ("works", "partial", "absent")
_ID = r"[A-EX]\d{2}"
_MENTION = re.compile(rf"\b{_ID}\b")
_CITATION = re.compile(rf"\((part of )?({_ID}(?:, {_ID})*)\)")


@dataclass(frozen=True)
class Row:
    """A row of the catalogue; `owner` is the service that it names first."""

    id: str
    chinese: str
    meaning: str
    owner: str


@dataclass(frozen=True)
class Citation:
    """A test says that it asserts a row, or a part of it."""

    row: str
    test: str  # path below tests::name
    whole: bool


def rows(catalogue: str) -> list[Row]:
    """The rows of the catalogue in its order. Raises `ValueError` for a line that does not fit its table, or when one is lost."""
    found: dict[str, Row] = {}
    header: list[str] = []
    for number, line in enumerate(catalogue.splitlines(), 1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if cells and cells[0] == "id":
            header = cells
        if not cells or not re.fullmatch(_ID, cells[0]):
            continue
        if len(cells) != len(header) or cells[0] in found:
            why = f"{len(cells)} cells of {len(header)}, or stands twice"
            raise ValueError(f"catalogue, line {number}: {cells[0]} has {why}")
        told = dict(zip(header, cells, strict=True))
        owner = re.match(r"[a-z]+", told["owner"])
        if owner is None:
            raise ValueError(f"catalogue, line {number}: {cells[0]} names no owner")
        meaning = told.get("meaning") or told["requirement"]
        found[cells[0]] = Row(cells[0], told.get("中文", ""), meaning, owner[0])
    counted = re.search(r"^\* \*\*Rows by owner.* = (\d+) ", catalogue, re.MULTILINE)
    if counted is None or int(counted[1]) != len(found):
        raise ValueError(f"the catalogue counts {counted and counted[1]} rows, and {len(found)} are found in it")
    return list(found.values())


def _docstrings(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """The name of each test, "" for everything else, with its docstring and line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node) or ""
            is_test = isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
            yield node.name if is_test else "", said, getattr(node, "lineno", 1)  # type: ignore[union-attr]  # tests have names


def _comments(source: str) -> Iterator[tuple[str, int]]:
    if not re.search(rf"#.*{_MENTION.pattern}", source):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string, token.start[0]


def cited_in(source: str, path: str, known: set[str]) -> tuple[list[Citation], list[str]]:
    """The citations of a file, and what is wrong with them, by line."""
    cited: dict[tuple[str, str], bool] = {}
    wrong: list[str] = []
    if not _MENTION.search(source):  # reading Python takes most of the time
        return [], []
    for name, said, line in _docstrings(ast.parse(source)):
        if not name:
            wrong += [f"{path}:{line}: {id} is cited outside a test" for id in _MENTION.findall(said)]
            continue
        for part, ids in _CITATION.findall(said):
            for id in ids.split(", "):
                key = (id, f"{path}::{name}")
                cited[key] = cited.get(key, False) or not part
        loose = _MENTION.findall(_CITATION.sub("", said))
        wrong += [f"{path}:{line}: {id} is mentioned, not cited: write ({id}) or (part of {id})" for id in loose]
        wrong += [
            f"{path}:{line}: there is no row {id}"
            for id, test in cited
            if id not in known and test.endswith(f"::{name}")
        ]
    for said, line in _comments(source):
        wrong += [f"{path}:{line}: {id} is cited outside a test's docstring" for id in _MENTION.findall(said)]
    return [Citation(id, test, whole) for (id, test), whole in cited.items()], wrong


def citations(known: set[str]) -> tuple[list[Citation], list[str]]:
    """The citations of all tests, and what is wrong with them."""
    cited: list[Citation] = []
    wrong: list[str] = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if path != Path(__file__).resolve():
            found, mistakes = cited_in(path.read_text(), path.relative_to(ROOT / "tests").as_posix(), known)
            cited, wrong = cited + found, wrong + mistakes
    return cited, wrong


def states(catalogue: list[Row], cited: list[Citation]) -> dict[str, str]:
    """Each row with whether it works, is partial or absent."""
    whole = {one.row for one in cited if one.whole}
    part = {one.row for one in cited}
    return {row.id: "works" if row.id in whole else "partial" if row.id in part else "absent" for row in catalogue}


def _sums(title: str, groups: list[tuple[str, list[str]]]) -> list[str]:
    lines = [f"| {title} | works | partial | absent | rows |", "|---|---:|---:|---:|---:|"]
    for name, found in groups:
        counts = Counter(found)
        lines.append(f"| {name} | " + " | ".join(str(counts[state]) for state in STATES) + f" | {len(found)} |")
    return lines


def sums(catalogue: list[Row], state: dict[str, str]) -> list[str]:
    """The sums by chapter and by service as two tables."""
    chapters = {row.id[0]: [state[one.id] for one in catalogue if one.id[0] == row.id[0]] for row in catalogue}
    owners = {row.owner: [state[one.id] for one in catalogue if one.owner == row.owner] for row in catalogue}
    whole = [("all", list(state.values()))]
    return [*_sums("chapter", [*chapters.items(), *whole]), "", *_sums("service", [*owners.items(), *whole])]


def document() -> str:
    """The page. Raises `ValueError` naming each citation that is wrong."""
    text = CATALOGUE.read_text()
    catalogue = rows(text)
    cited, wrong = citations({row.id for row in catalogue})
    if wrong:
        raise ValueError("\n".join(wrong))
    state = states(catalogue, cited)
    titles = dict(re.findall(r"^### ([A-EX])\. (.+)$", text, re.MULTILINE))
    lines = [
        "# Coverage: which rows of the catalogue the tests show",
        "",
        "Written by `python -m tests.coverage` from the tests themselves; a test fails when it is out of date. A row *works* when a test",
        "asserts all that it wants, what is refused included; it is *partial* when tests assert parts of it, and *absent* when no test",
        "cites it. What each row wants is in the [catalogue](catalogue.md).",
        "",
        *sums(catalogue, state),
    ]
    for chapter in dict.fromkeys(row.id[0] for row in catalogue):
        lines += [
            "",
            f"## {chapter}. {titles.get(chapter, '')}",
            "",
            "| row | state | 中文 | meaning | owner | tests |",
        ]
        lines.append("|---|---|---|---|---|---|")
        for row in catalogue:
            if row.id[0] == chapter:
                tests = [f"`{one.test}`" + ("" if one.whole else " (part)") for one in cited if one.row == row.id]
                shown = (row.id, state[row.id], row.chinese, row.meaning, row.owner, "<br>".join(sorted(tests)))
                lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page; print the rows by state and the sums."""
    COVERAGE.write_text(document())
    catalogue = rows(CATALOGUE.read_text())
    cited, _ = citations({row.id for row in catalogue})
    state = states(catalogue, cited)
    for one in STATES:
        found = [row.id for row in catalogue if state[row.id] == one]
        print(f"{one} ({len(found)}): {' '.join(found)}\n")
    print("\n".join(sums(catalogue, state)))


if __name__ == "__main__":
    main()
