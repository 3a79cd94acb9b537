"""The process at the public port alone, before a gateway of a few lines: slow, malformed and large requests (R13)."""

from __future__ import annotations

import json
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.gateway.access import LARGEST_BODY
from services.gateway.edge.limits import Held, Rates, caller, client_of, networks
from services.gateway.edge.refusals import REFUSALS
from tests.component.gateway.behind import Behind, Front, answers
from tests.tunnel import Authority

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    behind = Behind(tmp_path_factory.mktemp("edge"))
    made = Front(behind)
    yield made
    made.close()
    behind.close()


@pytest.fixture(autouse=True)
def seen(front: Front) -> list[Any]:
    front.behind.seen.clear()
    return front.behind.seen


def test_a_request_in_order_is_passed_on_as_it_is(front: Front, seen: list[Any]) -> None:
    answer = front.raw(POST + b"X-Name: \xe6\x9e\x97\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    assert answers(answer) == [200]
    (one,) = seen
    assert (one["method"], one["path"], one["body"]) == ("POST", "/a", "{}")
    assert one["headers"]["x-name"] == "林" and one["headers"]["content-type"] == "application/json"
    assert one["headers"]["x-forwarded-for"] == "127.0.0.1" and one["headers"]["x-forwarded-proto"] == "http"
    assert "connection" not in {name for name in one["headers"] if one["headers"][name] == "close"}
    assert b"Server: linli" in answer and b"aiohttp" not in answer


def test_a_body_in_chunks_arrives_with_its_length(front: Front, seen: list[Any]) -> None:
    answer = front.raw(CHUNKED + b"Connection: close\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nHost: other\r\n\r\n")
    assert answers(answer) == [200]
    assert (seen[0]["body"], seen[0]["headers"]["content-length"], seen[0]["headers"]["host"]) == ("{}", "2", "x")
    assert "transfer-encoding" not in seen[0]["headers"]


@pytest.mark.parametrize(
    "text",
    [
        GET + b"broken header\r\nX: y\r\n\r\n",
        GET + b"X : y\r\n\r\n",
        GET + b"X: y\r\n z\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
        GET + b"X: a\rb\r\n\r\n",
        GET + b"Host: y\r\n\r\n",
        b"GET /a HTTP/1.1\r\n\r\n",
        b"GET /a HTTP/1.1\nHost: x\n\n",
        b"GET /a\r\n\r\n",
        b"GET /a HTTP/3.7\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"GET http://other/a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        POST + b"Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}",
        POST + b"Content-Length: 2, 2\r\n\r\n{}",
        POST + b"Content-Length: +2\r\n\r\n{}",
        POST + b"Content-Length: -5\r\n\r\n{}",
        POST + b"Content-Length: abc\r\n\r\n{}",
        CHUNKED + b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"Transfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x, y\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x:80:80\r\n\r\n",
        GET + b"Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
        GET + b"Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n",
        GET + b"Linli-Post: a\r\nLINLI-POST: b\r\n\r\n",
        GET + b"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n\r\n",
        POST + b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        CHUNKED + b"\r\n2\r\n{}xx0\r\n\r\n",
    ],
)
def test_what_may_be_read_in_two_ways_is_refused_and_what_follows_it_is_not_read(
    front: Front, seen: list[Any], text: bytes
) -> None:
    """S22: nothing smuggled behind it becomes a request of its own; the line ends."""
    answer = front.raw(text + b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert answers(answer) == [400], answer
    assert seen == []
    body = json.loads(answer.rpartition(b"\r\n\r\n")[2])
    assert body["kind"] == "bad_input" and body["template"] == REFUSALS["malformed"].template


@pytest.mark.parametrize("host", [b"linli.example", b"linli.example:8000", b"[::1]:8000", b"127.0.0.1", b""])
def test_hosts_as_they_are_written_are_taken(front: Front, host: bytes) -> None:
    assert answers(front.raw(b"GET /a HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host)) == [200]


def test_requests_behind_one_another_are_answered_in_turn(front: Front, seen: list[Any]) -> None:
    answer = front.raw((GET + b"\r\n") * 20 + GET + b"Connection: close\r\n\r\n")
    assert answers(answer) == [200] * 21 and len(seen) == 21


@pytest.mark.parametrize(
    "text",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"X: " + b"a" * 10_000 + b"\r\n\r\n",
        GET + b"".join(b"X%d: y\r\n" % number for number in range(1000)) + b"\r\n",
        GET + b"".join(b"X%d: %s\r\n" % (number, b"y" * 4000) for number in range(9)) + b"\r\n",
        GET + b"".join(b"X%d: %s\r\n" % (number, b"y" * 4000) for number in range(9)),  # and never an end
    ],
)
def test_a_head_is_at_most_32_kb(front: Front, seen: list[Any], text: bytes) -> None:
    assert answers(front.raw(text, pause=0.02)) == [431]
    assert seen == []


@pytest.mark.parametrize(
    "text",
    [
        POST + b"Content-Length: %d\r\n\r\n" % (3 * LARGEST_BODY) + b" " * 3 * LARGEST_BODY,
        CHUNKED + b"\r\n%x\r\n" % (2 * LARGEST_BODY) + b" " * 2 * LARGEST_BODY + b"\r\n0\r\n\r\n",
    ],
)
def test_a_body_is_at_most_1_mb_and_the_client_reads_why(front: Front, seen: list[Any], text: bytes) -> None:
    answer = front.raw(text)
    assert answers(answer) == [413] and b"larger than 1 MB" in answer
    assert seen == []
    exact = front.raw(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % LARGEST_BODY + b" " * LARGEST_BODY)
    assert answers(exact) == [200]


def test_a_refusal_is_in_the_reader_s_language(front: Front) -> None:
    answer = front.raw(POST + b"Accept-Language: zh-CN,zh\r\nContent-Length: 99999999\r\n\r\n")
    told = json.loads(answer.rpartition(b"\r\n\r\n")[2])
    assert told["message"].startswith("提交的内容")
    assert (told["status"], told["type"], told["detail"]) == (413, "/api/docs#too_large", told["message"])
    assert told["title"] == "内容过大" and told["instance"].startswith("urn:linli:request:")


def test_nobody_waits_for_slow_heads_and_bodies(front: Front, seen: list[Any]) -> None:
    """R13, S5: they take no worker, and end in time; others are answered as fast as before, and memory stays flat."""
    alone = front.median(20)
    before = front.resident()
    lines = [front.connect() for _ in range(1000)]
    for number, line in enumerate(lines):
        line.sendall(b"GET /slow HTTP/1.1\r\nX: " if number % 2 else POST + b"Content-Length: 1000\r\n\r\n{")
    ending = threading.Event()

    def drip() -> None:
        while not ending.wait(0.3):
            for line in lines:
                try:
                    line.send(b"x")
                except OSError:
                    pass

    threading.Thread(target=drip, daemon=True).start()
    beside = front.median(20)
    grown = front.resident() - before
    print(f"alone {alone * 1000:.1f} ms, beside 1,000 slow ones {beside * 1000:.1f} ms; {grown / 1e6:.1f} MB more")
    assert beside < max(2 * alone, 0.05)
    assert grown < 40e6
    deadline = time.monotonic() + 10
    for line in lines:
        line.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            rest = line.recv(4096)
            assert not rest or rest.startswith(b"HTTP/1.1 408")
        except ConnectionResetError:
            pass  # it was still dripping
    ending.set()
    for line in lines:
        line.close()
    assert all(one["path"] == "/a" for one in seen)


def test_bodies_take_so_much_memory_and_no_more(front: Front, seen: list[Any]) -> None:
    before = front.resident()
    lines = [front.connect() for _ in range(120)]
    for line in lines:
        line.sendall(POST + b"Content-Length: 1000000\r\n\r\n")
    for _ in range(9):
        for line in lines:
            try:
                line.send(b" " * 100_000)
            except (BrokenPipeError, ConnectionResetError):
                pass
    time.sleep(0.3)  # nothing can be waited for: nothing may happen
    grown = front.resident() - before
    told = b"".join(line.recv(4096) for line in lines)
    for line in lines:
        line.close()
    print(f"{grown / 1e6:.1f} MB more")
    assert answers(told).count(429) >= 80 and grown < 70e6  # of 108 MB
    assert seen == []
    assert answers(front.raw(POST + b"Connection: close\r\nContent-Length: 900000\r\n\r\n" + b" " * 900_000)) == [200]


def test_whoever_does_not_take_an_answer_is_let_go(front: Front) -> None:
    lines = [front.connect(receive=4096) for _ in range(20)]
    for line in lines:
        line.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(2.5)  # longer than an answer may wait to be taken
    for line in lines:
        line.settimeout(5)
        received = 0
        with pytest.raises(ConnectionResetError):
            while part := line.recv(65536):
                received += len(part)
            raise ConnectionResetError("it ended") if received < 5_000_000 else AssertionError("all of it came")
        line.close()


def test_an_address_sends_so_many_requests_and_no_more(tmp_path: Path) -> None:
    behind = Behind(tmp_path)
    front = Front(behind, rate=5, burst=50, connections=10)
    try:
        answer = front.raw((GET + b"\r\n") * 60 + GET + b"Connection: close\r\n\r\n")
        found = answers(answer)
        assert found.count(200) == len(behind.seen) in range(50, 54) and set(found) == {200, 429}
        assert b"Retry-After: 1" in answer
        forwarded = b"X-Forwarded-For: 10.1.2.3\r\nConnection: close\r\n\r\n"
        assert answers(front.raw(GET + forwarded)) == [429], "an address that anybody may write is not believed"
        lines = [front.connect() for _ in range(10)]
        assert answers(front.raw(GET + b"\r\n")) == [429]
        for line in lines:
            line.close()
    finally:
        front.close()
        behind.close()


def test_a_trusted_proxy_says_whose_requests_it_passes_on(tmp_path: Path) -> None:
    behind = Behind(tmp_path)
    front = Front(behind, rate=1, burst=3, connections=2, proxies="127.0.0.0/8, 10.9.0.0/16")
    try:
        for number in range(20):  # and may have many connections
            head = GET + b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 6.6.6.6, 10.1.2.%d, 10.9.0.1\r\n" % number
            assert answers(front.raw(head + b"Connection: close\r\n\r\n")) == [200]
        assert behind.seen[7]["headers"]["x-forwarded-for"] == "10.1.2.7"
        assert behind.seen[7]["headers"]["x-forwarded-proto"] == "https"
        both = GET + b"X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\nX-Forwarded-For: 10.1.9.9\r\n"
        assert answers(front.raw(both + b"Connection: close\r\n\r\n")) == [200]
        assert behind.seen[-1]["headers"]["x-forwarded-proto"] == "http", (
            "it added its word behind that of somebody else"
        )
        head = GET + b"X-Forwarded-For: 10.1.2.3\r\nX_Forwarded_For: 1.1.1.1\r\n"
        found = [answers(front.raw(head + b"Connection: close\r\n\r\n"))[0] for _ in range(4)]
        assert found == [200, 200, 429, 429] or found == [200, 200, 200, 429], "each client has a rate of its own"
        assert "x_forwarded_for" not in behind.seen[-1]["headers"]
    finally:
        front.close()
        behind.close()


def test_it_is_said_what_was_refused_and_an_end_is_noticed(tmp_path: Path) -> None:
    behind = Behind(tmp_path)
    front = Front(behind)
    front.raw(b"GARBAGE\r\n\r\n")
    assert json.loads(front.process.stdout.readline()) == {"malformed": 1}
    idle = front.connect()
    idle.sendall(GET + b"\r\n")
    assert answers(idle.recv(4096)) == [200]
    begun = time.monotonic()
    front.order("stop")
    assert front.process.wait(10) == 0, "it finishes"
    assert time.monotonic() - begun < 2, "and waits for nobody who is idle"
    idle.close()
    front.close()
    front = Front(behind)
    assert answers(front.raw(GET + b"Connection: close\r\n\r\n")) == [200]
    front.process.stdin.close()  # as when the gateway is killed
    assert front.process.wait(10) == 1
    front.close()
    behind.close()


def test_a_gateway_that_is_gone_is_said(tmp_path: Path) -> None:
    behind = Behind(tmp_path)
    front = Front(behind)
    behind.close()
    answer = front.raw(GET + b"Connection: close\r\n\r\n")
    assert answers(answer) == [503] and b"Retry-After" in answer
    front.close()


def test_rates_are_forgotten_by_time() -> None:
    now = [100.0]
    rates = Rates(2, 4, lambda: now[0])
    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 0]
    assert rates.take("a") == pytest.approx(0.5)
    assert rates.take("b") == 0
    now[0] += 0.5
    assert rates.take("a") == 0 and rates.take("a") > 0
    for number in range(10_000):
        now[0] += 1
        rates.take(str(number))
    assert len(rates) < 10
    assert Rates(0, 0).take("a") == 0, "no limit"


def test_what_is_held_is_bounded_for_one_and_for_all() -> None:
    held = Held(10, 4)
    assert held.take("a", 4) and not held.take("a") and held.take("b", 4)
    assert held.take("a", 2, trusted=True) and not held.take("c")
    held.give("a", 6)
    assert held.take("c", 4)


def test_whose_request_it_is() -> None:
    proxies = networks("10.0.0.0/8, fd00::/8")
    assert client_of("1.2.3.4", ["9.9.9.9"], proxies) == "1.2.3.4"
    assert client_of("10.0.0.1", ["9.9.9.9, 8.8.8.8", "10.0.0.2"], proxies) == "8.8.8.8"
    assert client_of("10.0.0.1", ["nonsense"], proxies) == "10.0.0.1"
    assert client_of("10.0.0.1", [], proxies) == "10.0.0.1"
    assert client_of("::ffff:10.0.0.1", ["[2001:db8::1]"], proxies) == "2001:db8::1"
    assert caller("2001:db8::1") == caller("2001:db8::2") != caller("2001:db8:0:1::1")
    assert caller("::ffff:1.2.3.4") == "1.2.3.4"


def test_settings_name_what_is_no_network() -> None:
    with pytest.raises(ValueError, match="10.0.0.0.0"):
        networks("10.0.0.0.0")


def _greeted(front: Front, authority: Authority, **limits: ssl.TLSVersion) -> ssl.SSLSocket:
    """A line to the public port over TLS."""
    context = ssl.create_default_context(cafile=authority.file)
    for name, version in limits.items():
        setattr(context, name, version)
    return context.wrap_socket(front.connect(), server_hostname="localhost")


def test_with_a_certificate_the_port_speaks_https_and_nothing_else(tmp_path: Path, authority: Authority) -> None:
    behind = Behind(tmp_path)
    front = Front(behind, certificate=str(authority.issue("localhost")))
    try:
        with _greeted(front, authority) as line:
            line.sendall(POST + b"X-Forwarded-Proto: http\r\nContent-Length: 2\r\n\r\n{}")
            assert answers(line.recv(4096)) == [200]
            line.sendall(GET + b"Connection: close\r\n\r\n")
            assert answers(line.recv(4096)) == [200], "the connection is kept"
            assert line.version() in ("TLSv1.2", "TLSv1.3")
        assert [one["headers"]["x-forwarded-proto"] for one in behind.seen] == ["https", "https"]
        assert [one["body"] for one in behind.seen] == ["{}", ""]
        assert answers(front.raw(GET + b"Connection: close\r\n\r\n")) == [], "plain text gets no answer"
        assert len(behind.seen) == 2, "and goes no further"
        with pytest.raises(ssl.SSLError), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            _greeted(front, authority, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(front.connect(), server_hostname="localhost")
    finally:
        front.close()
        behind.close()


def test_who_never_finishes_the_greeting_holds_few_connections_and_not_for_long(
    tmp_path: Path, authority: Authority
) -> None:
    behind = Behind(tmp_path)
    front = Front(behind, connections=5, certificate=str(authority.issue("localhost")))
    try:
        lines = [front.connect() for _ in range(5)]
        lines[0].sendall(b"\x16\x03\x01")  # as a greeting begins
        with pytest.raises(OSError):
            _greeted(front, authority)
        time.sleep(2.5)  # longer than a greeting may take
        with _greeted(front, authority) as line:
            line.sendall(GET + b"Connection: close\r\n\r\n")
            assert answers(line.recv(4096)) == [200]
        for line in lines:
            line.close()
        for _ in range(12):  # each is given back
            with _greeted(front, authority) as line:
                line.sendall(GET + b"Connection: close\r\n\r\n")
                assert answers(line.recv(4096)) == [200]
    finally:
        front.close()
        behind.close()


@pytest.mark.parametrize("proxies", ["", "127.0.0.1"])
def test_where_https_is_wanted_plain_requests_are_refused(tmp_path: Path, proxies: str) -> None:
    behind = Behind(tmp_path)
    front = Front(behind, proxies=proxies, https_only=True)
    try:
        for said in (
            b"",
            b"X-Forwarded-Proto: http\r\n",
            b"X-Forwarded-Proto: HTTPS, http\r\n",
            b"Forwarded: proto=https\r\n",
        ):
            answer = front.raw(GET + said + b"Connection: close\r\n\r\n")
            assert answers(answer) == [403] and b"over HTTPS only" in answer
        assert behind.seen == []
        secured = front.raw(GET + b"X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n")
        assert answers(secured) == [200 if proxies else 403], "the word of a trusted proxy counts, and of nobody else"
        health = b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert answers(front.raw(health)) == [200], "balancers look in plain text"
    finally:
        front.close()
        behind.close()
