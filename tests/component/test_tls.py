"""Services over TLS: with a RabbitMQ that takes nothing else and a database behind a tunnel."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shared.broker.connecting import connection
from shared.broker.message import Message, NotConfirmed
from shared.broker.publisher import Publisher
from shared.broker.topology import EXCHANGE, TopologyError
from shared.domain.errors import UnavailableError
from shared.service.settings import Settings
from tests.component.city import city, wait_for
from tests.component.tls import check, settings
from tests.green import green
from tests.processes import free_port
from tests.servers import MongoStandIn, RabbitMQ
from tests.tunnel import Authority


@green
def facts_and_calls_travel(amqps_uri: str, tmp_path: str, authority_file: str) -> None:
    import eventlet

    gaps = [0.0]

    def tick() -> None:
        last = time.monotonic()
        while True:
            eventlet.sleep(0.005)  # a clock that shows when nobody else got a turn
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    with city(amqps_uri, tmp_path, AMQP_CA_FILE=authority_file, LINLI_CATCH_UP="3600") as here:
        here.settled()

        def open_shop(number: int) -> None:  # many at a time, on the one connection of their service
            here.call("shops", "open_shop", {"shop_id": str(number), "name": "n" * 5000})

        assert len(list(eventlet.GreenPool(30).imap(open_shop, range(120)))) == 120
        here.settled()
        assert here.call("watchers", "seen", {"shop_id": "119"})["sights"] is not None
        silent = socket.create_server(("127.0.0.1", 0))  # whoever waits for its handshake must let the others work
        uri = f"amqps://guest:guest@127.0.0.1:{silent.getsockname()[1]}//"
        ticking = eventlet.spawn(tick)
        with pytest.raises(UnavailableError, match="does not answer"):
            check(settings(uri, authority_file))
        ticking.kill()
    assert len(gaps) > 100 and max(gaps) < 2, f"{len(gaps)} turns while a handshake was waited for, {max(gaps)} s apart"


def test_facts_and_calls_travel_over_tls_and_nothing_else(
    secure: RabbitMQ, amqps_uri: str, tmp_path: Path, authority_file: Path
) -> None:
    found: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(1):
            found.extend(secure.ctl("list_connections", "user", "ssl", "vhost", "--no-table-headers").splitlines())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        facts_and_calls_travel(amqps_uri=amqps_uri, tmp_path=tmp_path, authority_file=authority_file)
    finally:
        done.set()
        looking.join()
    assert {line.split("\t")[1] for line in found} == {"true"}
    with pytest.raises(TopologyError, match="speaks TLS at this port, and AMQP_URI does not ask for it"):
        check(Settings.read({"AMQP_URI": amqps_uri.replace("amqps://", "amqp://")}))


@pytest.fixture
def restarted(secure: RabbitMQ, tmp_path: Path) -> Iterator[Path]:
    """When a file of this name appears the broker is killed and started again; then the file goes."""
    wish, end = tmp_path / "restart", threading.Event()

    def restart() -> None:
        while not end.wait(0.05):
            if wish.exists():
                secure.kill()
                secure.start()
                wish.unlink()

    thread = threading.Thread(target=restart)
    thread.start()
    yield wish
    end.set()
    thread.join()


@pytest.mark.city
@green
def test_a_broker_that_comes_back_is_found_again(
    amqps_uri: str, tmp_path: str, authority_file: str, restarted: str
) -> None:
    wish = Path(restarted)
    with city(amqps_uri, tmp_path, AMQP_CA_FILE=authority_file) as here:
        here.call("shops", "open_shop", {"shop_id": "before", "name": "n"})
        here.settled()
        wish.touch()
        wait_for(lambda: not wish.exists(), "the broker", 60)

        def answered() -> bool:
            with suppress(UnavailableError):
                here.call("shops", "open_shop", {"shop_id": "after", "name": "n"}, timeout=2)
                return True
            return False

        wait_for(answered, "an answer after the restart", 40)
        here.settled()


def test_publishing_waits_for_a_blocked_broker(secure: RabbitMQ, amqps_uri: str, authority_file: Path) -> None:
    """py-amqp would leave the time-out of the handshake on the connection, and a blocked publisher would seem lost."""
    read = settings(amqps_uri, authority_file)
    options = {"confirm_publish": True}
    with connection(read.amqp_uri, read.amqp_tls, connect_timeout=1, transport_options=options) as opened:
        channel = opened.channel()
        queue = channel.queue_declare().queue
        secure.ctl("set_vm_memory_high_watermark", "0.00001")
        lifting = threading.Timer(3, lambda: secure.ctl("set_vm_memory_high_watermark", "0.4"))
        lifting.start()
        started = time.monotonic()
        channel.basic_publish(channel.prepare_message(b"{}"), routing_key=queue)
        assert time.monotonic() - started > 2
        lifting.join()
        assert channel.basic_get(queue, no_ack=True) is not None


def test_a_frozen_broker_holds_nobody_up(secure: RabbitMQ, amqps_uri: str, authority_file: Path) -> None:
    """Neither a look for confirms nor leaving waits for it; in a process that eventlet has not patched."""
    read = settings(amqps_uri, authority_file)
    publisher = Publisher(read.amqp_uri, EXCHANGE, tls=read.amqp_tls)
    publisher.publish([Message("a.b.c", b"%d" % number * 100) for number in range(3000)], 10)
    started = time.monotonic()
    publisher.tick()
    assert time.monotonic() - started < 1
    secure.pause()
    try:
        with pytest.raises(NotConfirmed):
            publisher.publish([Message("a.b.c", b"{}")], 1)
        publisher.close()
        assert time.monotonic() - started < 5
    finally:
        secure.resume()
    publisher.publish([Message("a.b.c", b"{}")], 10)
    publisher.close()


@pytest.mark.city
def test_a_city_of_both_servers_over_tls(
    amqps_uri: str, authority_file: Path, authority: Authority, database: MongoStandIn, tmp_path: Path,
    tunnel: Callable[..., int],
) -> None:  # fmt: skip
    """`linli migrate`, `doctor`, and a service that waits while the authority is a wrong one and goes on when it is put right."""
    port, known = free_port(), tmp_path / "authority.pem"
    own = authority.issue("linli-audit")
    secured = tunnel(database.port, clients=authority.file)
    environment = os.environ | {
        "AMQP_URI": amqps_uri, "AMQP_CA_FILE": str(known), "LINLI_DATA": str(tmp_path), "LINLI_METRICS_PORT": str(port),
        "MONGODB_URI": f"mongodb://localhost:{secured}/?directConnection=true&tls=true",
        "MONGODB_CA_FILE": str(authority.file), "MONGODB_CERTIFICATE_FILE": str(own), "LINLI_HOST": "127.0.0.1",
    }  # fmt: skip
    known.write_bytes(authority.file.read_bytes())

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-W", "ignore", "-m", *command)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)

    migrated = run("services.console", "migrate", "--json")
    assert migrated.returncode == 0, migrated.stderr
    assert {found["state"] for found in json.loads(migrated.stdout)["databases"]} == {"created"}
    log = (tmp_path / "log").open("w+")
    command = [sys.executable, "-W", "ignore", "-m", "services.console", "up", "audit"]
    service = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_for(lambda: "authority that is not known here" in run("services.console.probe").stdout, "the reason", 30)
        assert service.poll() is None
        known.write_bytes(authority_file.read_bytes())
        wait_for(lambda: run("services.console.probe").stdout.strip() == '{"status": "ok"}', "the service", 30)
        report = json.loads(run("services.console", "doctor", "audit", "--json").stdout)
        states = {finding["check"]: finding["state"] for finding in report["checks"]}
        assert states["broker"] == states["queue linli.facts.audit"] == states["linli_audit_views"] == "ok", report
    finally:
        service.terminate()
        ended = service.wait(10)
    assert ended == 0
    log.seek(0)
    written = log.read()
    assert "Traceback" not in written and written.count("authority that is not known here") == 1
