"""The public port of a whole city: slow clients, requests that are read in two ways, and bodies that take long, in both shapes."""

from __future__ import annotations

import re
import threading

import pytest

from tests.attacks.target import Target

pytestmark = pytest.mark.timeout(400)
_END = b"\r\n\r\n"
_SIGN_IN = b"POST /api/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
#: Heads and bodies that two programs read differently.
TWO_WAYS = [
    b"GET /api/me HTTP/1.1\r\nHost: x\r\nno header" + _END,
    b"GET /api/me HTTP/1.1\r\nHost: x\r\n folded: y" + _END,
    b"GET /api/me HTTP/1.1\r\nHost : x" + _END,
    b"GET /api/me HTTP/1.1\r\nHost: x\r\nHost: y" + _END,
    b"GET /api/me HTTP/1.1" + _END,
    b"GET /api/me HTTP/1.1\nHost: x\n\n",
    b"GET http://elsewhere/api/me HTTP/1.1\r\nHost: x" + _END,
    b"GET /api/me HTTP/1.1\r\nHost: x\r\nX: a\rb" + _END,
    b"GET /api/me HTTP/1.1\r\nHost: x\r\nX: a\x00b" + _END,
    b"GET /api/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b" + _END,
    _SIGN_IN + b"Content-Length: 2\r\nContent-Length: 60" + _END + b"{}GET /api/me HTTP/1.1\r\nHost: x" + _END,
    _SIGN_IN + b"Content-Length: 2\r\nContent-Length: 2" + _END + b"{}",
    _SIGN_IN
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked"
    + _END
    + b"0\r\n\r\nGET /api/me HTTP/1.1\r\nHost: x"
    + _END,
    _SIGN_IN + b"Transfer-Encoding: xchunked" + _END + b"0\r\n\r\n",
    _SIGN_IN + b"Transfer-Encoding: chunked, identity" + _END + b"0\r\n\r\n",
    _SIGN_IN + b"Transfer-Encoding: chunked" + _END + b"2;a=b\n{}\r\n0\r\n\r\n",
    _SIGN_IN + b"Transfer-Encoding: chunked" + _END + b"-2\r\n{}\r\n0\r\n\r\n",
    _SIGN_IN + b"Transfer-Encoding: chunked" + _END + b"0_2\r\n{}\r\n0\r\n\r\n",
    _SIGN_IN + b"Content-Length: +2" + _END + b"{}",
    _SIGN_IN.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked" + _END + b"0\r\n\r\n",
]


@pytest.mark.parametrize("text", TWO_WAYS, ids=range(len(TWO_WAYS)))
def test_what_is_read_in_two_ways_gets_one_refusal_and_the_line_is_closed(target: Target, text: bytes) -> None:
    assert re.findall(rb"HTTP/1\.[01] (\d{3}) ", target.raw(text)) == [b"400"]


@pytest.mark.parametrize("name", ["Linli_Post", "X_Forwarded_For", "X_Forwarded_Proto", "Transfer_Encoding"])
def test_a_header_with_an_underscore_is_not_read_as_another(target: Target, name: str) -> None:
    head = f"GET /api/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{name}: 203.0.113.9".encode()
    assert re.findall(rb"HTTP/1\.[01] (\d{3}) ", target.raw(head + _END)) == [b"200"]


def test_nobody_waits_for_those_who_never_finish(target: Target) -> None:
    head, body = b"GET / HTTP/1.1\r\nHost: x\r\n", _SIGN_IN + b"Content-Length: 100000" + _END + b"{"
    lines = [target.line(head, f"127.0.1.{number % 20 + 1}") for number in range(600)]
    lines += [target.line(body, "127.0.0.9") for _ in range(64)]
    try:
        assert target.seconds() < 2
        for line in lines[-64:]:
            line.sendall(b" ")
        assert target.seconds() < 2
        assert target.send("GET", "/health/ready")[0] == 200
    finally:
        for line in lines:
            line.close()


_FORM = {"Content_Type": "application/x-www-form-urlencoded"}
COSTLY: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "fields": ("/api/issues/report_issue", b"{" + b",".join(b'"f%d":1' % n for n in range(80_000)) + b"}", {}),
    "nested": ("/api/issues/report_issue", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}),
    "open text": ("/api/issues/report_issue", b'{"a":"' + b'\\"' * 500_000, {}),
    "marks": (
        "/api/issues/report_issue",
        b'{"place":"350104.013.001","category":"clutter","description":"a' + "\u0301\u0316".encode() * 250_000 + b'"}',
        {},
    ),
    "number": ("/api/issues/report_issue", b'{"a":' + b"9" * 900_000 + b"}", {}),
    "form": ("/report", b"a&" * 520_000, _FORM),
    "form in percent": ("/report", b"%41" * 340_000, _FORM),
    "parts": (
        "/report",
        b'--B\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n' * 15_000,
        {"Content_Type": "multipart/form-data; boundary=B"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", COSTLY)
def test_nobody_waits_for_a_body_that_would_take_long(target: Target, what: str) -> None:
    path, body, headers = COSTLY[what]
    statuses: list[int] = []
    senders = [
        threading.Thread(target=lambda: statuses.append(target.send("POST", path, body, **headers)[0]))
        for _ in range(4)
    ]
    for sender in senders:
        sender.start()
    waited = target.seconds()
    for sender in senders:
        sender.join()
    assert waited < 2 and len(statuses) == 4 and all(400 <= status < 500 for status in statuses), (waited, statuses)


def test_figures_and_the_health_of_services_are_not_at_the_public_port(target: Target) -> None:
    for path in ("/metrics", "/health/services", "/static/../../secret", "/..%2f..%2fetc/passwd"):
        assert target.send("GET", path)[0] == 404
