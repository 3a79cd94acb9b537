"""What a call reads of its own service's facts reflects what the process acknowledged before, if that can be had at once (decision 3)."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from shared.domain.mandate import Mandate
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.following.execute import execute
from shared.following.node import ServiceRuntime
from shared.following.reading import MOMENT, UpToDate
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.views.sqlite import SqliteViews
from tests.component.toy import SHOP, SHOPS_DEFINITION, WATCHERS_DEFINITION, open_shop


def node_of(folder: Path, definition: Definition = SHOPS_DEFINITION) -> ServiceRuntime:
    return ServiceRuntime(
        definition, EventLog("shops", MemoryStorage()), SqliteViews(folder / "views", definition.all_views)
    )


def opened(node: ServiceRuntime, number: int) -> None:
    context = CallContext(kind="operator", actor="op", command_id=f"c-{number}", occurred="2026-03-01T09:00:00+08:00")
    execute(
        node.log, SHOP, f"s{number}", open_shop, context=context, mandate=Mandate(actor="op", role="operator"),
        command="open_shop", name="tea",
    )  # fmt: skip


def test_a_read_waits_for_what_was_acknowledged_before(tmp_path: Path) -> None:
    node = node_of(tmp_path)
    over = threading.Event()

    def project() -> None:
        while not over.is_set():
            if node.awaited.wait(0.05):  # as the projector does: nobody is kept waiting for the others to gather
                node.awaited.clear()
                node.apply_own()

    projector = threading.Thread(target=project)
    projector.start()
    try:
        for number in range(30):
            opened(node, number)
            assert UpToDate(node).get("shops", f"s{number}") == {"key": f"s{number}", "name": "tea"}
            assert UpToDate(node).count("shops") == number + 1
    finally:
        over.set()
        projector.join(10)


def test_it_waits_once_a_call_when_the_views_cannot_be_written(tmp_path: Path) -> None:
    node = node_of(tmp_path)
    opened(node, 1)
    views = UpToDate(node)
    started = time.monotonic()
    assert [views.get("shops", "s1") for _ in range(20)] == [None] * 20
    assert MOMENT <= time.monotonic() - started < MOMENT * 5
    assert views.checkpoint("follow:shops") == 0


def test_views_of_other_services_facts_are_not_waited_for(tmp_path: Path) -> None:
    node = node_of(tmp_path, WATCHERS_DEFINITION)
    opened(node, 1)
    assert UpToDate(node).get("seen", "s1") is None
    assert UpToDate(node).count("parked") == 0
    assert not node.awaited.is_set(), "neither is of its own facts"
