"""A service that is restarted: callers wait for it, it leaves nothing behind, and two processes of it serve side by side (R3)."""

from __future__ import annotations

import time
from pathlib import Path

import eventlet
import pytest

from shared.domain.errors import TimedOutError, UnavailableError
from shared.following.context import CallContext
from shared.following.execute import execute
from shared.following.node import ServiceRuntime
from shared.log import EventLog
from shared.log.sqlite import SqliteStorage
from shared.service.settings import Settings
from shared.service.storage import open_log, open_views
from shared.views.sqlite import SqliteViews
from tests.component.city import city
from tests.component.toy import SHOP, SHOPS_DEFINITION, ShopService, WatcherService, open_shop
from tests.green import green
from tests.servers import RabbitMQ

TEA = {"shop_id": "s1", "name": "tea"}


@green
def test_a_call_waits_for_a_service_that_has_no_queue_yet(amqp_uri: str, tmp_path: Path) -> None:
    """As when the broker was replaced and the service is not back yet."""
    with city(amqp_uri, tmp_path, WatcherService) as here:
        waiting = eventlet.spawn(here.call, "shops", "open_shop", TEA, timeout=30, command_id="c")
        eventlet.sleep(1.0)  # several attempts of the call find no queue
        assert not waiting.dead
        with city(amqp_uri, tmp_path, ShopService) as back:
            assert waiting.wait()["position"] == 1
            assert back.here("shops").node.log.head().position == 1


@green
def test_a_call_waits_while_the_service_is_restarted(amqp_uri: str, tmp_path: Path) -> None:
    """The queue keeps the call; the answer is the first receipt, and nothing is done twice."""
    with city(amqp_uri, tmp_path, WatcherService) as here:
        with city(amqp_uri, tmp_path, ShopService):
            assert here.call("shops", "open_shop", TEA, command_id="first")["position"] == 1
        calls = [
            eventlet.spawn(here.call, "shops", "open_shop", TEA | {"shop_id": id}, timeout=30, command_id=id)
            for id in ("s2", "s3", "s3", "s4")
        ]
        eventlet.sleep(0.5)  # the calls are in the queue of the service that is away
        with city(amqp_uri, tmp_path, ShopService) as back:
            positions = [call.wait()["position"] for call in calls]
            assert sorted(set(positions)) == [2, 3, 4]
            assert positions[1] == positions[2]
            assert back.here("shops").node.log.head().position == 4


@green
def test_a_service_that_is_not_there_is_told_within_the_time_out(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path, WatcherService) as here:
        started = time.monotonic()
        with pytest.raises(UnavailableError, match="the service shops is not running") as refused:
            here.call("shops", "open_shop", TEA, timeout=1.5)
        assert 1.0 <= time.monotonic() - started <= 1.6
        assert not isinstance(refused.value, TimedOutError), "nothing was done: it is not unknown"
        started = time.monotonic()
        with pytest.raises(UnavailableError, match="the service shops is not running"):
            here._caller.call("shops", "status", CallContext(kind="service", actor="door"), {}, 5.0, wait=False)
        assert time.monotonic() - started < 1.0


@green
def test_what_is_in_the_log_is_published_before_the_end_and_the_lease_is_given_back(
    rabbitmq_uri: str, tmp_path: Path
) -> None:
    """A successor need not wait for a lease to run out, and followers hear of everything that was acknowledged."""
    with city(rabbitmq_uri, tmp_path, ShopService) as here:
        for number in range(20):
            here.call("shops", "open_shop", TEA | {"shop_id": f"s{number}"}, command_id=f"c{number}")
        started = time.monotonic()
    assert time.monotonic() - started < 2.0, "the end is quick: callers wait for the next process"
    settings = Settings.read({"LINLI_DATA": str(tmp_path)})
    views = open_views(settings, "shops", SHOPS_DEFINITION.all_views)
    assert views.checkpoint("relay") == open_log(settings, "shops").head().position == 20
    assert views.lease("relay", "the next process", 60)
    views.close()


@pytest.fixture
def rabbitmq_uri(rabbitmq: RabbitMQ) -> str:
    """Where a lease is used: an embedded city alone holds its folder."""
    return rabbitmq.vhost()


def test_a_process_sees_what_another_process_of_its_service_applied(tmp_path: Path) -> None:
    """Two of them share the views, and only one takes facts in: whoever asks the other still reads what was written."""
    nodes = [
        ServiceRuntime(
            SHOPS_DEFINITION,
            EventLog("shops", SqliteStorage(tmp_path / "shops.log.sqlite", read_only=standby)),
            SqliteViews(tmp_path / "shops.views.sqlite", SHOPS_DEFINITION.all_views),
        )
        for standby in (False, True)
    ]
    active, standby = nodes
    context = CallContext(kind="operator", actor="op", command_id="c", occurred="2026-03-01T09:00:00+08:00")
    execute(
        active.log, SHOP, "s1", open_shop, context=context, mandate=active.mandate(context), command="open", name="tea"
    )
    with pytest.raises(TimedOutError, match="has not heard of shops position 1"):
        standby.wait_for({"shops": 1}, timeout=0.3)
    active.apply_own()
    standby.wait_for({"shops": 1}, timeout=5)
    assert standby.views.get("shops", "s1") == {"key": "s1", "name": "tea"}
    for node in nodes:
        node.close()
