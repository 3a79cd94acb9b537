"""Servers for the component tests, started once a session and emptied for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.bus import embedded
from tests.contract import mongo
from tests.servers import MongoStandIn, RabbitMQ
from tests.tunnel import Authority


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
