"""Servers for the component tests, started once a session and emptied for every test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.broker.embedded import transport as embedded
from tests.contract import mongo
from tests.servers import MongoStandIn, RabbitMQ
from tests.tunnel import Authority, Tunnel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """A RabbitMQ node of the test run's own (or the one `RABBITMQ_URI` names)."""
    broker = RabbitMQ()
    yield broker
    broker.destroy()


@pytest.fixture(params=["embedded", "rabbitmq"])
def amqp_uri(request: pytest.FixtureRequest) -> str:
    """An empty broker: the embedded one, then a fresh virtual host of RabbitMQ."""
    if request.param == "embedded":
        embedded.install()
        embedded.reset()
        return "linli://embedded"
    uri: str = request.getfixturevalue("rabbitmq").vhost()
    return uri


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the certificates of a module's tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def database() -> Iterator[MongoStandIn]:
    """A database server of a module's own: users and roles belong to the whole server."""
    with mongo.own() as server:
        yield server


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an operator has after `deploy/certificates`."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([ROOT / "deploy" / "certificates", folder], check=True)
    return folder


@pytest.fixture(scope="package")
def secure(certificates: Path) -> Iterator[RabbitMQ]:
    """A broker that takes TLS connections only, set up by deploy/rabbitmq/tls.conf."""
    broker = RabbitMQ(tls=certificates)
    yield broker
    broker.destroy()


@pytest.fixture
def amqps_uri(secure: RabbitMQ) -> str:
    return secure.vhost()


@pytest.fixture(scope="package")
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
