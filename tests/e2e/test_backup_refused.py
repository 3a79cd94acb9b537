"""A backup that is damaged, forged or not meant for this place is refused, and nothing is restored (R11, R4)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.backups import City, refused


@pytest.mark.parametrize(
    ("file", "harm"),
    [
        ("issues.log.jsonl", lambda text: text.replace(b"case before-1", b"case before-9", 1)),
        ("registry.log.jsonl", lambda text: text[:-20]),
        ("ledger.jsonl", lambda text: text + text.splitlines()[-1] + b"\n"),
        ("gateway.state.jsonl", lambda text: text.replace(b"lin", b"nil", 1)),
        ("manifest.json", lambda text: text.replace(b'"size":', b'"size":1', 1)),
        ("manifest.json", lambda text: text[:-9]),
        ("signed.jsonl", None),
    ],
)
def test_a_damaged_backup_is_refused(
    backed_up: dict[str, Any], tmp_path: Path, file: str, harm: Callable[[bytes], bytes] | None
) -> None:
    """One file changed, cut or gone: named, and nothing is restored."""
    copy = tmp_path / "backup"
    shutil.copytree(backed_up["folder"] / "backup", copy)
    if harm is None:
        (copy / file).unlink()
    else:
        text = (copy / file).read_bytes()
        assert harm(text) != text
        (copy / file).write_bytes(harm(text))
    city = City(tmp_path / "data")
    done = city.run("restore", str(copy))
    assert done.returncode == 1 and file in done.stderr and "nothing was restored" in " ".join(done.stderr.split()), (
        done.stderr
    )
    assert "Traceback" not in done.stderr
    assert not city.folder.exists()


def test_a_forged_backup_is_found_by_its_chain(backed_up: dict[str, Any], tmp_path: Path) -> None:
    """Somebody changes a record and every checksum of the manifest: the chain still says so (R4)."""
    from hashlib import sha256

    copy = tmp_path / "backup"
    shutil.copytree(backed_up["folder"] / "backup", copy)
    log = copy / "issues.log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"case before-1", b"case before-9", 1))
    manifest = json.loads((copy / "manifest.json").read_text())["manifest"]
    manifest["files"][log.name] = sha256(log.read_bytes()).hexdigest()
    text = json.dumps(manifest)
    (copy / "manifest.json").write_text(f'{{"manifest":{text},"sha256":"{sha256(text.encode()).hexdigest()}"}}')
    refused(
        City(tmp_path / "data").run("restore", str(copy)), 1, "issues.log.jsonl: position", "the record was changed"
    )


def test_refusals(backed_up: dict[str, Any], tmp_path: Path) -> None:
    """Each says what is wrong and what to do."""
    backup, city = str(backed_up["folder"] / "backup"), City(tmp_path / "data")
    refused(backed_up["city"].run("restore", backup), 1, "is not empty", "LINLI_DATA")
    refused(backed_up["city"].run("backup", backup), 2, "is not empty")
    refused(
        backed_up["city"].run("backup", str(tmp_path / "b"), "--keys", str(tmp_path / "b" / "keys")),
        2,
        "keep keys apart",
    )
    refused(city.run("restore", str(tmp_path)), 1, "manifest.json does not exist", "no backup")
    refused(city.run("restore", backup, LINLI_CITY="other.example"), 2, "LINLI_CITY: set it to linli.example")
    refused(city.run("restore", backup, "--keys", str(tmp_path)), 1, "no folder that `linli backup --keys` wrote")
    refused(city.run("restore", backup, "--to", "99999999"), 2, "entries, not 99999999")
    refused(city.run("restore", backup, "--to", "yesterday"), 2, "a time like")
    refused(city.run("restore", backup, "--to", "2026-03-01T09:00:00"), 2, "no offset from UTC")
    refused(city.run("restore", backup, "--to", "issues=many"), 2, "is not like issues=120")
    refused(city.run("restore", backup, "--to", "issues=99999999"), 2, "the log of issues ends at position")
    assert not city.folder.exists()
    city.folder.mkdir()
    (city.folder / "notes.txt").write_text("mine")
    refused(city.run("restore", backup), 1, "is not empty")
    assert [path.name for path in city.folder.iterdir()] == ["notes.txt"]
