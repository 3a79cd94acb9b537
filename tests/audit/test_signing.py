"""The city signs only what goes on from what was signed, with the key that signs it (F2, F6); `verify` finds the rest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit import signing
from services.audit.copies import FILE, Copies
from services.audit.key import CHANGED, SIGNING_KEY, LedgerKeyChanged, change_key, named_in, statement
from services.audit.ledger import LEDGER_VIEWS, Ledger, LedgerFollower
from services.audit.verify import LedgerReport, verify_ledger
from shared.domain.errors import BadInputError, CorruptionError, ForbiddenError, IllegalStateError, UnavailableError
from shared.domain.mandate import Mandate
from shared.following.anchoring import ANCHOR, ANCHORED, LedgerAnchored, anchor_checkpoint
from shared.following.authority import OPERATOR
from shared.following.context import CallContext
from shared.following.execute import execute
from shared.following.follow import PARKED
from shared.ledger import checkpoint
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.views.sqlite import SqliteViews
from tests.audit.ledgers import forge
from tests.bench.subject import commits
from tests.kit import given

ORIGIN = "linli.example/city-ledger"
SERVICE = Mandate(actor="audit", role="service", powers=frozenset({"*"}))


class City:
    """A ledger over one log of facts and the audit service's own, with its key and files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.keys = folder, folder / "keys"
        self.logs = {name: EventLog(name, MemoryStorage()) for name in ("issues", "audit")}
        self.changes: list[str] = []
        self._numbers = iter(range(1_000_000))
        self.views: SqliteViews
        self.ledger: Ledger

    def start(self) -> Ledger:
        """Open everything as the service does."""
        self.views = SqliteViews(self.folder / "audit.ledger.sqlite", (*LEDGER_VIEWS, PARKED), durable=True)
        try:
            self.ledger = signing.opened(self.keys, ORIGIN, self.views, self.logs["audit"], self._record)
        except UnavailableError:
            self.views.close()
            raise
        return self.ledger

    def stop(self) -> None:
        self.views.close()

    def _record(self, old: str, new: str, named: str, reason: str) -> None:
        self._carry("audit", SIGNING_KEY, "key", change_key, old=old, new=new, statement=named, reason=reason)
        self.changes.append(new)

    def _carry(self, log: str, decider: Any, id: str, decide: Callable[..., Any], **ask: Any) -> None:
        context = CallContext(kind="service", actor="audit", command_id=f"c-{next(self._numbers)}")
        execute(self.logs[log], decider, id, decide, context=context, mandate=SERVICE, command="x", **ask)

    def happen(self, events: int, seed: int) -> None:
        """Let something happen, and enter it."""
        for number, commit in enumerate(commits(events, 1)):
            if seed <= number < seed + events:
                self.logs["issues"].append(commit)
        self.enter()

    def enter(self) -> None:
        """Follow both logs."""
        for name, log in self.logs.items():
            follower = LedgerFollower(name, LEDGER_VIEWS, self.views, lambda record: None)
            while records := list(log.read(follower.position, limit=50)):
                follower.apply(records)

    def anchor(self) -> None:
        """Record the newest checkpoint in both logs."""
        for name in self.logs:
            self._carry(name, ANCHOR, ANCHORED, anchor_checkpoint, checkpoint=self.ledger.signed(1)[0])

    def verify(self, **more: Any) -> LedgerReport:
        """As `linli verify` does."""
        key = checkpoint.load_key(self.keys / signing.KEY).public_key()
        reader = Ledger(self.views, ORIGIN)
        return verify_ledger(reader, self.logs, key, lambda *_: None, copies=Copies(self.keys), **more)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """A city with forty entries, three signatures, and anchors."""
    city = City(tmp_path)
    city.start()
    for commit in commits(40, 2):
        city.logs["issues"].append(commit)
    city.enter()
    city.ledger.checkpoint()
    city.anchor()
    city.enter()
    city.ledger.checkpoint()
    yield city
    city.stop()


def refuses(city: City, *words: str) -> None:
    with pytest.raises(UnavailableError) as refused:
        city.start()
    assert all(word in refused.value.message for word in words), refused.value.message


