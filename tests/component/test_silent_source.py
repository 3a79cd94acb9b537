"""A source that does not answer holds up no other, and no answer is lost because it came too early (R2, R3)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import eventlet
import pytest
from kombu import Connection, Queue

from shared.broker.topology import calls
from shared.domain.errors import TimedOutError
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.service.rpc import Caller, Intake
from shared.service.service import Followed, serves
from tests.component.city import City, city, wait_for
from tests.component.toy import SEEN, SIGHTS, WATCH, ShopService, on_opened
from tests.green import green

#: Follows a source that takes calls and never answers, before one that does.
BESIDE = Definition("watchers", (WATCH,), (SEEN, SIGHTS), {"shops.ShopOpened": on_opened}, ("mute", "shops"))


@serves(BESIDE)
class BesideMute(Followed):
    """Watchers of shops, and of a source that says nothing."""


def _open(here: City, number: int) -> int:
    given = {"shop_id": f"s{number}", "name": "tea"}
    return int(here.call("shops", "open_shop", given, command_id=f"open-{number}")["position"])


@green
def test_a_source_that_does_not_answer_holds_up_no_other(amqp_uri: str, tmp_path: Path) -> None:
    variables = {"LINLI_RPC_TIMEOUT": "6"}
    with city(amqp_uri, tmp_path, ShopService, BesideMute, **variables) as here, Connection(amqp_uri) as connection:
        waiting = Queue("rpc-mute", calls(), routing_key="mute.*", durable=True)(connection.channel())
        waiting.declare()
        try:
            wait_for(lambda: waiting.queue_declare(passive=True).message_count > 0, "a question to the mute source")
            for number in range(1, 4):
                began = time.monotonic()
                position = _open(here, number)
                seen = here.call("watchers", "seen", {"shop_id": f"s{number}"}, after={"shops": position})
                assert seen["row"]["name"] == "tea"
                assert time.monotonic() - began < 2, "the fact arrived, whoever else is silent"
            with pytest.raises(TimedOutError):  # who waits for the silent one itself is told so
                here.call("watchers", "seen", {"shop_id": "s1"}, after={"mute": 1})
        finally:
            waiting.delete()


@green
def test_no_call_is_sent_before_its_answer_can_arrive(amqp_uri: str, tmp_path: Path) -> None:
    """The extensions of a service start side by side: the queue of answers may be there later than who asks."""
    begin, asked = Intake.run, []

    def late(self: Any, **options: Any) -> None:
        if self.container.service_name == "door":
            caller = next(one for one in self.container.extensions if isinstance(one, Caller))
            given = {"shop_id": "s1", "name": "tea"}
            context = CallContext(kind="operator", actor="op", command_id="open-1")
            asked.append(eventlet.spawn(caller.call, "shops", "open_shop", context, given))
            eventlet.sleep(2.0)  # as on a busy machine
        begin(self, **options)

    Intake.run = late  # type: ignore[method-assign]  # this process is the test's own
    with city(amqp_uri, tmp_path, ShopService, LINLI_RPC_TIMEOUT="8"):
        assert asked[0].wait()["position"] == 1
