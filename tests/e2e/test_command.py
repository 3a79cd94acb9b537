"""The `linli` command when something is wrong: a clear line, the right exit code, nothing changed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-W", "ignore", "-m", "services.console"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "LINLI_DATA": str(tmp_path / "data"),
        "LINLI_PORT": str(free_port()),
        "LINLI_LOG_LEVEL": "warning",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Linli, embedded, answering."""
    with (tmp_path / "up.log").open("wb") as log:
        process = subprocess.Popen([*COMMAND, "up"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{environment['LINLI_PORT']}/health/ready"
    deadline = time.monotonic() + 40
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "up.log").read_text()
            time.sleep(0.1)
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """It failed with this code and said these words on stderr, without a traceback."""
    assert done.returncode == code, done.stderr
    text = " ".join(done.stderr.split())
    assert all(word in text for word in words), done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def test_wrong_settings_are_named(run: Run) -> None:
    refused(run("up", LINLI_PORT="many"), 2, "LINLI_PORT must be a whole number")
    refused(run("up", LINLI_LOG_LEVEL="loud"), 2, "LINLI_LOG_LEVEL must be one of")
    refused(run("up", LINLI_SECRET_FILE="/nowhere/secret"), 2, "LINLI_SECRET_FILE /nowhere/secret does not exist")
    refused(run("up", "issues"), 2, "a single service needs a broker")
    refused(run("up", "nobody", AMQP_URI="amqp://127.0.0.1"), 2, "there is no service 'nobody'")


def test_a_city_that_is_not_running_is_said_so(run: Run, environment: dict[str, str]) -> None:
    refused(run("status"), 3, "operator.token cannot be read", "start `linli up` once")
    refused(run("verify"), 3, "does not exist")
    Path(environment["LINLI_DATA"]).mkdir()
    Path(environment["LINLI_DATA"], "operator.token").write_text("x")
    refused(run("status"), 3, "does not answer", "is `linli up` running?")


def test_a_folder_of_a_newer_version_is_left_alone(run: Run, environment: dict[str, str]) -> None:
    data = Path(environment["LINLI_DATA"])
    data.mkdir()
    with sqlite3.connect(data / "issues.log.sqlite") as file:
        file.execute("CREATE TABLE commits (a)")
        file.execute("PRAGMA application_id = 1280076903")  # LLlg
        file.execute("PRAGMA user_version = 99")
    before = (data / "issues.log.sqlite").read_bytes()
    refused(
        run("up"), 3, "issues.log.sqlite was written by a newer version of Linli (format 99", "start the newer program"
    )
    assert (data / "issues.log.sqlite").read_bytes() == before


def test_a_folder_in_use_is_not_shared(running: subprocess.Popen[bytes], run: Run) -> None:
    refused(run("up"), 3, "is in use by another Linli process")


def test_it_stops_within_ten_seconds(running: subprocess.Popen[bytes], run: Run) -> None:
    """SIGTERM and Ctrl-C end it in time and cleanly; the files verify afterwards (R3)."""
    assert run("status").returncode == 0
    started = time.monotonic()
    running.send_signal(signal.SIGTERM)
    assert running.wait(15) == 0
    assert time.monotonic() - started < 10
    done = run("verify")
    assert done.returncode == 0, done.stderr
    assert "every chain and the Merkle tree hold" in done.stdout


def test_a_changed_record_is_found(running: subprocess.Popen[bytes], run: Run, environment: dict[str, str]) -> None:
    """Somebody with access to the files changes one character of one record (R4)."""
    from services.console.client import operator
    from shared.service.settings import Settings

    client = operator(Settings.read(environment), None)
    for number in range(3):
        person = {"person_id": f"p-{number}", "name": "林小满"}
        client.post("/api/registry/register_person", person, {"Idempotency-Key": f"person-{number}"})
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert run("verify").returncode == 0
    with sqlite3.connect(Path(environment["LINLI_DATA"], "registry.log.sqlite")) as log:
        log.execute("DROP TRIGGER commits_never_change")
        log.execute("UPDATE commits SET body = CAST(replace(body, 'p-1', 'p-9') AS BLOB) WHERE position = 2")
    refused(run("verify"), 1, "log registry: position 2: the record was changed")


@pytest.mark.parametrize("body", [b"\xff\xfe\x00\xff", b"", b"[1]"])
def test_a_record_that_cannot_be_read_is_said_in_a_sentence(
    running: subprocess.Popen[bytes], run: Run, environment: dict[str, str], body: bytes
) -> None:
    """F13: by whoever reads it first, and the city does not start on it."""
    from services.console.client import operator
    from shared.service.settings import Settings

    person = {"person_id": "p-1", "name": "林小满"}
    operator(Settings.read(environment), None).post("/api/registry/register_person", person)
    running.send_signal(signal.SIGKILL)
    running.wait()
    with sqlite3.connect(Path(environment["LINLI_DATA"], "registry.log.sqlite")) as log:
        (trigger,) = log.execute("SELECT sql FROM sqlite_master WHERE name = 'commits_never_change'").fetchone()
        log.execute("DROP TRIGGER commits_never_change")
        last = "position = (SELECT max(position) FROM commits)"
        assert log.execute(f"UPDATE commits SET body = ? WHERE {last}", (body,)).rowcount == 1
        log.execute(trigger)
    for command in ("verify", "replay", "up"):
        refused(run(command), 1, "does not decode")


def test_files_of_secrets_that_hold_no_text_are_named(run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00" * 20)
    (tmp_path / "lines").write_text("a token\nand more\n")
    for name, reason in (("binary", "holds no text in UTF-8"), ("lines", "something else than one line")):
        given = {"LINLI_OPERATOR_TOKEN_FILE": str(tmp_path / name)}
        refused(run("up", **given), 2, "LINLI_OPERATOR_TOKEN_FILE", reason)
        refused(run("status", **given), 2, "LINLI_OPERATOR_TOKEN_FILE", reason)
        uri = {"AMQP_URI": "amqp://linli@localhost//", "AMQP_PASSWORD_FILE": str(tmp_path / name)}
        refused(run("up", "registry", **uri), 2, "AMQP_PASSWORD_FILE", reason)


def test_a_port_in_use_is_said_so(
    running: subprocess.Popen[bytes], run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    refused(run("up", LINLI_DATA=str(tmp_path / "other")), 3, f"port {environment['LINLI_PORT']}", "already in use")


def test_an_operator_signs_in_by_name_and_out_for_good(
    running: subprocess.Popen[bytes], run: Run, environment: dict[str, str]
) -> None:
    from services.console.client import SIGN_IN, operator
    from shared.service.settings import Settings

    account = {"username": "lin", "password": "violet kettle 73", "kind": "operator"}
    operator(Settings.read(environment), None).post("/api/accounts", account)
    refused(run("sign-in", "lin", "--password", "wrong", "--code", ""), 1, "the name or the password is wrong")
    signed = run("sign-in", "lin", "--password", "violet kettle 73", "--code", "")
    assert (signed.returncode, signed.stdout) == (0, "signed in as lin\n")
    token = Path(environment["LINLI_DATA"], SIGN_IN)
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    kept = token.read_text()
    assert "nothing waits" in run("request", "list").stdout
    refused(run("request", "confirm", "r-1"), 1, "there is no request r-1")
    assert run("sign-out").stdout == "signed out\n" and not token.exists()
    assert "nobody is signed in" in run("sign-out").stdout
    token.write_text(kept)
    refused(run("status"), 1, "sign in again")
    token.unlink()
    acts = json.loads(run("security", "--json").stdout)["rows"]
    told = {(row["act"], row["by"], row["account"]) for row in acts}
    assert {("account_made", "operator:token", "lin"), ("signed_in", "operator:lin", "lin")} <= told
    assert {("signed_out", "operator:lin", ""), ("sign_in_failed", "", "lin")} <= told
    assert "account_made" in run("security", "--act", "account_made").stdout.replace("\n", "").replace(" ", "")


def test_every_word_has_its_help(run: Run) -> None:
    words = ("up", "status", "verify", "replay", "export", "rebuild", "case show", "scenario run", "scenario check")
    words = (*words, "sign-in", "sign-out", "security", "request list", "request confirm", "request decline")
    for word in (*words, "park list", "park retry", "park skip", "key show", "key change", "key lost", "witness"):
        done = run(*word.split(), "--help")
        assert done.returncode == 0 and "Usage" in done.stdout, word
