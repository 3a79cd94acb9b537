"""Log lines reach a collector on another machine, over TLS and in the form of syslog, and nobody waits for one that is away."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from shared.domain.errors import BadInputError
from shared.service import collecting
from shared.service.collecting import LEFT_OUT, Sender, place_of
from shared.service.logging import configure
from tests.component.city import wait_for
from tests.processes import Process, free_port
from tests.tunnel import Authority

ROOT = Path(__file__).resolve().parents[2]
_FRAME = re.compile(rb"(\d+) (<(\d+)>1 (\S+) (\S+) linli (\d+) (\S+) - )")


class Collector:
    """Takes lines over TLS on a port; `lines` are priority, name of the process, and what was said."""

    def __init__(self, certificate: Path, port: int) -> None:
        self.port, self.lines = port, list[tuple[int, str, dict[str, Any]]]()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listening = socket.create_server(("127.0.0.1", port))
        self._ended = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._ended:
            try:
                plain, _ = self._listening.accept()
                with self._context.wrap_socket(plain, server_side=True) as line:
                    self._read(line)
            except OSError:
                continue

    def _read(self, line: ssl.SSLSocket) -> None:
        held = b""
        while part := line.recv(65536):
            held += part
            while found := _FRAME.match(held):
                end = len(found[1]) + 1 + int(found[1])
                if len(held) < end:
                    break
                said = json.loads(held[found.end() : end])
                self.lines.append((int(found[3]), found[7].decode(), said))
                held = held[end:]

    def close(self) -> None:
        self._ended = True
        self._listening.close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def sender(port: int, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    """Sends to a port at which nobody may listen yet."""
    monkeypatch.setattr(collecting, "AGAIN", 0.05)
    made = Sender(("localhost", port), str(authority.file), "issues")
    configure("info", open(os.devnull, "w"), made)  # noqa: SIM115  # the log's own for the rest of the test
    yield made
    structlog.reset_defaults()
    configure("error")


def test_lines_arrive_as_syslog_over_tls(sender: Sender, port: int, authority: Authority) -> None:
    collector = Collector(authority.issue("localhost"), port)
    structlog.get_logger().warning("路灯", route="/api/me", status=403)
    logging.getLogger("library").error("broken %s", "pipe")
    typed = "who typed"
    try:
        raise ValueError(f"{typed} this")
    except ValueError:
        structlog.get_logger().exception("request failed")
    wait_for(lambda: len(collector.lines) == 3, "three lines")
    collector.close()
    (first, name, said), (second, _, library), (third, _, mistake) = collector.lines
    assert (first, second, third, name) == (16 * 8 + 4, 16 * 8 + 3, 16 * 8 + 3, "issues")
    assert (said["event"], said["status"], library["event"]) == ("路灯", 403, "broken pipe")
    assert "ValueError" in mistake["exception"] and "who typed this" not in json.dumps(mistake)


def test_nobody_waits_for_a_collector_that_is_away_and_it_gets_all_in_order(
    sender: Sender, port: int, authority: Authority
) -> None:
    begun = time.monotonic()
    for number in range(300):
        structlog.get_logger().info("said", number=number)
    assert time.monotonic() - begun < 1
    collector = Collector(authority.issue("localhost"), port)
    wait_for(lambda: len(collector.lines) == 300, "what waited")
    collector.close()
    assert [said["number"] for _, _, said in collector.lines] == list(range(300))


def test_beyond_what_can_wait_lines_are_left_out_and_counted(
    port: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "MOST", 5)
    away, before = Sender(("localhost", port), str(authority.file), "issues"), LEFT_OUT._value.get()
    for _ in range(20):
        away.put("info", b"{}")
    assert LEFT_OUT._value.get() - before >= 14
    begun = time.monotonic()
    away.flush(0.1)
    assert time.monotonic() - begun < 1


def test_a_collector_of_another_authority_gets_nothing(
    sender: Sender, port: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("other"))
    collector = Collector(other.issue("localhost"), port)
    structlog.get_logger().warning("for nobody else")
    sender.flush(1)
    collector.close()
    assert collector.lines == []


@pytest.mark.parametrize(
    "address", ["tcp://logs:514", "logs:6514", "tls://", "tls://u@logs:6514", "tls://logs:6514/x", "tls://logs:abc"]
)
def test_what_is_no_address_over_tls_is_refused(address: str) -> None:
    with pytest.raises(BadInputError, match="LINLI_LOGS_TO must be tls://host:port"):
        place_of(address)


def test_an_address_has_a_port_of_its_own_or_that_of_syslog() -> None:
    assert (place_of("tls://logs:7000"), place_of("tls://logs"), place_of("")) == (("logs", 7000), ("logs", 6514), None)


def test_a_city_sends_its_lines(port: int, authority: Authority, tmp_path: Path) -> None:
    """Patched by eventlet, to its last line."""
    collector, process = Collector(authority.issue("localhost"), port), Process("logs")
    variables = {
        "LINLI_DATA": str(tmp_path / "data"),
        "LINLI_PORT": str(free_port()),
        "LINLI_LOGS_TO": f"tls://localhost:{port}",
        "LINLI_LOGS_CA_FILE": str(authority.file),
        "PYTHONPATH": str(ROOT),
    }
    process.spawn([sys.executable, "-m", "services.console", "up"], os.environ | variables)
    try:
        wait_for(lambda: any(said["event"] == "listening" for _, _, said in collector.lines), "the first lines", 60)
        assert {name for _, name, _ in collector.lines} == {"linli"}
    finally:
        process.destroy()
        collector.close()
