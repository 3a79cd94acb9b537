"""What all tests share: which database they use is said, what is about MongoDB is marked, and hardly anything may be skipped."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import mongo

#: Fixtures that are a database over MongoDB's protocol.
_DATABASES = {"database", "guarded", "mongodb", "replica_set"}


#: Cities of tests are trials, where one person may do alone what otherwise takes two; tests of operators say otherwise.
os.environ.setdefault("LINLI_TRIAL", "yes")

#: Where a crash of the interpreter is told; `make` prints its start last, as CI keeps the end of what is printed.
CRASH = Path(os.environ.get("LINLI_CRASH") or Path(__file__).resolve().parent.parent / "build" / "crash.txt")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let a crash be told in a file: pytest's own way is among everything else."""
    CRASH.parent.mkdir(exist_ok=True)
    told = CRASH.open("w")
    config.add_cleanup(told.close)
    faulthandler.enable(told)


def pytest_sessionstart() -> None:
    """A run that is asked to end takes its servers with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def pytest_report_header() -> str:
    """Name the MongoDB server, so that a figure from the stand-in is never taken for MongoDB's."""
    return mongo.header()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses MongoDB, for `make test-mongodb`."""
    for item in items:
        used = _DATABASES & set(getattr(item, "fixturenames", ()))
        if used or ("mongo" in item.nodeid and "tests/compose" not in item.nodeid and "tests/docs" not in item.nodeid):
            item.add_marker("mongodb")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Only a test that needs a real replica set may be skipped; any other skip is a failure."""
    report = yield
    if report.skipped and not item.get_closest_marker("replica_set") and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = (
            "failed",
            f"skipped, which only tests of a replica set may be: {report.longrepr}",
        )
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say once more which server it was, where a run for MongoDB ends."""
    if "mongodb" in config.getoption("markexpr"):
        terminalreporter.section(mongo.header(), bold=True)
