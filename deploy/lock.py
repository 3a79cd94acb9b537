"""Writes the lock files: every package of the image, and every package that runs or tests Linli, with the hashes of its files.

    python deploy/lock.py .venv-tools/bin/pip-compile

The first line of a lock names what it was made of by a digest; `stale` tells when that has changed since. Run it with Python 3.11.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "deploy" / "constraints.txt"
#: Each lock with the extras of pyproject.toml that it covers besides what always runs.
LOCKS: dict[str, tuple[str, ...]] = {"requirements.lock": (), "requirements-test.lock": ("bench", "test")}
_MADE_OF = re.compile(r"^# Made by `make lock` .* sha256:([0-9a-f]{64})$", re.MULTILINE)


def wanted(lock: str, root: Path = ROOT) -> list[str]:
    """What pyproject.toml asks for, as a lock is made of it."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = [text for extra in LOCKS[lock] for text in project["optional-dependencies"][extra]]
    return sorted({*project["dependencies"], *extras})


def digest(lock: str, root: Path = ROOT) -> str:
    """The digest of all that a lock is made of."""
    parts = [*wanted(lock, root), *(root / "deploy" / CONSTRAINTS.name).read_text().split()]
    return sha256("\n".join(parts).encode()).hexdigest()


def stale(root: Path = ROOT) -> list[str]:
    """The locks that were made of something else than what stands there now."""
    found = {name: _MADE_OF.search((root / "deploy" / name).read_text()) for name in LOCKS}
    return [name for name, line in found.items() if line is None or line[1] != digest(name, root)]


def write(pip_compile: str, lock: str) -> None:
    """Ask the package index for the hashes, and write a lock."""
    with tempfile.TemporaryDirectory() as folder:
        asked, made = Path(folder) / "requirements.in", Path(folder) / "made.lock"
        asked.write_text("\n".join(wanted(lock)) + "\n")
        options = ["--quiet", "--generate-hashes", "--allow-unsafe", "--strip-extras"]
        options += ["--no-header", "--no-annotate", "--no-emit-options", "--constraint", str(CONSTRAINTS)]
        subprocess.run([pip_compile, *options, "--output-file", str(made), str(asked)], check=True)
        lines = [line for line in made.read_text().splitlines() if line.strip() and not line.startswith("#")]
    about = "what the image installs" if not LOCKS[lock] else "all that runs or tests Linli"
    head = f"# Made by `make lock` for Python 3.11: {about}, each file by its hash. Made of sha256:{digest(lock)}"
    (ROOT / "deploy" / lock).write_text("\n".join([head, *lines]) + "\n")


if __name__ == "__main__":
    for name in LOCKS:
        write(sys.argv[1], name)
