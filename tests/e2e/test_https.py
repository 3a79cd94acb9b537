"""Linli with a certificate: the portal, the operators' port, `linli` and the health check speak HTTPS, and nothing answers plain text."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import free_port
from tests.tunnel import Authority

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    authority = Authority(tmp_path)
    return os.environ | {
        "LINLI_DATA": str(tmp_path / "data"),
        "LINLI_HOST": "localhost",
        "LINLI_PORT": str(free_port()),
        "LINLI_METRICS_PORT": str(free_port()),
        "LINLI_CERTIFICATE_FILE": str(authority.issue("localhost")),
        "LINLI_CA_FILE": str(authority.file),
        "LINLI_LOG_LEVEL": "warning",
    }


def run(environment: dict[str, str], *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    given = [sys.executable, "-W", "ignore", "-m", *command]
    return subprocess.run(given, cwd=ROOT, env=environment | variables, capture_output=True, text=True, timeout=60)


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-W", "ignore", "-m", "services.console", "up"]
    with (tmp_path / "up.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while run(environment, "services.console.probe").returncode:
        assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "up.log").read_text()
        time.sleep(0.2)
    yield environment
    process.kill()
    process.wait()


def answered(environment: dict[str, str], port: str, text: bytes) -> bytes:
    """What comes back for plain text."""
    with socket.create_connection(("localhost", int(environment[port])), 10) as line:
        line.sendall(text)
        try:
            return line.recv(4096)
        except ConnectionResetError:
            return b""


def test_everything_speaks_https_and_nothing_else(running: dict[str, str]) -> None:
    context = ssl.create_default_context(cafile=running["LINLI_CA_FILE"])
    silent = [socket.create_connection(("localhost", int(running["LINLI_METRICS_PORT"])), 10) for _ in range(20)]
    for port, path, word in (
        ("LINLI_PORT", "/health/ready", b"ok"),
        ("LINLI_METRICS_PORT", "/health/ready", b"ok"),
        ("LINLI_METRICS_PORT", "/metrics", b"linli_http_requests"),
    ):
        with urllib.request.urlopen(f"https://localhost:{running[port]}{path}", timeout=10, context=context) as answer:
            assert word in answer.read(), "and those who connect and say nothing hold nobody up"
        plain = answered(running, port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b"HTTP/1.1 200" not in plain and word not in plain
    for line in silent:
        line.close()
    with urllib.request.urlopen(f"https://localhost:{running['LINLI_PORT']}/", timeout=10, context=context) as page:
        assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
        assert page.headers["Set-Cookie"] is None or "__Host-" in page.headers["Set-Cookie"]
    told = run(running, "services.console", "status", "--json")
    assert told.returncode == 0 and json.loads(told.stdout), told.stderr
    other = run(running, "services.console", "status", LINLI_CA_FILE="")
    assert other.returncode == 3 and "CERTIFICATE_VERIFY_FAILED" in other.stderr, "another authority is not believed"
    assert run(running, "services.console.probe", LINLI_CA_FILE="").returncode == 1
    assert run(running, "services.console.probe", LINLI_CERTIFICATE_FILE="").returncode == 1


def test_a_certificate_that_is_none_is_named_at_start(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "none").write_text("no certificate")
    for variable, file in (
        ("LINLI_CERTIFICATE_FILE", "none"),
        ("LINLI_CERTIFICATE_FILE", "missing"),
        ("LINLI_CA_FILE", "none"),
    ):
        refused = run(environment, "services.console", "up", **{variable: str(tmp_path / file)})
        assert refused.returncode == 2 and variable in refused.stderr and "Traceback" not in refused.stderr
