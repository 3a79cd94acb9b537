"""A follower makes the same rows over every store, whatever the facts call them."""

from __future__ import annotations

import msgspec

from shared.identity import new_id
from shared.log import Commit, EventLog, NewEvent
from shared.log.memory import MemoryStorage
from shared.runtime.follow import PARKED, Follower
from shared.views import View, by
from tests.contract.conftest import OpenViews

COUNTS = View("counts", "shops", by("name"), lambda row, event, record: {"times": row.get("times", 0) + 1})


def test_rows_with_odd_keys_are_folded_on_from_what_they_were(open_views: OpenViews) -> None:
    names = ["plain", "a\0b", "路", "", "it's", "a"]
    log, store = EventLog("shops", MemoryStorage()), open_views((COUNTS, PARKED))
    follower = Follower("shops", (COUNTS,), store, lambda record: msgspec.json.decode(record.data))
    for turn in range(3):  # a batch each, so that the rows of the one before are read
        for name in names:
            fact = NewEvent(
                type="Seen", schema=1, data=msgspec.Raw(msgspec.json.encode({"name": name})), id=new_id(), occurred=""
            )
            log.append(
                Commit(
                    stream=f"s-{name}",
                    expected_version=turn,
                    events=(fact,),
                    command="see",
                    command_id=new_id(),
                    actor="",
                )
            )
        assert follower.apply(log.read(follower.position)) == len(names) * (turn + 1)
    assert {name: (store.get("counts", name) or {}).get("times") for name in names} == dict.fromkeys(names, 3)
