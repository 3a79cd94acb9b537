"""Who waits for facts that are still to come: nobody in particular only for a moment, others few at a time (S6)."""

from __future__ import annotations

import time
from pathlib import Path

import eventlet
import pytest

from shared.domain.errors import TimedOutError
from shared.following.node import WAITING
from shared.service.call import SHORT, WAIT_SHARE
from tests.component.city import City, city
from tests.green import green


def waited(here: City, kind: str, actor: str) -> float:
    """Seconds after which a call that waits for what never comes is refused."""
    began = time.monotonic()
    with pytest.raises(TimedOutError, match="has not heard of"):
        here.call("watchers", "seen", {"shop_id": "s1"}, after={"shops": 99}, kind=kind, actor=actor)
    return time.monotonic() - began


@green
def test_few_wait_at_length_and_nobody_in_particular_does(amqp_uri: str, tmp_path: Path) -> None:
    with city(amqp_uri, tmp_path, LINLI_RPC_TIMEOUT="8") as here:
        position = here.call("shops", "open_shop", {"shop_id": "s1", "name": "tea"}, command_id="open-1")["position"]
        long = 8 * WAIT_SHARE
        assert SHORT <= waited(here, "anonymous", "") < long
        pool = eventlet.GreenPool(64)
        waits = [pool.spawn(waited, here, "person", f"p-{number}") for number in range(WAITING + 4)]
        eventlet.sleep(1.0)  # all of them have been asked
        began = time.monotonic()
        answer = here.call("watchers", "seen", {"shop_id": "s1"}, after={"shops": position}, kind="person", actor="p-0")
        assert answer["row"]["name"] == "tea" and time.monotonic() - began < 3, "others find a worker"
        took = sorted(wait.wait() for wait in waits)
        assert took[3] < long <= took[4], "four too many waited for a moment only"
        assert waited(here, "person", "p-1") >= long, "and those who are done make room"
