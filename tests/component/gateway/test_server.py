"""The gateway as a process, with the real services behind it on the embedded broker (R3, R7, R8)."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.component.gateway.city import PASSWORD, REPORT
from tests.kit.city import document
from tests.processes import Process, free_port, wait_until

ROOT = Path(__file__).resolve().parents[3]
PROFILE = document(
    profile_id="test",
    city="测试市",
    levels=[
        {"code": "street", "zh": "街道", "en": "street"},
        {"code": "community", "zh": "社区", "en": "community"},
    ],
    roles=[
        {"code": "clerk", "zh": "社区工作者", "en": "clerk"},
        {"code": "grid_worker", "zh": "网格员", "en": "grid worker"},
    ],
    powers={"clerk": ["issue.triage"], "grid_worker": ["issue.triage"]},
    intake=["grid_worker"],
)
TRIAGE = {"severity": "small", "tier": "compound", "reason": "一盏灯"}


class Server:
    """All services in one process."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = Process("gateway")
        self.data = self.process.folder / "data"
        environment = os.environ | {"LINLI_DATA": str(self.data), "LINLI_PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        self.process.spawn([sys.executable, "-m", "services.console", "up"], environment)
        wait_until(self.ready, 60, self.process.tail)
        self.token = (self.data / "operator.token").read_text().strip()

    def ready(self) -> bool:
        """Whether every service answers."""
        assert self.process.running()
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def send(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> tuple[int, Any, Any]:
        """Status, JSON and headers of an answer; a header `Linli_Post` is sent as `Linli-Post`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer.headers
        finally:
            connection.close()

    def done(self, path: str, body: Any, token: str, **headers: str) -> Any:
        """The answer of a command that must succeed."""
        status, answer, _ = self.send("POST", path, body, token, **headers)
        assert status in (200, 201), answer
        return answer

    def raw(self, text: bytes) -> bytes:
        """What comes back for bytes on the line, until the server closes it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
            line.sendall(text)
            received = b""
            while part := line.recv(65536):
                received += part
            return received


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.process.destroy()


def found_city(server: Server) -> str:
    """A city with a grid worker and a vacant post; the token of Chen, who holds nothing yet."""
    token = server.token
    server.done("/api/registry/adopt_profile", PROFILE, token)
    server.done("/api/registry/register_place", {"place": "350104", "kind": "street", "name": "三叉街"}, token)
    inner = {"place": "350104.013", "kind": "community", "name": "社区", "parent": "350104"}
    server.done("/api/registry/register_place", inner, token)
    body = {"organisation_id": "o-1", "type": "council", "name": "社区", "level": "community", "place": "350104.013"}
    server.done("/api/registry/establish_organisation", body, token)
    for post_id, role, person_id in (("post-1", "clerk", "p-chen"), ("post-2", "grid_worker", "p-li")):
        post = {"post_id": post_id, "organisation_id": "o-1", "role": role, "title": "工作者"}
        server.done("/api/registry/establish_post", post, token)
        server.done("/api/registry/register_person", {"person_id": person_id, "name": "某人"}, token)
    server.done(
        "/api/registry/appoint_person", {"post_id": "post-2", "person_id": "p-li", "since": "2026-01-01"}, token
    )
    server.done("/api/accounts", {"username": "chen", "password": PASSWORD, "person_id": "p-chen"}, token)
    answer = server.done("/api/sign-in", {"username": "chen", "password": PASSWORD}, "")
    return str(answer["token"])


def test_a_person_may_do_what_their_post_gives_and_nothing_before(server: Server) -> None:
    chen = found_city(server)
    _, answer, _ = server.send("GET", "/api/operations/status", None, server.token)
    after = f"registry={answer['services']['registry']['head']}"
    status, receipt, headers = server.send(
        "POST", "/api/issues/report_issue", REPORT, Idempotency_Key="lamp", Linli_After=after
    )
    assert status == 200, receipt
    assert headers["Linli-Position"] == f"issues={receipt['position']}"
    assert server.send("POST", "/api/issues/report_issue", REPORT, Idempotency_Key="lamp")[1] == receipt
    triage = TRIAGE | {"issue_id": receipt["id"]}

    for token in ("", chen, server.token):
        status, refusal, _ = server.send("POST", "/api/issues/triage_issue", triage, token)
        assert (status, refusal["kind"]) == (403, "forbidden"), "deny by default"
    status, refusal, _ = server.send("POST", "/api/issues/triage_issue", triage, chen, Linli_Post="post-1")
    assert (status, list(refusal["fields"])) == (403, ["Linli-Post"])

    appointment = {"post_id": "post-1", "person_id": "p-chen", "since": "2026-01-01"}
    _, _, headers = server.send("POST", "/api/registry/appoint_person", appointment, server.token)
    after = headers["Linli-Position"]
    status, me, _ = server.send("GET", "/api/me", None, chen, Linli_After=after)
    assert [post["post_id"] for post in me["posts"]] == ["post-1"]
    status, answer, headers = server.send("POST", "/api/issues/triage_issue", triage, chen, Linli_After=after)
    assert (status, answer.get("events")) == (200, 1), answer
    _, page, _ = server.send(
        "GET", f"/api/issues/get_issue?issue_id={receipt['id']}", Linli_After=headers["Linli-Position"]
    )
    assert "triaged" in json.dumps(page)


def test_bodies_without_a_length_are_read_and_bounded(server: Server) -> None:
    start = b"POST /api/issues/report_issue HTTP/1.1\r\nHost: x\r\n"
    start += b"Content-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    small = server.raw(start + b"2\r\n{}\r\n0\r\n\r\n")
    assert b" 422 " in small.splitlines()[0] and b'"description"' in small
    big = server.raw(start + b"200000\r\n" + b" " * 0x200000 + b"\r\n0\r\n\r\n")
    assert b" 413 " in big.splitlines()[0] and b"too_large" in big


def test_a_large_body_is_refused_and_the_client_can_read_why(server: Server) -> None:
    status, refusal, _ = server.send("POST", "/api/issues/report_issue", b" " * 3_000_000)
    assert (status, refusal["kind"]) == (413, "too_large")


@pytest.mark.parametrize(
    "text",
    [
        b"GET /api/me HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"GET /api/me HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/me HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /api/%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /api/me HTTP/1.1\r\nHost: \xff\xfe\r\nConnection: close\r\n\r\n",
        b"GET /api/me HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    ],
)
def test_bytes_that_are_hardly_http_get_an_answer_of_their_fault(server: Server, text: bytes) -> None:
    answer = server.raw(text)
    assert answer.split(b" ")[1][:1] == b"4", answer[:200]
    assert b"application/problem+json" in answer
    assert server.ready()


def test_parked_facts_and_status_are_there_for_operators(server: Server) -> None:
    status, answer, _ = server.send("GET", "/api/operations/status", None, server.token)
    assert status == 200
    assert all("head" in service for service in answer["services"].values()), answer
    status, answer, _ = server.send("GET", "/api/operations/parked", None, server.token)
    assert status == 200
    assert all(service["rows"] == [] for service in answer["services"].values()), answer
    ask = {"service": "issues", "source": "registry", "stream": "post-1", "reason": "nothing is parked here"}
    status, refusal, _ = server.send("POST", "/api/operations/park/skip", ask, server.token)
    assert 400 <= status < 500, refusal


def test_all_that_is_written_is_for_its_owner_only(server: Server) -> None:
    """S25: the folder and every file in it, the journals of SQLite too."""
    found = [server.data, *server.data.rglob("*")]
    assert len(found) > 10
    assert [path for path in found if path.stat().st_mode & 0o077] == []


def test_positions_that_do_not_exist_are_refused_at_once(server: Server) -> None:
    """S6: they would take a worker each for seconds."""
    begun = time.monotonic()
    for _ in range(20):
        after = {"Linli_After": "issues=9007199254740991"}
        status, refusal, _headers = server.send("GET", "/api/issues/find_issues", **after)
        assert (status, list(refusal["fields"])) == (422, ["Linli-After"]), refusal
    assert time.monotonic() - begun < 5


def test_a_body_of_many_fields_is_refused_before_it_is_read(server: Server) -> None:
    """S23"""
    many = b"{" + b",".join(b'"f%d":1' % number for number in range(80_000)) + b"}"
    deep = b'{"a":' * 40 + b"1" + b"}" * 40
    for body, words in ((many, "values"), (deep, "nested")):
        begun = time.monotonic()
        status, refusal, _headers = server.send("POST", "/api/issues/report_issue", body)
        assert (status, list(refusal["fields"])) == (422, ["body"]) and words in refusal["message"]
        assert time.monotonic() - begun < 1
    some = {f"f{number}": 1 for number in range(100)}
    status, refusal, _headers = server.send("POST", "/api/issues/report_issue", some)
    assert status == 422 and len(refusal["fields"]) == 20


def test_the_process_at_the_public_port_is_started_again(server: Server) -> None:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    (edge,) = [child for child, command in commands.items() if b"services.gateway.edge" in command]
    os.kill(edge, signal.SIGKILL)
    wait_until(server.ready, 20, server.process.tail)


def test_a_termination_ends_idle_connections_and_the_process(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as idle:
        idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in idle.recv(65536)
        begun = time.monotonic()
        os.kill(server.process.pid, signal.SIGTERM)
        assert idle.recv(65536) == b"", "the server closes the line"
        assert time.monotonic() - begun < 3, "at once"
        deadline = time.monotonic() + 12
        while Path(f"/proc/{server.process.pid}/stat").read_text().split()[2] != "Z":
            assert time.monotonic() < deadline, server.process.tail()
            time.sleep(0.05)
