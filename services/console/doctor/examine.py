"""Runs the checks of `linli doctor` and prints their findings.

The checks change nothing: broker objects are declared passively or as they are, writes match no document.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from services.console.catalogue import SERVICES
from services.console.doctor.broker import broker
from services.console.doctor.database import database
from services.console.doctor.files import data_folder, files
from services.console.doctor.finding import Finding, State
from services.console.doctor.history import histories
from services.console.doctor.keys import secrets
from services.console.doctor.powers import powers
from services.console.output import out
from shared.domain.errors import BadInputError, LinliError
from shared.service.settings import Settings

Check = Callable[[], Iterable[Finding]]


def examine(settings: Settings, services: list[str]) -> dict[str, Any]:
    """Run all checks for the configured shape; a check that raises counts as failed."""
    for name in services:
        if name not in SERVICES:
            raise BadInputError(f"there is no service {name!r}; there are {', '.join(SERVICES)}")
    found = list(_findings(settings, services or list(SERVICES)))
    return {
        "shape": "city" if settings.mongodb_uri or settings.amqp_uri != "linli://embedded" else "embedded",
        "checks": [msgspec.to_builtins(finding) for finding in found],
        "failed": sum(finding.state == "failed" for finding in found),
        "warnings": sum(finding.state == "warning" for finding in found),
    }


def _findings(settings: Settings, services: list[str]) -> Iterator[Finding]:
    checks: list[tuple[str, Check]] = [
        ("versions", versions),
        ("data folder", lambda: data_folder(settings)),
        ("secrets", lambda: secrets(settings)),
    ]
    if settings.mongodb_uri:
        checks.append(("MongoDB", lambda: database(settings, services)))
    else:
        checks.append(("files", lambda: files(settings)))
    checks.append(("history", lambda: histories(settings, services)))
    if settings.amqp_uri != "linli://embedded":
        checks.append(("broker", lambda: broker(settings, services)))
    checks.append(("powers", lambda: powers(settings, services)))
    for name, check in checks:
        try:
            yield from check()
        except LinliError as error:
            yield Finding(name, "failed", error.message, "put this right first; what else there is to check needs it")
        except OSError as error:
            yield Finding(name, "failed", str(error), "put this right first; what else there is to check needs it")


def versions() -> Iterator[Finding]:
    """Check Python and the libraries that have to be of a tested version."""
    state: State = "ok" if sys.version_info >= (3, 11) else "failed"
    yield Finding("Python", state, sys.version.split()[0], "" if state == "ok" else "Python 3.11 or later is needed")
    pinned = {"nameko": "2.14.1", "pymongo": "4.15.", "eventlet": "0.41.", "kombu": "5.7."}
    found = {name: version(name) for name in pinned}
    wrong = [name for name, prefix in pinned.items() if not found[name].startswith(prefix)]
    said = ", ".join(f"{name} {number}" for name, number in found.items())
    advice = (
        f"install {', '.join(f'{name} {pinned[name]}' for name in wrong)}: other versions were not tested"
        if wrong
        else ""
    )
    yield Finding("libraries", "warning" if wrong else "ok", said, advice)


def print_examined(report: Mapping[str, Any]) -> None:
    """Print one line per check, followed by its advice if any."""
    colours = {"ok": "green", "warning": "yellow", "failed": "red"}
    for finding in report["checks"]:
        out.print(f"{finding['state']:8}", style=colours[finding["state"]], end=" ")
        out.print(f"{finding['check']}: {finding['message']}", soft_wrap=True)
        if finding["advice"]:
            out.print(f"         → {finding['advice']}", soft_wrap=True)
    out.print(f"{len(report['checks'])} checks, {report['failed']} failed, {report['warnings']} warnings")
