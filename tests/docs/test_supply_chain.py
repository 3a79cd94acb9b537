"""What the image is made of is locked by hash, and the checks of licences and advisories find what they should."""

from __future__ import annotations

import importlib.util
import json
import re
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "deploy" / "requirements.lock"
TESTED = ROOT / "deploy" / "requirements-test.lock"
#: Packages of which the index has a single file, for every machine.
ONE_FILE = {"borax"}


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "deploy" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


chain, lock = _script("supply_chain"), _script("lock")


@pytest.mark.parametrize("path", [LOCK, TESTED])
def test_the_locks_hold_what_the_project_needs_in_the_versions_that_are_tested(path: Path) -> None:
    locked = chain.locked(path)
    constraints = chain.locked(ROOT / "deploy" / "constraints.txt")
    assert {name: version for name, version in locked.items() if constraints.get(name, version) != version} == {}
    assert locked.keys() - constraints.keys() == {"setuptools"}, (
        "which comes with Python, and is pinned by the lock only"
    )
    for text in lock.wanted(path.name):
        needed = Requirement(text)
        assert needed.specifier.contains(locked[canonicalize_name(needed.name)]), text


def test_what_runs_or_is_tested_is_locked_by_hash() -> None:
    locked = chain.locked(TESTED)
    assert chain.locked(ROOT / "deploy" / "constraints.txt").keys() | {"setuptools"} == locked.keys()
    assert chain.locked(LOCK).items() <= locked.items()


def test_a_lock_that_was_made_of_something_else_is_stale(tmp_path: Path) -> None:
    assert lock.stale() == [], "run `make lock`"
    (tmp_path / "deploy").mkdir()
    files = ["pyproject.toml", "deploy/constraints.txt", *(f"deploy/{name}" for name in lock.LOCKS)]
    for name in files:
        (tmp_path / name).write_text((ROOT / name).read_text())
    assert lock.stale(tmp_path) == []
    project = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(project.replace('"rfc8785==0.1.4"', '"rfc8785==0.1.3"'))
    assert lock.stale(tmp_path) == ["requirements-test.lock"], "only what is tested wants it"
    (tmp_path / "pyproject.toml").write_text(project.replace('"pyotp>=2.9,<3"', '"pyotp>=2.8,<3"'))
    assert lock.stale(tmp_path) == list(lock.LOCKS)
    (tmp_path / "pyproject.toml").write_text(project)
    constraints = tmp_path / "deploy" / "constraints.txt"
    constraints.write_text(constraints.read_text().replace("kombu==5.7.0", "kombu==5.7.1"))
    assert lock.stale(tmp_path) == list(lock.LOCKS)


@pytest.mark.parametrize("path", [LOCK, TESTED])
def test_each_package_of_the_locks_has_the_hashes_of_all_its_files(path: Path) -> None:
    entries = [entry for entry in re.split(r"\n(?=\S)", path.read_text().strip()) if not entry.startswith("#")]
    assert len(entries) == len(chain.locked(path))
    hashes = {entry.partition("==")[0]: re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry) for entry in entries}
    assert {name for name, found in hashes.items() if len(found) < 2} <= ONE_FILE, (
        "one hash is that of one machine's file"
    )


def test_the_image_and_the_tests_are_installed_by_hash() -> None:
    assert "--require-hashes --requirement requirements.lock" in (ROOT / "deploy" / "Dockerfile").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert "--require-hashes --requirement deploy/$(2)" in makefile
    for target, given in (
        ("$(VENV)/installed", "$(VENV),requirements.lock"),
        ("$(VENV)/tested", "$(VENV),requirements-test.lock,[test]"),
        (".venv-bench/installed", ".venv-bench,requirements-test.lock,[bench]"),
    ):
        recipe = makefile.split(f"\n{target}:")[1].split("\n\n")[0]
        assert f"$(call INSTALL,{given})" in recipe
        assert "pip install" not in recipe.replace("$(VENV)/client/bin/python -m pip install", "")
    assert {"make lint types imports", "make test", "make city"} <= set((ROOT / ".ci" / "run").read_text().splitlines())


def test_what_the_image_copies_is_sent_to_its_build() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert {source for line in copied for source in line.split()} == sent


@pytest.mark.parametrize(
    ("licence", "fits"),
    [
        ("MIT", True),
        ("BSD-3-Clause", True),
        ("Apache-2.0 OR GPL-3.0", True),
        ("Apache-2.0 AND GPL-3.0", False),
        ("GPL-2.0-only", False),
        ("Proprietary", False),
    ],
)
def test_only_fitting_licences_pass(licence: str, fits: bool) -> None:
    assert chain.fits(licence) is fits


def _advisory(**affected: Any) -> dict[str, Any]:
    return {
        "id": "PYSEC-1",
        "modified": f"{date.today()}T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "Some_Thing"}} | affected],
    }


def _range(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.mark.parametrize(
    ("affected", "version", "concerned"),
    [
        ({"versions": ["1.0", "1.1"]}, "1.1", True),
        ({"versions": ["1.0", "1.1"]}, "1.2", False),
        (_range({"introduced": "0"}, {"fixed": "1.2"}), "1.1", True),
        (_range({"introduced": "0"}, {"fixed": "1.2"}), "1.2", False),
        (_range({"introduced": "1.0"}, {"last_affected": "1.2"}), "1.2", True),
        (_range({"introduced": "1.0"}, {"last_affected": "1.2"}), "1.3", False),
        (_range({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}, {"fixed": "2.1"}), "1.5", False),
        (_range({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}, {"fixed": "2.1"}), "2.0.5", True),
    ],
)
def test_an_advisory_concerns_the_versions_that_it_names(affected: Any, version: str, concerned: bool) -> None:
    assert chain.concerns(_advisory(**affected), "some-thing", version) is concerned
    assert not chain.concerns(_advisory(**affected), "other", version)


def test_a_finding_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "lock"
    lock.write_text("some-thing==1.1 \\\n    --hash=sha256:00\n")
    metadata = {"License-Expression": "MIT"}
    found = SimpleNamespace(version="1.1", metadata=SimpleNamespace(get=metadata.get, get_all=lambda *_: []))
    monkeypatch.setattr(chain, "distribution", lambda name: found)
    assert chain.main([str(lock)]) == 0
    assert "not checked" in capsys.readouterr().out
    assert chain.main([str(lock), "--advisories", str(tmp_path)]) == 2, "none there: cannot tell"
    (tmp_path / "a.json").write_text(json.dumps(_advisory(versions=["1.1"])))
    assert chain.main([str(lock), "--advisories", str(tmp_path)]) == 1
    assert "PYSEC-1" in capsys.readouterr().err
    (tmp_path / "a.json").write_text(json.dumps(_advisory(versions=["1.0"])))
    assert chain.main([str(lock), "--advisories", str(tmp_path)]) == 0
    old = {"modified": f"{date.today() - timedelta(chain.STALE + 1)}T00:00:00Z"}
    (tmp_path / "a.json").write_text(json.dumps(_advisory(versions=["1.0"]) | old))
    assert chain.main([str(lock), "--advisories", str(tmp_path)]) == 2, "too old to tell"
    assert "bring newer ones along" in capsys.readouterr().err
    metadata["License-Expression"] = "GPL-3.0"
    assert chain.main([str(lock)]) == 1
    metadata["License-Expression"] = ""
    assert chain.main([str(lock)]) == 2