def test_a_new_city_signs_before_anything_happens(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.start()
    assert (city.ledger.size, len(city.ledger.signed(5))) == (0, 1)
    report = city.verify()
    assert (report.signatures, report.signed_size) == (1, 0)
    city.stop()
    city.start()  # and starts again
    city.stop()


def test_what_holds_is_verified_with_anchors_and_copies(city: City) -> None:
    report = city.verify()
    assert (report.entries, report.signed_size, report.signatures, report.anchors) == (42, 42, 3, 2)
    assert [checkpoint.read_checkpoint(text).size for text in Copies(city.keys)] == [0, 40, 42]
    city.stop()
    city.start()
    kept = city.ledger.signed(1)[0]
    assert city.verify(previous=[kept]).entries == 42


def test_the_tail_that_is_not_signed_yet_is_told(city: City) -> None:
    city.anchor()
    city.enter()
    report = city.verify()
    assert (report.entries, report.signed_size) == (44, 42)


def test_a_ledger_that_is_gone_is_not_made_anew(city: City) -> None:
    """Removed with everything that could be taken for a view: neither the key alone nor the copies alone let another one be signed."""
    city.stop()
    for name in ("audit.ledger.sqlite", "audit.ledger.sqlite-wal", "audit.ledger.sqlite-shm"):
        (city.folder / name).unlink(missing_ok=True)
    refuses(city, "has a checkpoint for 42 entries, and the ledger is not there", "restore")
    (city.keys / FILE).unlink()
    refuses(city, "the log of the audit service has a checkpoint for 40 entries")
    city.logs["audit"] = EventLog("audit", MemoryStorage())
    refuses(city, "has signed a ledger that is not there", "restore")
    assert not list(city.folder.glob("keys/*.next*")), "nothing was made"


def test_with_another_key_in_its_place_the_anchors_stop_it(city: City) -> None:
    city.stop()
    shutil.rmtree(city.keys)
    for path in city.folder.glob("audit.ledger.sqlite*"):
        path.unlink()
    refuses(city, "the log of the audit service has a checkpoint for 40 entries that the ledger does not give")
    assert not list(city.keys.iterdir()), "nothing was made"
    city.logs["audit"] = EventLog("audit", MemoryStorage())  # and that log with them
    city.start()
    with pytest.raises(
        UnavailableError, match="position 41 holds a checkpoint for 40 entries that this ledger does not give"
    ):
        city.enter()
    assert city.ledger.size < 41
    with pytest.raises(CorruptionError, match="no signature of"):
        city.verify()


def test_a_ledger_that_was_cut_or_rewritten_is_not_signed(city: City) -> None:
    row = city.views.get("entries", f"{7:012d}") or {}
    forge(city.views, {("entries", f"{7:012d}"): row | {"line": row["line"].replace("}", " }", 1)}})
    with pytest.raises(CorruptionError):
        city.verify()
    tile = city.views.get("tiles", "00:000000000000") or {}
    city.views.save(
        {("tiles", "00:000000000000"): {"hashes": tile["hashes"].replace(tile["hashes"][:64], "00" * 32, 1)}}
    )
    city.anchor()
    with pytest.raises((CorruptionError, UnavailableError)):
        city.enter()
        city.ledger.checkpoint()
    city.stop()
    refuses(city, "the ledger was rewritten")


def test_signatures_that_were_removed_are_missed(city: City) -> None:
    every = {("signed", row["key"]): None for row in city.views.find("signed").rows}
    newest = {max(every): None}
    forge(city.views, newest)
    with pytest.raises(CorruptionError, match="has a checkpoint for 42 entries that was removed from the ledger"):
        city.verify()
    forge(city.views, every)
    with pytest.raises(CorruptionError, match="what was signed has been removed"):
        city.verify()
    city.stop()
    refuses(city, "what was signed has been removed")


def test_copies_that_were_removed_are_missed_and_written_anew_at_start(city: City) -> None:
    (city.keys / FILE).unlink()
    with pytest.raises(CorruptionError, match="lacks the checkpoint for 0 entries"):
        city.verify()
    city.stop()
    city.start()
    assert city.verify().signatures == 3


def test_a_line_that_a_crash_cut_off_is_passed_over(city: City) -> None:
    with (city.keys / FILE).open("ab") as file:
        file.write(b'{"checkpoint":"linl')
    assert len(list(Copies(city.keys))) == 3
    city.anchor()
    city.enter()
    city.ledger.checkpoint()
    assert len(list(Copies(city.keys))) == 4
    assert city.verify().signatures == 4


def test_signatures_removed_everywhere_on_this_machine_are_found_in_the_logs(city: City) -> None:
    rows = city.views.find("signed").rows
    forge(city.views, {("signed", row["key"]): None for row in rows[1:]})
    Copies(city.keys).write([rows[0]["text"]])
    report = city.verify()
    assert (report.signed_size, report.entries, report.anchors) == (0, 42, 2)
    other = {("entries", f"{number:012d}"): None for number in range(30, 42)}
    forge(city.views, other)
    city.views.save({("ledger", "size"): {"size": 30}})
    with pytest.raises(CorruptionError, match="does not belong|root that was signed for size 40"):
        city.verify()


def test_a_checkpoint_kept_elsewhere_is_compared(city: City, tmp_path: Path) -> None:
    other = City(tmp_path / "other")
    other.keys.mkdir(parents=True)
    key = checkpoint.load_key(city.keys / signing.KEY)
    forged = checkpoint.sign(key, ORIGIN, 10, bytes(32))
    with pytest.raises(CorruptionError, match="signed for size 10.*older checkpoint 1"):
        city.verify(previous=[forged])
    beyond = checkpoint.sign(key, ORIGIN, 99, bytes(32))
    with pytest.raises(CorruptionError, match="signed for size 99"):
        city.verify(previous=[beyond])
    stranger = checkpoint.sign(Ed25519PrivateKey.generate(), ORIGIN, 10, bytes(32))
    with pytest.raises(CorruptionError, match="no signature"):
        city.verify(previous=[stranger])


def test_another_key_is_refused_at_start_and_by_verify(city: City) -> None:
    city.stop()
    (city.keys / signing.KEY).unlink()
    refuses(city, "is not there", "linli key lost")
    checkpoint.create_key(city.keys / signing.KEY)
    refuses(city, "the given key is another one", "no older key names it")
    city.views = SqliteViews(city.folder / "audit.ledger.sqlite", (*LEDGER_VIEWS, PARKED))
    with pytest.raises(CorruptionError, match="the given key is another one"):
        city.verify()


def test_a_key_that_the_old_one_names_signs_on(city: City) -> None:
    before = checkpoint.load_key(city.keys / signing.KEY)
    made = signing.change(city.keys, ORIGIN)
    with pytest.raises(IllegalStateError, match="is there already"):
        signing.change(city.keys, ORIGIN)
    city.stop()
    city.start()
    assert city.changes == [made]
    assert checkpoint.vkey(ORIGIN, city.ledger.key.public_key()) == made
    city.enter()
    city.ledger.checkpoint()
    report = city.verify()
    assert (report.entries, report.signatures) == (43, 4)
    fact = list(city.logs["audit"].read())[-1]
    assert fact.type == "LedgerKeyChanged" and json.loads(bytes(fact.data))["old"] == checkpoint.vkey(
        ORIGIN, before.public_key()
    )
    city.stop()
    city.start()  # and once more: nothing changes again
    assert city.changes == [made]
    forge(city.views, {("keys", "000001"): None})
    with pytest.raises(CorruptionError, match="the given key is another one"):
        city.verify()


@pytest.mark.parametrize("kept", ["named", "renamed"])
def test_a_change_of_the_key_that_was_interrupted_goes_on(city: City, kept: str) -> None:
    """Killed after the fact was recorded, or after the row was written."""
    made = signing.change(city.keys, ORIGIN)
    files = {path.name: path.read_bytes() for path in city.keys.glob("ledger.*") if path.name != FILE}
    city.stop()
    city.start()
    if kept == "named":
        forge(city.views, {("keys", "000001"): None, ("signed", f"{43:012d}"): None})
    for name, content in files.items():
        (city.keys / name).write_bytes(content)
        (city.keys / name).chmod(0o600)
    city.stop()
    city.start()
    assert checkpoint.vkey(ORIGIN, city.ledger.key.public_key()) == made
    assert sum(record.type == "LedgerKeyChanged" for record in city.logs["audit"].read()) == 1


def test_a_key_in_place_of_a_lost_one_has_to_be_believed(city: City) -> None:
    with pytest.raises(IllegalStateError, match="let it name the next key"):
        signing.lose(city.keys, ORIGIN, "a fire")
    (city.keys / signing.KEY).unlink()
    made = signing.lose(city.keys, ORIGIN, "a fire in the machine room")
    city.stop()
    city.start()
    with pytest.raises(CorruptionError, match="a fire in the machine room.*--accept-key"):
        city.verify()
    assert city.verify(accepted=[made]).signatures == 3


def test_a_next_key_that_nobody_names_is_refused(city: City) -> None:
    checkpoint.create_key(city.keys / signing.NEXT)
    city.stop()
    refuses(city, "is named by no older key")


def test_a_ledger_of_a_former_version_goes_on(tmp_path: Path) -> None:
    """Its one key signed checkpoints with a line for the time; neither the key nor a copy was written down."""
    city = City(tmp_path)
    city.keys.mkdir()
    key = checkpoint.create_key(city.keys / signing.KEY)
    city.views = SqliteViews(tmp_path / "audit.ledger.sqlite", (*LEDGER_VIEWS, PARKED))
    for commit in commits(20, 2):
        city.logs["issues"].append(commit)
    city.enter()
    plain = checkpoint.sign(key, ORIGIN, 20, Ledger(city.views, ORIGIN).root(20))
    body = plain.rpartition("\n\n")[0] + "\ntime 2026-01-01T00:00:00.000000Z\n"
    text = checkpoint.sign_note(body, ORIGIN, key)
    city.views.save({("signed", f"{20:012d}"): {"text": text}})
    assert city.verify().signatures == 1, "read before the first start"
    city.stop()
    city.start()
    assert [row["vkey"] for row in city.ledger.signers()] == [checkpoint.vkey(ORIGIN, key.public_key())]
    assert city.verify().signatures == 1
    city.stop()
    (city.keys / signing.KEY).unlink()
    checkpoint.create_key(city.keys / signing.KEY)
    refuses(city, "the given key is another one")


@pytest.mark.parametrize("removed", ["keys", "keys and signed", "keys, signed and copies"])
def test_a_ledger_of_today_is_not_taken_for_a_former_one(city: City, removed: str) -> None:
    """Somebody removes what former versions did not have, so that the rest is signed on."""
    names = [name for name in ("keys", "signed") if name in removed]
    forge(city.views, {(name, row["key"]): None for name in names for row in city.views.find(name).rows})
    if "copies" in removed:
        (city.keys / FILE).unlink()
    city.stop()
    refuses(city, "what was signed, or the names of its keys, have been removed")


def test_signatures_and_copies_removed_are_missed_at_start(city: City) -> None:
    forge(city.views, {("signed", row["key"]): None for row in city.views.find("signed").rows})
    (city.keys / FILE).unlink()
    city.stop()
    refuses(city, "what was signed has been removed")


def test_a_former_ledger_with_another_key_is_refused(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.keys.mkdir()
    city.views = SqliteViews(tmp_path / "audit.ledger.sqlite", (*LEDGER_VIEWS, PARKED))
    city.logs["issues"].append(next(iter(commits(1, 1))))
    city.enter()
    text = checkpoint.sign(Ed25519PrivateKey.generate(), ORIGIN, 1, Ledger(city.views, ORIGIN).root(1))
    city.views.save({("signed", f"{1:012d}"): {"text": text}})
    city.stop()
    checkpoint.create_key(city.keys / signing.KEY)
    refuses(city, "no signature of")


def test_entries_and_signatures_are_only_appended_to(city: City) -> None:
    from shared.domain.errors import ConcurrencyError

    for view in ("entries", "signed", "keys"):
        row = city.views.find(view, limit=1).rows[0]
        for change in (None, row | {"line": "x"}):
            with pytest.raises(ConcurrencyError, match="only appended"):
                city.views.save({(view, row["key"]): change})
    city.verify()


def test_a_statement_names_one_key_of_one_ledger() -> None:
    old, new, other = (Ed25519PrivateKey.generate() for _ in range(3))
    words = [checkpoint.vkey(ORIGIN, key.public_key()) for key in (old, new, other)]
    text = statement(ORIGIN, old, new)
    assert named_in(text, ORIGIN, words[0]) == words[1]
    assert text.split("\n")[1] == CHANGED and not text.split("\n")[1].isdigit(), "never taken for a checkpoint"
    for wrong in (
        (text, "other.example/ledger", words[0]),
        (text, ORIGIN, words[2]),
        (text.replace(words[1], words[2]), ORIGIN, words[0]),
        (text[: text.rindex("— ")], ORIGIN, words[0]),
        ("", ORIGIN, words[0]),
    ):
        with pytest.raises(CorruptionError, match="does not name"):
            named_in(*wrong)


OLDER, NEWER = (checkpoint.sign(Ed25519PrivateKey.generate(), ORIGIN, size, bytes(32)) for size in (5, 9))


def test_a_log_is_told_of_larger_ledgers_only() -> None:
    told = LedgerAnchored(size=9, checkpoint=NEWER)
    given(ANCHOR, ANCHORED).when(anchor_checkpoint, by=SERVICE, checkpoint=NEWER).then(told)
    given(ANCHOR, ANCHORED, told).when(anchor_checkpoint, by=SERVICE, checkpoint=OLDER).then_nothing()
    given(ANCHOR, ANCHORED, told).when(anchor_checkpoint, by=SERVICE, checkpoint=NEWER).then_nothing()
    given(ANCHOR, ANCHORED).when(anchor_checkpoint, by=SERVICE, checkpoint="nothing").then_raises(
        BadInputError, "no checkpoint"
    )
    nobody = Mandate(actor="p-1", role="operator", powers=OPERATOR)
    given(ANCHOR, ANCHORED).when(anchor_checkpoint, by=nobody, checkpoint=NEWER).then_raises(
        ForbiddenError, "ledger.anchor"
    )


def test_a_key_is_recorded_once() -> None:
    changed = LedgerKeyChanged(old="a", new="b", statement="s", reason="")
    ask = {"old": "a", "new": "b", "statement": "s", "reason": ""}
    given(SIGNING_KEY, "key").when(change_key, by=SERVICE, **ask).then(changed)
    given(SIGNING_KEY, "key", changed).when(change_key, by=SERVICE, **ask).then_nothing()
