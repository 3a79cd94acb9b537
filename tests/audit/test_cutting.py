"""Where a backup may be cut: whole commits only, and nothing kept whose cause is cut away (R11)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from services.console.backup.archive import Entry, Manifest, Output, read_commits
from services.console.backup.backup import consistent_heads
from services.console.backup.cutting import find_cut
from services.console.catalogue import OWNERS, definition
from shared.domain.errors import BadInputError
from shared.log import Commit, EventLog, Head, NewEvent, Part
from shared.log.memory import MemoryStorage


def event(id: str) -> NewEvent:
    return NewEvent(type="T", schema=1, data=msgspec.Raw(b"{}"), id=id, occurred="2026-03-01T09:00:00Z")


class Small:
    """Logs in memory in which a policy of the issues acts on facts of the funding service, and a backup of them."""

    def __init__(self) -> None:
        self.logs = {name: EventLog(name, MemoryStorage()) for name in OWNERS}
        self.versions = dict.fromkeys(OWNERS, 0)

    def add(self, service: str, *ids: str, cause: str = "", also: str = "") -> None:
        """One commit with events of these ids; `cause` is the fact that a policy acts on, `also` the id of one in another stream."""
        events = tuple(map(event, ids))
        commit = Commit(
            stream=f"{service}-1",
            expected_version=self.versions[service],
            events=events,
            command="c",
            command_id=f"c-{ids[0]}",
            actor="policy:p" if cause else "lin",
            causation_id=cause,
            also=(Part(stream=f"{service}-{also}", expected_version=0, events=(event(also),)),) if also else (),
        )
        self.logs[service].append(commit)
        self.versions[service] += len(events)

    def write(self, folder: Path, order: str) -> Manifest:
        """A backup in which every follower had caught up; `order` names the services of the ledger's entries."""
        target = Output(folder)
        counted = dict.fromkeys(OWNERS, 0)
        entries = []
        for service in order.split():
            counted[service] += 1
            entries.append(Entry(service, counted[service]))
        target.lines("ledger.jsonl", map(msgspec.json.encode, entries))
        for name, log in self.logs.items():
            lines = (b'{"body":' + c.body + b',"digest":"' + c.digest.encode() + b'"}' for c in log.read_commits())
            target.lines(f"{name}.log.jsonl", lines)
        heads = {name: log.head() for name, log in self.logs.items()}
        done = {
            name: {"relay": heads[name].position}
            | {f"follow:{source}": heads[source].position for source in (name, *definition(name).sources)}
            for name in OWNERS
        }
        return Manifest(
            format=1,
            linli="0",
            city="c",
            time="",
            shape="embedded",
            logs=heads,
            size=len(entries),
            root="",
            public_key="",
            checkpoints=done,
            files=target.files,
        )


@pytest.fixture
def small() -> Small:
    small = Small()
    small.add("funding", "f1")
    small.add("issues", "i1", "i2")
    small.add("issues", "i3", cause="f1")
    small.add("funding", "f2")
    small.add("issues", "i4", cause="f2")
    return small


ORDER = "funding issues issues issues funding issues"


def test_all_of_it_belongs_together(small: Small, tmp_path: Path) -> None:
    cut = find_cut(tmp_path, small.write(tmp_path, ORDER), None)
    assert (cut.logs["issues"], cut.logs["funding"], cut.size) == (4, 2, 6)
    reached = cut.checkpoints["issues"]
    assert (reached["relay"], reached["follow:issues"], reached["follow:funding"]) == (4, 4, 2)


def test_a_fact_whose_consequence_is_cut_away_is_acted_on_again(small: Small, tmp_path: Path) -> None:
    """The follower goes back to before it, the ledger to the cut: they are cut together with the log (R11)."""
    manifest = small.write(tmp_path, ORDER)
    cut = find_cut(tmp_path, manifest, "issues=3")
    assert (cut.logs["issues"], cut.logs["funding"], cut.size) == (3, 2, 5)
    assert cut.checkpoints["issues"]["follow:funding"] == 1
    assert cut.checkpoints["issues"]["relay"] == cut.checkpoints["audit"]["follow:issues"] == 3
    cut = find_cut(tmp_path, manifest, "issues=2")
    assert (cut.checkpoints["issues"]["follow:funding"], cut.size) == (0, 3)


def test_nothing_is_kept_without_its_cause(small: Small, tmp_path: Path) -> None:
    """The refusal names the nearest place where everything kept has its cause, and that place is taken."""
    manifest = small.write(tmp_path, ORDER)
    with pytest.raises(BadInputError, match="issues position 4 follows from funding position 2, which lies") as refusal:
        find_cut(tmp_path, manifest, "funding=1")
    nearest = refusal.value.fields["to"]
    assert "issues=3" in nearest and "funding=1" in nearest
    assert find_cut(tmp_path, manifest, nearest).logs["issues"] == 3


def test_a_commit_is_restored_whole_or_not_at_all(small: Small, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="issues position 1 lies inside a commit") as refusal:
        find_cut(tmp_path, small.write(tmp_path, ORDER), "2")
    assert refusal.value.fields == {"to": "issues=0 or issues=2"}


def test_a_backup_taken_while_a_policy_acts_holds_the_cause(small: Small) -> None:
    """Cause and consequence arrive between two looks at the heads: a consequence without its cause waits for the next backup."""
    seen = []

    class Growing(EventLog):
        """Gets one more commit whenever its head has been read, and another service acts on it at once."""

        def head(self) -> Head:
            found = super().head()
            seen.append(found.position)
            small.add("funding", f"late-{len(seen)}")
            small.add("issues", f"acted-{len(seen)}", cause=f"late-{len(seen)}")
            return found

    storage = small.logs["funding"].storage
    small.logs["funding"] = EventLog("funding", storage)
    logs = {name: small.logs[name] for name in OWNERS if name not in ("funding", "issues")}
    logs = {"funding": Growing("funding", storage), "issues": small.logs["issues"]} | logs
    heads = consistent_heads(logs)
    ids = {record.id for record in small.logs["funding"].read(until=heads["funding"])}
    kept = [record.causation_id for record in small.logs["issues"].read(until=heads["issues"]) if record.causation_id]
    assert len(seen) == 3 and len(kept) > 2
    assert set(kept) <= ids


def test_a_commit_over_several_streams_is_kept_whole_and_with_its_causes(tmp_path: Path) -> None:
    small = Small()
    small.add("funding", "f1")
    small.add("funding", "f2", also="f3")
    small.add("issues", "i1", cause="f3")
    manifest = small.write(tmp_path / "b", "funding funding funding issues")
    assert find_cut(tmp_path / "b", manifest, None).logs["funding"] == 3
    with pytest.raises(BadInputError, match=r"funding position 2 lies inside a commit \(2 to 3\)"):
        find_cut(tmp_path / "b", manifest, "funding=2")
    with pytest.raises(BadInputError, match="issues position 1 follows from funding position 3"):
        find_cut(tmp_path / "b", manifest, "funding=1")
    log = EventLog("funding", MemoryStorage())
    log.storage.insert([stored for stored, _ in read_commits(tmp_path / "b", "funding")])
    assert list(log.read()) == list(small.logs["funding"].read())
    assert [record.id for record in log.read_stream("funding-f3")] == ["f3"]
    heads = consistent_heads(small.logs)
    assert (heads["funding"], heads["issues"]) == (3, 1)
