"""What a change costs: `python -m tests.bench.cost` prints how many files name a command, what lacks words, and how long the code is.

Nothing here is timed but the domain specs (`--specs`), whose CPU seconds are those of one run; `--portal` tries each command.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

from services.console.catalogue import OWNERS, definition
from tests.kit.words import missing, of_kit, of_service

ROOT = Path(__file__).resolve().parents[2]
#: Where a command could be named by the program: not in tests, stories and documents.
_SOURCES = ("services", "shared", "deploy/kubernetes", "deploy/prometheus")
_KINDS = {".py", ".po", ".html", ".json", ".js", ".yml", ".yaml"}


def _files() -> list[Path]:
    return [path for folder in _SOURCES for path in (ROOT / folder).rglob("*") if path.suffix in _KINDS]


def naming() -> dict[str, list[str]]:
    """Each declared command with the files that name it."""
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(errors="ignore") for path in _files()}
    names = [name for owner in OWNERS for name in definition(owner).commands]
    return {
        name: sorted(path for path, text in texts.items() if re.search(rf"\b{name}\b", text)) for name in sorted(names)
    }


def lines(folder: str) -> int:
    """Lines of Python in a folder."""
    return sum(len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py"))


def spec_seconds() -> float:
    """CPU seconds of the domain specs for somebody who has run them before: what Python compiled is kept (in `build/bytecode`)."""
    kept = {"PYTHONPYCACHEPREFIX": str(ROOT / "build" / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    specs, environment = [sys.executable, "-m", "pytest", "-q", "tests/domain"], os.environ | kept
    subprocess.run([*specs, "--collect-only"], cwd=ROOT, env=environment, check=True, capture_output=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(specs, cwd=ROOT, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def clicked() -> str:
    """How many commands can be done in the portal by clicking, of how many, as its test has found."""
    test = [sys.executable, "-m", "pytest", "-q", "-s", "tests/component/gateway/test_every_command.py"]
    said = subprocess.run(test, cwd=ROOT, capture_output=True, text=True).stdout
    found = re.search(r"commands that the portal can do: (\d+ of \d+)", said)
    return found[1] if found else "unknown: the test did not end"


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--specs", action="store_true", help="run the domain specs and print their CPU seconds")
    options.add_argument(
        "--portal", action="store_true", help="try each command in the portal and print how many it can do"
    )
    chosen = options.parse_args()
    named = naming()
    counts = [len(paths) for paths in named.values()]
    print(f"declared commands                 {len(named)}")
    print(f"files that name a command         median {median(counts):g}, most {max(counts)}")
    for name, paths in named.items():
        if len(paths) > 2:
            print(f"  {name}: {', '.join(paths)}")
    needed = {"kit": of_kit()} | {owner: of_service(owner) for owner in OWNERS}
    for owner, keys in needed.items():
        print(f"words of {owner:<24} {len(keys)} needed, {len(missing(keys))} without")
    for folder in (
        "shared/domain",
        "shared/following",
        "shared/service",
        "shared/log",
        "shared/views",
        "shared/broker",
    ):
        print(f"lines in {folder:<24} {lines(folder)}")
    for owner in (*OWNERS, "gateway", "console"):
        print(f"lines in services/{owner:<15} {lines(f'services/{owner}')}")
    print(f"lines in services and shared      {lines('services') + lines('shared')}")
    if chosen.portal:
        print(f"commands done by clicking         {clicked()}")
    if chosen.specs:
        print(f"domain specs                      {spec_seconds():.1f} s CPU")


if __name__ == "__main__":
    main()
