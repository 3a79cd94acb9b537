"""Checks what Linli is made of, from files alone: licences, and advisories that somebody brought along.

    python deploy/supply_chain.py deploy/requirements.lock [--advisories FOLDER]

Licences are read from the packages that are installed where this runs. Advisories are files in OSV's form (https://ossf.github.io/osv-schema/),
one each, as osv.dev offers them for PyPI in one archive: a data centre without internet brings the unpacked archive along. Exits 1 when
a licence is not on the list below or an advisory concerns a version of the lock, 2 when it cannot tell: also when all of them
are older than a week.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

#: Licences that go with Apache-2.0, as parts of what packages call them (lower case). MPL-2.0 binds only its own files.
FITTING = ("mit", "bsd", "apache", "isc", "psf", "python software foundation", "mpl-2.0", "mozilla public license 2.0")
#: Days after which advisories are too old to tell anything.
STALE = 7
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)


def locked(path: Path) -> dict[str, str]:
    """The packages of a lock file with their versions."""
    found = {str(canonicalize_name(name)): version for name, version in _PINNED.findall(path.read_text())}
    if not found:
        raise SystemExit(f"{path} names no package with its version")
    return found


def licence_of(package: Distribution) -> str:
    """What a package says its licence is; "" when it does not."""
    about = package.metadata
    classified = [
        line.rpartition("::")[2].strip()
        for line in about.get_all("Classifier", [])
        if line.startswith("License ::") and line.rpartition("::")[2].strip() != "OSI Approved"
    ]
    said = about.get("License-Expression") or "; ".join(classified) or about.get("License") or ""
    return " ".join(said.split())[:80]


def fits(licence: str) -> bool:
    """Whether a licence is on the list; of several (`or`, `;`) one is enough, of those joined by `and` all are needed."""
    words = licence.lower()
    return any(
        all(any(part in one for part in FITTING) for one in way.split(" and ")) for way in re.split(r" or |;", words)
    )


def advisories(folder: Path) -> Iterator[dict[str, Any]]:
    """The advisories of a folder."""
    for path in sorted(folder.rglob("*.json")):
        found = json.loads(path.read_text())
        if not found.get("withdrawn"):
            yield found


def concerns(advisory: dict[str, Any], name: str, version: str) -> bool:
    """Whether an advisory is about this version of a package."""
    for affected in advisory.get("affected", ()):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI" or canonicalize_name(package.get("name", "")) != name:
            continue
        if version in affected.get("versions", ()):
            return True
        if any(
            _within(one.get("events", ()), version)
            for one in affected.get("ranges", ())
            if one.get("type") == "ECOSYSTEM"
        ):
            return True
    return False


def _within(events: Any, version: str) -> bool:
    """Whether a version lies in a range, whose events are in order: introduced, then fixed or last_affected."""
    ours, inside = Version(version), False
    for event in events:
        try:
            if "introduced" in event:
                inside = inside or event["introduced"] == "0" or ours >= Version(event["introduced"])
            elif "fixed" in event:
                inside = inside and ours < Version(event["fixed"])
            elif "last_affected" in event:
                inside = inside and ours <= Version(event["last_affected"])
        except InvalidVersion:
            return True  # who cannot tell looks
    return inside


def main(arguments: list[str] | None = None) -> int:
    """Print what does not fit; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lock", type=Path)
    parser.add_argument("--advisories", type=Path, help="folder of files in OSV's form")
    asked = parser.parse_args(arguments)
    packages = locked(asked.lock)
    poor, unknown = [], []
    for name, version in packages.items():
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            unknown.append(f"{name} {version} is not installed here, so its licence cannot be read")
            continue
        if installed.version != version:
            unknown.append(f"{name} {installed.version} is installed, {version} is locked")
        licence = licence_of(installed)
        if not licence:
            unknown.append(f"{name} does not say what its licence is")
        elif not fits(licence):
            poor.append(f"{name} {version}: licence {licence!r} is not on the list of deploy/supply_chain.py")
    if asked.advisories is None:
        print("advisories: not checked; none were brought along (--advisories FOLDER)")
    elif not (brought := list(advisories(asked.advisories))):
        unknown.append(f"{asked.advisories} holds no advisory")
    else:
        for one in brought:
            for name, version in packages.items():
                if concerns(one, name, version):
                    poor.append(f"{name} {version}: {one['id']} {one.get('summary', '')}".rstrip())
        newest = max(str(one.get("modified", ""))[:10] for one in brought)
        print(f"advisories: {len(brought)} compared, the newest of {newest or 'no day'}")
        if newest < (date.today() - timedelta(STALE)).isoformat():
            unknown.append(f"advisories: none is of the last {STALE} days; bring newer ones along")
    for line in (*poor, *unknown):
        print(line, file=sys.stderr)
    print(f"licences: {len(packages)} packages, {len(poor) + len(unknown)} findings")
    return 1 if poor else 2 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
