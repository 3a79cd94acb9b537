"""Every way in which TLS can be wrong, and in whose words it is said."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.console.doctor import examine as doctor
from shared.broker.message import Message, NotConfirmed
from shared.broker.publisher import Publisher
from shared.broker.topology import EXCHANGE, TopologyError
from shared.domain.errors import UnavailableError
from shared.service.settings import Settings
from shared.service.storage import check_database, migrate_log
from tests.component.tls import check, settings
from tests.green import green
from tests.servers import MongoStandIn, RabbitMQ
from tests.tunnel import Authority

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
        Publisher(read.amqp_uri, EXCHANGE, tls=read.amqp_tls).publish([Message("a.b.c", b"{}")], 5)


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
