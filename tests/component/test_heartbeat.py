"""A follower that works for longer than the broker's patience keeps its connection, and gets no message twice (§4)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from shared.broker import heartbeat
from shared.domain.view import View, by
from shared.following.definition import Definition
from shared.service import metrics
from shared.service.call import Here
from shared.service.service import Followed
from tests.component.city import city, wait_for
from tests.component.toy import WATCH, ShopService
from tests.green import green

LONG = 6.0  # seconds; three times what the broker bears when both sides beat every second


def _slow(row: dict[str, Any], event: Any, record: Any, key: str) -> dict[str, Any]:
    """Works for long, leaving the processor to others as a wait for the database does."""
    if event["name"] == "slow":
        time.sleep(LONG)  # the long work itself
    return {"name": event["name"]}


class SlowService(Followed):
    """Follows the shops with a view that takes its time."""

    name = "watchers"
    here = Here(Definition("watchers", (WATCH,), (View("slow", "shops", by("shop_id"), _slow),), sources=("shops",)))


@green
def test_heartbeats_are_sent_while_a_view_is_worked_on(amqp_uri: str, tmp_path: Path) -> None:
    heartbeat.HEARTBEAT = 1
    with city(amqp_uri, str(tmp_path), ShopService, SlowService, LINLI_CATCH_UP="60") as running:
        follower = running.here("watchers").node.followers["shops"]
        running.call("shops", "open_shop", {"shop_id": "1", "name": "tea"}, command_id="one")
        wait_for(lambda: follower.position == 1, "the first fact")
        tried_again = metrics.RETRIES.labels("watchers", "consumer")._value.get()
        running.call("shops", "open_shop", {"shop_id": "2", "name": "slow"}, command_id="two")
        wait_for(lambda: follower.position == 2, "the fact that takes long", LONG + 10)
        running.call("shops", "open_shop", {"shop_id": "3", "name": "rice"}, command_id="three")
        # no other way than over the kept connection: the source is not asked for a minute
        wait_for(lambda: follower.position == 3, "a fact after it", 5)
        assert metrics.RETRIES.labels("watchers", "consumer")._value.get() == tried_again
