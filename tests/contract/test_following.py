"""A follower makes the same rows over every store, whatever the facts call them and whoever else applies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from shared.domain.errors import ConcurrencyError
from shared.domain.identity import new_id
from shared.domain.record import Record
from shared.domain.view import View, by
from shared.following.follow import PARKED, Follower
from shared.log import Commit, EventLog, NewEvent
from shared.log.memory import MemoryStorage
from shared.views import ViewStore
from tests.contract.conftest import OpenViews

COUNTS = View("counts", "shops", by("name"), lambda row, event, record, key: {"times": row.get("times", 0) + 1})


def write(log: EventLog, stream: str, version: int, **data: Any) -> None:
    """Append one fact that says `data`."""
    fact = NewEvent(type="Seen", schema=1, data=msgspec.Raw(msgspec.json.encode(data)), id=new_id(), occurred="")
    log.append(
        Commit(
            stream=stream, expected_version=version, events=(fact,), command="see", command_id=new_id(), actor="",
        )
    )  # fmt: skip


def decode(record: Record) -> Any:
    return msgspec.json.decode(record.data)


def test_rows_with_odd_keys_are_folded_on_from_what_they_were(open_views: OpenViews) -> None:
    names = ["plain", "a\0b", "路", "", "it's", "a"]
    log, store = EventLog("shops", MemoryStorage()), open_views((COUNTS, PARKED))
    follower = Follower("shops", (COUNTS,), store, decode)
    for turn in range(3):  # a batch each, so that the rows of the one before are read
        for name in names:
            write(log, f"s-{name}", turn, name=name)
        assert follower.apply(log.read(follower.position)) == len(names) * (turn + 1)
    assert {name: (store.get("counts", name) or {}).get("times") for name in names} == dict.fromkeys(names, 3)


class Two:
    """Two processes of one service over the same views, which count all facts in one row; "poison" cannot be counted at first."""

    def __init__(self, open_views: OpenViews) -> None:
        self.healed = False
        self.meanwhile: Callable[[], None] = lambda: None
        self.log = EventLog("shops", MemoryStorage())
        self.versions: dict[str, int] = {}
        view = View("counts", "shops", lambda event, record: "all", self._count)
        self.stores = [open_views((view, PARKED)) for _ in range(2)]
        self.one, self.other = (Follower("shops", (view,), store, decode) for store in self.stores)

    def _count(self, row: dict[str, Any], event: Any, record: Record, key: str) -> dict[str, Any]:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        if event["name"] == "poison" and not self.healed:
            raise ValueError("cannot be counted")
        return {"times": row.get("times", 0) + 1}

    def write(self, stream: str, name: str = "tea") -> None:
        write(self.log, stream, self.versions.get(stream, 0), name=name)
        self.versions[stream] = self.versions.get(stream, 0) + 1

    def take_in(self, follower: Follower) -> None:
        """As a process does: after somebody else was faster it begins anew from what the store says."""
        for _ in range(3):
            try:
                follower.apply(self.log.read(follower.position))
                return
            except ConcurrencyError:
                follower.reload()
        raise AssertionError("never applied")

    def counted(self) -> int:
        return (self.stores[0].get("counts", "all") or {}).get("times", 0)


@pytest.fixture
def two(open_views: OpenViews) -> Two:
    """Both know that a fact of s1 is parked and one waits behind it; one of s2 is counted."""
    two = Two(open_views)
    two.write("s1", "poison")
    two.write("s1")
    two.write("s2")
    two.take_in(two.one)
    two.take_in(two.other)
    assert (two.counted(), two.one.parked, two.one.first_parked("s1")) == (1, 2, 1)
    two.healed = True
    return two


def test_a_stream_that_one_process_had_retried_goes_on_in_the_other(two: Two) -> None:
    assert two.one.retry("s1") == 2
    two.write("s1")
    two.take_in(two.other)
    assert (two.counted(), two.other.parked) == (4, 0)


def test_what_an_operator_has_applied_and_what_arrives_meanwhile_are_both_counted(two: Two) -> None:
    """Whichever process takes in what arrives, and in whichever moment of the other (R5)."""
    two.write("s2")
    two.meanwhile = lambda: two.take_in(two.other)  # while the operator's act is being folded
    assert two.one.retry("s1") == 2
    assert (two.counted(), two.one.parked) == (4, 0)
    two.write("s3", "poison")
    two.healed = False
    two.take_in(two.one)
    two.take_in(two.other)
    two.healed = True
    two.write("s2")
    two.meanwhile = lambda: two.one.retry("s3") and None  # while what arrived is being folded
    two.take_in(two.other)
    assert (two.counted(), two.one.parked) == (6, 0)


def test_two_operators_at_once_apply_nothing_twice(two: Two) -> None:
    two.meanwhile = lambda: two.other.retry("s1") and None
    assert two.one.retry("s1") == 0
    assert (two.counted(), two.one.parked) == (3, 0)


def test_a_fact_that_is_skipped_lets_those_behind_it_go_on(two: Two) -> None:
    two.write("s2")
    two.meanwhile = lambda: two.take_in(two.other)
    assert two.one.skip("s1", 1) == 1
    assert two.one.skip("s1", 1) == 0
    two.write("s1")
    two.take_in(two.other)
    assert (two.counted(), two.other.parked) == (4, 0)


def test_a_batch_that_could_not_be_saved_blocks_no_stream(
    open_views: OpenViews, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeated, its facts are parked for their own reason."""
    two = Two(open_views)
    two.write("s1", "poison")
    store = two.stores[0]
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "save", _full)
        with pytest.raises(OSError, match="disk"):
            two.one.apply(two.log.read())
    two.one.apply(two.log.read())
    row = store.find("parked").rows[0]
    assert (row["state"], row["reason"]) == ("parked", "ValueError: cannot be counted")


def _full(self: ViewStore, *arguments: Any) -> None:
    raise OSError("the disk is full")
