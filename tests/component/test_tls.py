"""Services over TLS: with a RabbitMQ that takes nothing else and a database behind a tunnel; and every way in which it can be wrong."""

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
from urllib.parse import urlsplit

import pytest

from services.console import doctor
from shared.bus import topology
from shared.bus.connecting import connection
from shared.bus.publisher import ConfirmedPublisher, Message, NotConfirmed
from shared.bus.topology import EXCHANGE, TopologyError
from shared.errors import UnavailableError
from shared.runtime.settings import Settings
from shared.runtime.storage import check_database, migrate_log
from tests.component.city import city, wait_for
from tests.green import green
from tests.processes import free_port
from tests.servers import MongoStandIn, RabbitMQ
from tests.tunnel import Authority, Tunnel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an operator has after `deploy/certificates`."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([ROOT / "deploy" / "certificates", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def secure(certificates: Path) -> Iterator[RabbitMQ]:
    """A broker that takes TLS connections only, set up by deploy/rabbitmq/tls.conf."""
    broker = RabbitMQ(tls=certificates)
    yield broker
    broker.destroy()


@pytest.fixture
def amqps_uri(secure: RabbitMQ) -> str:
    return secure.vhost()


@pytest.fixture(scope="module")
def authority_file(certificates: Path) -> Path:
    return certificates / "tls_authority"


@pytest.fixture
def tunnel(authority: Authority) -> Iterator[Callable[..., int]]:
    """Opens a tunnel to a server's port and gives its own port; by default its certificate is as it should be."""
    opened: list[Tunnel] = []

    def tunnel(port: int, certificate: Path | None = None, clients: Path | None = None) -> int:
        opened.append(Tunnel(certificate or authority.issue("localhost"), ("127.0.0.1", port), clients))
        return opened[-1].port

    yield tunnel
    for each in opened:
        each.close()


def settings(uri: str, authority_file: Path | str, **variables: str) -> Settings:
    return Settings.read({"AMQP_URI": uri, "AMQP_CA_FILE": str(authority_file), **variables})


def check(read: Settings) -> None:
    topology.check(read.amqp_uri, "watchers", ("shops",), read.amqp_tls)


# what works


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
    publisher = ConfirmedPublisher(read.amqp_uri, EXCHANGE, tls=read.amqp_tls)
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


# what is wrong, and in whose words

