"""A data folder and a backup of the version before: this one opens them, folds its own views of them and gives the same figures.

`old/city.tar.xz` holds both, of the neighbourhood's year as that version told it; `old/figures.json` what it answered then, and
`old/verify.json` its heads and its ledger.
"""

from __future__ import annotations

import json
import shutil
import signal
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.backups import City
from tests.upgrade.questions import DAY, Asker, answers, differences

OLD = Path(__file__).parent / "old"
FIGURES = json.loads((OLD / "figures.json").read_text())
VERIFIED = json.loads((OLD / "verify.json").read_text())
#: Before anything of the story was due, so that the clock records nothing that the figures do not know.
BEFORE_THE_STORY = {"LINLI_TODAY": "2024-12-31"}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder `city`, the backup `backup` and its keys `keys`, as the version before left them."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(OLD / "city.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@contextmanager
def running(city: City) -> Iterator[str]:
    """Serve a city; gives its address."""
    city.environment |= BEFORE_THE_STORY
    process = city.start()
    try:
        yield f"http://127.0.0.1:{city.environment['LINLI_PORT']}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def check(city: City) -> None:
    """The figures are those of the version before, and all proofs hold."""
    with running(city) as url:
        found = answers(Asker(url, city.folder))
        replayed = city.report("replay")
    assert list(differences(FIGURES, found)) == []
    assert replayed["differences"] == []
    verified = city.report("verify")
    assert verified["verified"]
    assert of_others(verified) == of_others(VERIFIED)
    # the audit service notes who signed in to ask, and all of it is in the ledger
    noted = sum(log["events"] for log in verified["logs"]) - sum(log["events"] for log in VERIFIED["logs"])
    assert noted > 0 and verified["ledger"]["entries"] - VERIFIED["ledger"]["entries"] == noted


def of_others(verified: dict[str, Any]) -> list[dict[str, Any]]:
    """The logs but for that of the audit service."""
    return [log for log in verified["logs"] if log["service"] != "audit"]


def test_a_data_folder_of_the_version_before_opens(old: Path, tmp_path: Path) -> None:
    city = City(tmp_path / "city")
    shutil.copytree(old / "city", city.folder)
    verified = city.report("verify")
    ledger = {name: verified["ledger"][name] for name in VERIFIED["ledger"]}
    assert (verified["logs"], ledger) == (VERIFIED["logs"], VERIFIED["ledger"])
    check(city)
    check(city)  # and once more, on the views that were folded anew


def test_what_only_people_can_decide_after_an_upgrade_is_said_by_the_doctor(old: Path, tmp_path: Path) -> None:
    """No role gets a power by itself: the doctor names those that nobody has, until somebody gives them."""
    city = City(tmp_path / "city")
    shutil.copytree(old / "city", city.folder)
    city.folder.chmod(0o700)  # as the first start will have it; the doctor asks for that too

    def powers() -> dict[str, dict[str, str]]:
        found = {one["check"]: one for one in city.report("doctor", LINLI_TODAY="")["checks"]}
        return {service: found[f"powers, {service}"] for service in ("issues", "funding")}

    assert powers()["issues"]["message"] == "its lists are those of another release"
    with running(city) as url:
        said = powers()["issues"]
        assert said["state"] == "warning" and "adopt_entry" in said["advice"]
        assert "issue.read_reporter (Read who reported an issue)" in said["message"]
        asker = Asker(url, city.folder)
        rows = asker.ask("registry/find_entries", {"kind": "roles", "on": DAY})["rows"]
        worker = next(row for row in rows if row["code"] == "grid_worker")
        given = worker["data"] | {"powers": [*worker["data"]["powers"], "issue.read_reporter"]}
        adopt = {"kind": "roles", "code": "grid_worker", "zh": worker["zh"], "en": worker["en"], "data": given}
        asker._send("registry/adopt_entry", adopt, asker._tokens[""])
        said = powers()["issues"]
        assert "issue.read_reporter" not in said["message"] and "issue.read_confidential" in said["message"]


def test_a_backup_of_the_version_before_is_restored(old: Path, tmp_path: Path) -> None:
    city = City(tmp_path / "city")
    report = city.report("restore", str(old / "backup"), "--keys", str(old / "keys"))
    assert {name: log["digest"] for name, log in report["logs"].items()} == {
        log["service"]: log["digest"] for log in VERIFIED["logs"] if log["events"]
    } | {"audit": report["logs"]["audit"]["digest"]}
    shutil.copy(old / "city" / "demo-accounts.json", city.folder)
    check(city)


def test_what_differs_is_named_and_what_is_new_is_not() -> None:
    before = {"figures": {"collected": 2, "late": 0, "as_of": 1}, "rows": [{"id": "a"}]}
    after = {"figures": {"collected": 3, "overdue": 1, "as_of": 9}, "rows": [{"id": "a", "name": "b"}]}
    assert list(differences(before, after)) == [".figures.collected: 2 became 3"]
    assert list(differences({"rows": [1]}, {"rows": []})) == [".rows: [1] became []"]
