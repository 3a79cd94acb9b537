"""The offline verifier checks a ledger that leaves things out, what is disclosed of it, and the whole one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.audit.ledger import LEDGER_VIEWS, Ledger, LedgerFollower
from services.audit.verify import verify_ledger
from services.console.audit import _exported
from shared.domain.errors import CorruptionError
from shared.following import cloudevents
from shared.following.follow import PARKED
from shared.ledger import merkle
from shared.ledger.checkpoint import sign
from shared.log import Commit, EventLog, NewEvent
from shared.log.memory import MemoryStorage
from shared.views.sqlite import SqliteViews
from tests.audit.ledgers import KEY, ORIGIN, VERIFIER, forge

TIME = "2025-03-04T01:00:00.000000Z"
OLD, COUNT = 4, 10
MODES = pytest.mark.parametrize("fast", [False, True], ids=["full", "fast"])


def written(log: EventLog, number: int) -> None:
    """A commit of two facts of an attendance: who it was is withheld."""
    data = {
        "activity_id": "a-1",
        "person_id": f"p-{number}",
        "minutes": 60,
        "kind": "deed",
        "role": "",
        "day": "2025-03-04",
    }
    events = tuple(
        NewEvent(
            type="AttendanceRecorded",
            schema=1,
            data=msgspec.Raw(msgspec.json.encode(data, order="sorted")),
            id=f"e-{number}-{part}",
            occurred="2025-03-04T09:00:00+08:00",
        )
        for part in range(2)
    )
    log.append(
        Commit(
            stream="activity-a-1",
            expected_version=2 * number,
            events=events,
            command="record_attendance",
            command_id=f"c-{number}",
            actor="p-worker",
            mandate="post-worker",
            place="350104",
        )
    )


@contextmanager
def told(folder: Path, old: int) -> Iterator[tuple[Ledger, EventLog]]:
    """A ledger whose first `old` entries are from before lines had digests."""
    log = EventLog("volunteers", MemoryStorage())
    for number in range(COUNT // 2):
        written(log, number)
    views = SqliteViews(folder / "audit.sqlite", (*LEDGER_VIEWS, PARKED))
    before = {}
    leaves = []
    for index, record in enumerate(islice(log.read(0), old)):
        line = cloudevents.line("volunteers", record).decode()
        leaves.append(merkle.leaf_hash(line.encode()))
        row = {"event_id": record.id, "stream": f"volunteers/{record.stream}", "source": "volunteers"}
        before["entries", f"{index:012d}"] = row | {"position": record.position, "line": line}
    tiles = merkle.append(lambda wanted: {}, 0, leaves)
    before |= {("tiles", f"{h:02d}:{n:012d}"): {"hashes": hashes.hex()} for (h, n), hashes in tiles.items()}
    before["ledger", "size"] = {"size": old}
    views.save(before, {"follow:volunteers": (0, old)})
    entering = LedgerFollower("volunteers", LEDGER_VIEWS, views, lambda record: None)
    entering.apply(list(log.read(old)))
    ledger = Ledger(views, ORIGIN, KEY)
    ledger.checkpoint()
    yield ledger, log
    views.close()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[tuple[Ledger, EventLog]]:
    with told(tmp_path, OLD) as found:
        yield found


def exported(ledger: Ledger, full: bool) -> tuple[list[bytes], list[bytes]]:
    lines, beside = [], []
    for index, row in enumerate(ledger.entries()):
        line, _, disclosed = _exported(ledger, row, full)
        lines.append(line)
        if disclosed:
            beside.append(msgspec.json.encode({"index": index, "disclosed": disclosed}, order="sorted"))
    return lines, beside


def verify(ledger: Ledger, lines: list[bytes], beside: list[bytes], fast: bool = False) -> dict[str, Any]:
    signed = sign(KEY, ORIGIN, ledger.size, ledger.root(ledger.size)).encode()
    content = io.BytesIO(b"".join(line + b"\n" for line in lines))
    found: dict[str, Any] = VERIFIER.verify(
        content, signed, KEY.public_key(), fast=fast, disclosures=beside, event="e-4-0"
    )
    return found


def test_the_service_checks_both_forms_against_the_logs(city: tuple[Ledger, EventLog]) -> None:
    ledger, log = city
    report = verify_ledger(ledger, {"volunteers": log}, KEY.public_key(), lambda *_: None)
    assert (report.entries, report.waiting) == (COUNT, 0)


def test_no_old_form_follows_one_of_today(city: tuple[Ledger, EventLog]) -> None:
    ledger, log = city
    *_, last = ledger.entries()
    *_, record = log.read(0)
    line = cloudevents.line("volunteers", record).decode()
    forge(
        ledger.views,  # type: ignore[arg-type]  # it is one in a file
        {
            ("entries", last["key"]): {name: last[name] for name in last if name not in ("key", "apart")}
            | {"line": line}
        },
    )
    with pytest.raises(CorruptionError, match="of the form from before"):
        verify_ledger(ledger, {"volunteers": log}, KEY.public_key(), lambda *_: None)


@MODES
def test_what_anybody_may_see_is_verified_and_says_what_it_does_not_prove(
    city: tuple[Ledger, EventLog], fast: bool
) -> None:
    ledger, _ = city
    lines, beside = exported(ledger, full=False)
    assert b"p-0" not in b"".join(lines + beside) and b"p-worker" not in b"".join(lines + beside)
    result = verify(ledger, lines, beside, fast)
    assert (result["gapped"], result["unproved"], result["size"]) == (COUNT, OLD, COUNT)
    assert result["event"]["index"] == 8


@MODES
def test_the_whole_ledger_is_put_together_and_its_chain_checked(city: tuple[Ledger, EventLog], fast: bool) -> None:
    ledger, log = city
    lines, beside = exported(ledger, full=True)
    result = verify(ledger, lines, beside, fast)
    assert (result["gapped"], result["unproved"]) == (0, 0)
    if not fast:
        assert result["logs"]["/linli/volunteers"]["digest"] == log.head().digest


@MODES
def test_lines_with_gaps_stand_in_the_order_of_their_logs(tmp_path: Path, fast: bool) -> None:
    with told(tmp_path, 0) as (ledger, _):
        lines, _ = exported(ledger, full=False)
        assert all(b'"leaf":2' in line for line in lines)
        result = verify(ledger, lines, [], fast)
        assert (result["gapped"], result["unproved"], result["size"]) == (COUNT, 0, COUNT)
        swapped = [*lines[:6], lines[7], lines[6], *lines[8:]]
        with pytest.raises(VERIFIER.Wrong) as wrong:
            verify(ledger, swapped, [], fast)
        assert wrong.value.lines[0] == 7


def test_a_single_disclosed_value_is_checked(city: tuple[Ledger, EventLog]) -> None:
    ledger, _ = city
    lines, _ = exported(ledger, full=False)
    *_, row = ledger.entries()
    salt, person = row["apart"]["data.person_id"]
    one = {"index": COUNT - 1, "disclosed": {"data.person_id": [salt, person]}}
    assert verify(ledger, lines, [msgspec.json.encode(one)])["gapped"] == COUNT
    for wrong in ({"data.person_id": [salt, "p-other"]}, {"data.minutes": [salt, 60]}, {"data.person_id": person}):
        with pytest.raises(VERIFIER.Wrong, match="does not fit its digest"):
            verify(ledger, lines, [msgspec.json.encode(one | {"disclosed": wrong})])


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("number", range(COUNT))
def test_a_changed_line_is_found(city: tuple[Ledger, EventLog], full: bool, number: int) -> None:
    ledger, _ = city
    lines, beside = exported(ledger, full)
    proved = full or number >= OLD
    changed = lines[number].replace(b'"minutes":60', b'"minutes":61')
    assert changed != lines[number]
    lines[number] = changed
    if proved:
        with pytest.raises(VERIFIER.Wrong):
            verify(ledger, lines, beside)
    else:
        assert verify(ledger, lines, beside)["unproved"] == OLD


@pytest.mark.parametrize("number", range(COUNT))
def test_a_line_left_out_is_found(city: tuple[Ledger, EventLog], number: int) -> None:
    ledger, _ = city
    lines, beside = exported(ledger, full=False)
    del lines[number]
    with pytest.raises(VERIFIER.Wrong):
        verify(ledger, lines, beside)


@pytest.mark.parametrize(
    ("mark", "instead"),
    [(b'"leaf":2', b'"leaf":3'), (b'"digests":{', b'"digestz":{'), (b'"leafhash":"', b'"leafhash":"x')],
)
def test_a_malformed_line_is_refused(city: tuple[Ledger, EventLog], mark: bytes, instead: bytes) -> None:
    ledger, _ = city
    lines, beside = exported(ledger, full=False)
    with pytest.raises(VERIFIER.Wrong):
        verify(ledger, [line.replace(mark, instead) for line in lines], beside)
