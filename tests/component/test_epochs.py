"""After a restore to an earlier position the broker may still hold facts whose positions other facts take now: none is applied (R11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from kombu import Connection, Exchange, Producer

from shared.broker.topology import EXCHANGE, declare, queue_for
from shared.following.codes import Codes
from shared.following.follow import epoch
from shared.log import Commit, NewEvent
from shared.service.relay import fact_codes, message_of
from shared.service.settings import Settings
from shared.service.storage import open_log, open_views
from tests.component.city import City, city, wait_for
from tests.component.toy import SHOP, SHOPS_DEFINITION, WATCHERS_DEFINITION, ShopOpened
from tests.green import green

RESTORED = 1_800_000_000_000  # milliseconds


def mark(folder: str, **found: Any) -> None:
    """What a restore notes in the stores of some services."""
    settings = Settings.read({"LINLI_DATA": folder})
    for what in found.get("services", (SHOPS_DEFINITION, WATCHERS_DEFINITION)):
        store = open_views(settings, what.name, what.all_views)
        store.save({}, {epoch(source): (0, found["number"]) for source in (what.name, *what.sources)})
        store.close()


def left_in_the_queue(amqp_uri: str, folder: str, number: int, name: str) -> None:
    """A fact of another branch of the shops' log, which goes on where the one in use ends."""
    log = open_log(Settings.read({"LINLI_DATA": folder}), "shops")
    data = msgspec.Raw(SHOP.codec.encode(ShopOpened(shop_id=f"s{number}", name=name)))
    event = NewEvent(type="ShopOpened", schema=1, data=data, id=f"old-{number}", occurred="2026-03-01T09:00:00Z")
    for version in range(number):  # the position is what counts: it is taken by another fact later
        position = log.append(
            Commit(stream=f"old-{version}", expected_version=0, events=(event,), command="c", command_id=f"c{version}", actor="")
        ).position  # fmt: skip
    codes = fact_codes(Settings.read({"LINLI_DATA": f"{folder}/../data"}))  # the same city signed it
    message = message_of("shops", list(log.read())[-1], codes)
    log.close()
    assert position == number
    with Connection(amqp_uri) as connection:
        declare(connection, queue_for("watchers", ("shops",)))
        producer = Producer(connection.channel(), Exchange(EXCHANGE, type="topic"), auto_declare=False)
        producer.publish(message.body, routing_key=message.routing_key, headers=dict(message.headers),
                         content_type=message.properties["content_type"], content_encoding="utf-8")  # fmt: skip


def opened(here: City, number: int) -> dict[str, Any]:
    """Open a shop and tell what watchers see of it."""
    ask = {"shop_id": f"s{number}", "name": f"shop {number}"}
    position = here.call("shops", "open_shop", ask, command_id=f"open-{number}")["position"]
    assert position == number
    seen: dict[str, Any] = here.call("watchers", "seen", {"shop_id": f"s{number}"}, after={"shops": position})
    return seen["row"]


@green
def test_a_fact_from_before_the_restore_is_not_applied(amqp_uri: str, tmp_path: str) -> None:
    """The queue holds another position 3; the fact that has it now is the one that counts, and nothing is parked."""
    with city(amqp_uri, f"{tmp_path}/data") as here:
        for number in (1, 2):
            assert opened(here, number)["name"] == f"shop {number}"
        here.settled()
    mark(f"{tmp_path}/data", number=RESTORED)
    left_in_the_queue(amqp_uri, f"{tmp_path}/other", 3, "of another branch")
    with city(amqp_uri, f"{tmp_path}/data") as here:
        assert opened(here, 3)["name"] == "shop 3"
        assert opened(here, 4)["name"] == "shop 4"
        here.settled()
        parked = here.call("watchers", "parked", {"limit": 50, "cursor": None})["rows"]
        assert parked == [], parked
        assert here.here("watchers").node.followers["shops"].epoch == RESTORED


@green
def test_without_a_restore_the_same_fact_would_count(amqp_uri: str, tmp_path: str) -> None:
    """So the test above tests something: it is the next position, of the epoch that is known."""
    with city(amqp_uri, f"{tmp_path}/data") as here:
        for number in (1, 2):
            opened(here, number)
        here.settled()
    left_in_the_queue(amqp_uri, f"{tmp_path}/other", 3, "of the only branch")
    with city(amqp_uri, f"{tmp_path}/data") as here:
        row = here.call("watchers", "seen", {"shop_id": "s3"}, after={"shops": 3})["row"]
        assert row["name"] == "of the only branch"


@green
def test_views_that_are_younger_than_the_restore_learn_of_it(amqp_uri: str, tmp_path: str) -> None:
    mark(tmp_path, number=RESTORED, services=(SHOPS_DEFINITION,))
    with city(amqp_uri, tmp_path) as here:
        for number in (1, 2):
            assert opened(here, number)["name"] == f"shop {number}"
        here.settled()
        follower = here.here("watchers").node.followers["shops"]
        wait_for(lambda: follower.epoch == RESTORED, "the epoch to be learnt")
        follower.reload()
        assert follower.epoch == RESTORED


@pytest.mark.parametrize("number", [0, RESTORED])
def test_a_message_names_its_epoch_when_there_was_a_restore(tmp_path: Path, number: int) -> None:
    log = open_log(Settings.read({"LINLI_DATA": str(tmp_path)}), "shops")
    data = msgspec.Raw(SHOP.codec.encode(ShopOpened(shop_id="s", name="n")))
    event = NewEvent(type="ShopOpened", schema=1, data=data, id="e", occurred="2026-03-01T09:00:00Z")
    log.append(Commit(stream="s", expected_version=0, events=(event,), command="c", command_id="c", actor=""))
    headers = message_of("shops", next(log.read()), Codes((b"s" * 32,), "facts"), epoch=number).headers
    assert headers.get("cloudEvents:epoch", 0) == number
    log.close()
