"""Source lines a row of the catalogue. `python -m tests.lines [ROWS]`: on average, and what the last ROWS (20) rows have added."""

from __future__ import annotations

import re
import subprocess
import sys

from shared.words import ROOT

PAGE = "docs/coverage.md"
SOURCES = ("services/registry", "shared", "services")


def git(*words: str) -> str:
    """What git answers."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def working(page: str, of: str) -> int:
    """How many rows of a service (or `all`) work, as the page of coverage says."""
    found = re.search(rf"^\| {of} \| (\d+) \|", page.partition("| service |")[2], re.MULTILINE)
    return int(found[1]) if found else 0


def lines(folder: str) -> int:
    """Lines of Python below a folder."""
    return sum(path.read_text().count("\n") for path in (ROOT / folder).rglob("*.py"))


def before(rows: int) -> tuple[str, int]:
    """The last commit with at most so many rows that work, and how many there were."""
    for commit in git("log", "--format=%h", "--", PAGE).split():
        if (then := working(git("show", f"{commit}:{PAGE}"), "all")) and then <= rows:
            return commit, then
    raise SystemExit(f"there is no commit with at most {rows} rows")


def main(rows: int) -> None:
    """Print both figures."""
    page = (ROOT / PAGE).read_text()
    of_registry, of_all = working(page, "registry"), working(page, "all")
    there, kit, all_services = map(lines, SOURCES)
    print(f"registry: {there} lines / {of_registry} rows = {there / of_registry:.0f}")
    print(f"registry and shared: {there + kit} lines / {of_registry} rows = {(there + kit) / of_registry:.0f}")
    print(f"services and shared: {all_services + kit} lines / {of_all} rows = {(all_services + kit) / of_all:.0f}")
    commit, then = before(of_all - rows)
    changed = git("diff", "--numstat", "--no-renames", commit, "--", "services/*.py", "shared/*.py").splitlines()
    net = sum(int(added) - int(removed) for added, removed, _path in map(str.split, changed))
    print(f"since {commit}: {net} lines / {of_all - then} rows = {net / (of_all - then):.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