#: The certificate that a server shows, and what is said of it.
WRONG = {
    "another authority": (lambda own, other: other.issue("localhost"), "authority that is not known here: let {}_CA_FILE"),
    "expired": (lambda own, other: own.issue("localhost", since=-9, until=-2), "has expired, or whose .*: renew it"),
    "not yet valid": (lambda own, other: own.issue("localhost", since=2), "not valid yet: compare the clocks"),
    "another name": (lambda own, other: own.issue("mq.example"), "for another host: write the name .* in {}_URI"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_brokers_wrong_certificate_is_named(
    what: str, authority: Authority, rabbitmq: RabbitMQ, tunnel: Callable[..., int], tmp_path: Path
) -> None:
    make, said = WRONG[what]
    port = tunnel(urlsplit(rabbitmq.uri).port, make(authority, Authority(tmp_path, "others")))
    read = settings(f"amqps://guest:very-secret@localhost:{port}//", authority.file)
    with pytest.raises(TopologyError, match=f"the broker at localhost:{port} shows .*{said.format('AMQP')}") as caught:
        check(read)
    assert "very-secret" not in caught.value.message
    with pytest.raises(NotConfirmed, match=said.format("AMQP")):
        ConfirmedPublisher(read.amqp_uri, EXCHANGE, tls=read.amqp_tls).publish([Message("a.b.c", b"{}")], 5)


@pytest.mark.parametrize("what", WRONG)
def test_a_databases_wrong_certificate_is_named(
    what: str, authority: Authority, database: MongoStandIn, tunnel: Callable[..., int], tmp_path: Path
) -> None:
    make, said = WRONG[what]
    port = tunnel(database.port, make(authority, Authority(tmp_path, "others")))
    with pytest.raises(UnavailableError, match=f"the server at localhost:{port} shows .*{said.format('MONGODB')}"):
        check_database(mongodb(port, authority), "issues")


def mongodb(port: int, authority: Authority, **variables: str) -> Settings:
    uri = f"mongodb://localhost:{port}/?directConnection=true&tls=true"
    return Settings.read({"MONGODB_URI": uri, "MONGODB_CA_FILE": str(authority.file), **variables})


@pytest.fixture
def hanging_up() -> Iterator[int]:
    """The port of a server that hangs up on what it does not understand, as mongod does; the stand-in waits for more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with listener.accept()[0] as opened:
                        opened.recv(65536)

        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def test_plain_text_and_tls_that_meet_are_told_apart(
    authority: Authority, rabbitmq: RabbitMQ, database: MongoStandIn, tunnel: Callable[..., int], hanging_up: int
) -> None:
    port = urlsplit(rabbitmq.uri).port
    with pytest.raises(TopologyError, match=r"does not speak TLS at this port: name its TLS port, usually 5671"):
        check(settings(f"amqps://guest:guest@localhost:{port}//", authority.file))
    with pytest.raises(UnavailableError, match="the server at .* does not speak TLS at this port: .*tls=true"):
        check_database(mongodb(hanging_up, authority), "issues")
    with pytest.raises(TopologyError, match="speaks TLS at this port, .*: it must begin with amqps://"):
        check(Settings.read({"AMQP_URI": f"amqp://guest:guest@localhost:{tunnel(port)}//"}))
    uri = f"mongodb://localhost:{tunnel(database.port)}/?directConnection=true"
    with pytest.raises(UnavailableError, match="the server at .* speaks TLS at this port, .*: it must say tls=true"):
        check_database(Settings.read({"MONGODB_URI": uri}), "issues")


@pytest.fixture(scope="module")
def asking(certificates: Path) -> Iterator[RabbitMQ]:
    """A broker that wants to see a certificate."""
    more = ("ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true")
    broker = RabbitMQ(tls=certificates, more=more)
    yield broker
    broker.destroy()


def test_a_broker_may_ask_for_a_certificate_of_our_own(
    asking: RabbitMQ, certificates: Path, authority: Authority
) -> None:
    """With TLS 1.3 it refuses after the handshake: which of our reads or writes meets that is chance, what is said is not."""
    own, stranger = certificates / "tls_mongodb", authority.issue("stranger")
    uri = asking.vhost()
    for _ in range(15):
        check(settings(uri, certificates / "tls_authority", AMQP_CERTIFICATE_FILE=str(own)))
        with pytest.raises(TopologyError, match="wants to see a certificate of ours.*AMQP_CERTIFICATE_FILE"):
            check(settings(uri, certificates / "tls_authority"))
        with pytest.raises(TopologyError, match="does not accept the certificate in AMQP_CERTIFICATE_FILE"):
            check(settings(uri, certificates / "tls_authority", AMQP_CERTIFICATE_FILE=str(stranger)))


@pytest.mark.city
def test_the_same_is_said_in_a_service(
    asking: RabbitMQ, rabbitmq: RabbitMQ, certificates: Path, authority: Authority, database: MongoStandIn,
    tunnel: Callable[..., int],
) -> None:  # fmt: skip
    """Services run patched by eventlet, where TLS takes other ways."""
    port, expired = urlsplit(rabbitmq.uri).port, authority.issue("localhost", since=-9, until=-2)
    said_in_a_patched_process(
        asking=asking.uri, asked=certificates / "tls_authority", known=authority.file, plain=port, secured=tunnel(port),
        expired=tunnel(port, expired), database=tunnel(database.port, expired), other=tunnel(database.port),
    )  # fmt: skip


@green
def said_in_a_patched_process(
    asking: str, asked: str, known: str, plain: str, secured: str, expired: str, database: str, other: str
) -> None:
    with pytest.raises(TopologyError, match="wants to see a certificate of ours"):
        check(settings(asking, asked))
    with pytest.raises(TopologyError, match="does not speak TLS at this port"):
        check(settings(f"amqps://guest:guest@localhost:{plain}//", known))
    with pytest.raises(TopologyError, match="speaks TLS at this port"):
        check(Settings.read({"AMQP_URI": f"amqp://guest:guest@localhost:{secured}//"}))
    with pytest.raises(TopologyError, match="has expired"):
        check(settings(f"amqps://guest:guest@localhost:{expired}//", known))
    uri = "mongodb://localhost:{}/?directConnection=true"
    with pytest.raises(UnavailableError, match="has expired"):
        check_database(
            Settings.read({"MONGODB_URI": f"{uri.format(database)}&tls=true", "MONGODB_CA_FILE": known}), "a"
        )
    with pytest.raises(UnavailableError, match="speaks TLS at this port"):
        check_database(Settings.read({"MONGODB_URI": uri.format(other)}), "a")


def test_a_database_may_ask_for_a_certificate_of_our_own(
    authority: Authority, database: MongoStandIn, tunnel: Callable[..., int], tmp_path: Path
) -> None:
    own, stranger = authority.issue("linli-issues"), Authority(tmp_path, "others").issue("localhost")
    port = tunnel(database.port, clients=authority.file)
    migrate_log(mongodb(port, authority, MONGODB_CERTIFICATE_FILE=str(own)), "issues")
    with pytest.raises(UnavailableError, match="wants to see a certificate of ours.*MONGODB_CERTIFICATE_FILE"):
        check_database(mongodb(port, authority), "issues")
    with pytest.raises(UnavailableError, match="does not accept the certificate in MONGODB_CERTIFICATE_FILE"):
        check_database(mongodb(port, authority, MONGODB_CERTIFICATE_FILE=str(stranger)), "issues")


def test_the_doctor_names_a_wrong_certificate(
    authority: Authority, amqps_uri: str, database: MongoStandIn, tunnel: Callable[..., int], tmp_path: Path
) -> None:
    port = tunnel(database.port, authority.issue("db.example"))
    report = doctor.examine(settings(amqps_uri, authority.file, MONGODB_URI=(
        f"mongodb://localhost:{port}/?directConnection=true&tls=true"), MONGODB_CA_FILE=str(authority.file),
        LINLI_DATA=str(tmp_path)), ["audit"])  # fmt: skip
    said = {finding["check"]: finding["message"] for finding in report["checks"] if finding["state"] == "failed"}
    assert "authority that is not known here: let AMQP_CA_FILE" in said["broker"]
    assert "certificate for another host" in said["MongoDB"]


def test_the_systems_authorities_are_asked_without_a_file(amqps_uri: str) -> None:
    with pytest.raises(TopologyError, match="authority that is not known here"):
        check(Settings.read({"AMQP_URI": amqps_uri}))
