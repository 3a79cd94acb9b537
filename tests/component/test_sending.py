"""Calls and answers go over one connection of a service, facts over another: what is lost or refused is sent again (P7, P8, R2)."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import eventlet
import pytest
from amqp.exceptions import MessageNacked
from kombu import Connection, Producer, Queue

from shared.broker.topology import calls, exchange
from shared.domain.errors import UnavailableError
from shared.service.sending import Sender
from tests.component.city import City, city, wait_for
from tests.component.toy import ShopService
from tests.green import green


def _open(here: City, number: int) -> Any:
    return here.call("shops", "open_shop", {"shop_id": f"s{number}", "name": "tea"}, command_id=f"open-{number}")


def _cut(channel: Any) -> None:
    """Lose a connection as a broken network would."""
    wire = getattr(channel.connection, "transport", None)
    if wire is None:
        channel.connection.close()
    else:
        wire.sock.shutdown(socket.SHUT_RDWR)


@green
def test_calls_outlive_the_loss_of_their_connection(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path, ShopService) as here:
        senders = [
            next(extension.publisher for extension in container.extensions if isinstance(extension, Sender))
            for container in here.containers.values()
        ]
        _open(here, 1000)
        lost = [sender._channel for sender in senders if sender._channel is not None]
        assert len(lost) == 2, "the caller and the service have a connection each"
        pool = eventlet.GreenPool(32)
        answers = [pool.spawn(_open, here, number) for number in range(100)]
        for channel in lost:
            eventlet.sleep(0.05)  # calls are in the middle of their way
            _cut(channel)
        assert sorted(answer.wait()["position"] for answer in answers) == list(range(2, 102))
        assert _open(here, 1000)["position"] == 1
        assert all(sender._channel not in lost for sender in senders)
        wait_for(lambda: not any(sender._sent for sender in senders), "the confirms")


@green
def test_no_call_is_written_to_the_brokers_disk(amqp_uri: str, tmp_path: Path) -> None:
    """Calls hold what somebody types; whoever waits for an answer makes a lost one again."""
    with city(amqp_uri, tmp_path, ShopService) as here, Connection(amqp_uri) as connection:
        tap = Queue("tap", calls(), "#", auto_delete=True)(connection.channel())
        tap.declare()
        _open(here, 1)
        found: list[Any] = []
        wait_for(
            lambda: len(found) == 2 or bool((one := tap.get(no_ack=True)) and found.append(one)), "call and answer"
        )
        assert [one.properties["delivery_mode"] for one in found] == [1, 1]


@green
def test_a_service_that_is_not_there_is_named_and_others_are_called_meanwhile(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path, ShopService) as here:
        pool = eventlet.GreenPool(32)
        answers = [pool.spawn(_open, here, number) for number in range(20)]
        nobody = [pool.spawn(_refused, here) for _ in range(20)]
        assert all(answer.wait() for answer in nobody)
        assert sorted(answer.wait()["position"] for answer in answers) == list(range(1, 21))


def _refused(here: City) -> bool:
    with pytest.raises(UnavailableError, match="nobody is not running"):
        here.call("nobody", "open_shop", {})
    return True


@green
def test_facts_that_were_confirmed_are_not_relayed_again_for_those_that_were_not(tmp_path: Path) -> None:
    with city("linli://embedded", tmp_path, ShopService) as here, Connection("linli://embedded") as connection:
        channel = connection.channel()
        small = {"x-max-length": 3, "x-overflow": "reject-publish"}
        queue = Queue("small", exchange(), "#", queue_arguments=small)(channel)
        queue.declare()
        with pytest.raises(MessageNacked):
            for _ in range(10):
                Producer(channel).publish("full", routing_key="small")
        for number in range(10):
            _open(here, number)
        views = here.here("shops").node.views
        eventlet.sleep(1)  # time in which a relay that does not wait for confirms would move
        assert views.checkpoint("relay") == 0
        queue.purge()
        wait_for(lambda: views.checkpoint("relay") > 0, "those that the queue takes")
        assert views.checkpoint("relay") < 10
        queue.delete()
        wait_for(lambda: views.checkpoint("relay") == 10, "the others")
