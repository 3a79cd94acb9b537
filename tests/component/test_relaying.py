"""The relay's checkpoint: moved seldom, never beyond what the broker has, and safe to lose (R1)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from shared.service import relay as relaying
from tests.component.city import city, wait_for
from tests.component.toy import ShopService
from tests.green import green


@green
def test_what_is_published_in_a_moment_moves_the_checkpoint_once(amqp_uri: str, tmp_path: str) -> None:
    relaying.GATHER = 0.5
    with city(amqp_uri, tmp_path, ShopService) as here:
        started = time.monotonic()
        node, relay = here.here("shops").node, here.here("shops").followers.relay
        moves: list[tuple[int, int]] = []
        published = [0]
        save, publish = node.views.save, relay._publish

        def saved(changes: Any, checkpoints: Mapping[str, tuple[int, int]] | None = None) -> None:
            if "relay" in (checkpoints or {}):
                moves.append(checkpoints["relay"])
                assert moves[-1][1] <= published[0], "not confirmed yet"
            save(changes, checkpoints)

        def publishing(publisher: Any, records: Any) -> None:
            publish(publisher, records)
            published[0] = records[-1].position

        node.views.save, relay._publish = saved, publishing
        for number in range(60):
            here.call("shops", "open_shop", {"shop_id": f"s{number}", "name": "tea"})
        wait_for(lambda: node.views.checkpoint("relay") == 60, "the checkpoint to follow")
        assert [before for before, _ in moves] == [0, *(after for _, after in moves[:-1])]
        assert len(moves) <= (time.monotonic() - started) / relaying.GATHER + 2


@green
def test_a_checkpoint_that_could_not_be_moved_costs_a_repetition_that_followers_skip(
    amqp_uri: str, tmp_path: str
) -> None:
    with city(amqp_uri, tmp_path) as here:
        relay = here.here("shops").followers.relay
        published: list[int] = []
        publish, save = relay._publish, relay._save
        failing = [True]

        def publishing(publisher: Any, records: Any) -> None:
            published.extend(record.position for record in records)
            publish(publisher, records)

        def saving(position: int) -> None:
            if failing:
                failing.pop()
                raise OSError("killed before it was written")
            save(position)

        relay._publish, relay._save = publishing, saving
        here.call("shops", "open_shop", {"shop_id": "s1", "name": "tea"})
        wait_for(lambda: here.here("shops").node.views.checkpoint("relay") == 1, "the second try")
        here.settled()
        assert published == [1, 1]
        found = here.call("watchers", "seen", {"shop_id": "s1"})
        assert (found["row"]["times"], found["sights"]["count"]) == (1, 1)
