"""What has to hold before the city signs: its key is the one that signs this ledger, and the ledger goes on from what was signed.

A first start makes the key, and signs the ledger while it is empty. After that a key without its ledger, a ledger without its key,
another key, or a ledger that is shorter or other than what was signed is refused, with what to do; nothing is ever made in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.copies import Copies
from services.audit.key import chain, named_in, statement
from services.audit.ledger import Ledger, entry_key
from shared.domain.errors import CorruptionError, IllegalStateError, LinliError, NotFoundError, UnavailableError
from shared.following.anchoring import anchors_in
from shared.ledger import checkpoint, merkle
from shared.ledger.policy import NOBODY, Policy
from shared.log import EventLog
from shared.log.log import now
from shared.views import ViewStore

#: In the folder of keys: the key in use, the next one, what the old one says of it, and why there was no old one to say it.
KEY, NEXT, NAMED, LOST = "ledger.pem", "ledger.next.pem", "ledger.named", "ledger.lost"
#: Called with the verifier key before, the new one, the statement and the reason: it records the fact.
Record = Callable[[str, str, str, str], object]

_log = structlog.get_logger()


def change(folder: Path, origin: str) -> str:
    """Make the next key and let the one in use name it; the audit service takes it at its next start. Returns its verifier key.

    Raises `NotFoundError` without a key in use, and `IllegalStateError` when one is waiting already.
    """
    if not (folder / KEY).exists():
        raise NotFoundError(f"{folder / KEY} does not exist: run this where the audit service keeps its key")
    if (folder / NEXT).exists():
        raise IllegalStateError(f"{folder / NEXT} is there already: start the audit service, which takes it")
    old, new = checkpoint.load_key(folder / KEY), checkpoint.create_key(folder / NEXT)
    (folder / NAMED).write_text(statement(origin, old, new), encoding="utf-8")
    return checkpoint.vkey(origin, new.public_key())


def lose(folder: Path, origin: str, reason: str) -> str:
    """Make a key in place of one that was lost; the audit service takes it at its next start. Returns its verifier key.

    Raises `IllegalStateError` when the key is there.
    """
    if (folder / KEY).exists():
        raise IllegalStateError(f"{folder / KEY} is there: let it name the next key (linli key change)")
    (folder / LOST).write_text(reason + "\n", encoding="utf-8")
    new = checkpoint.load_key(folder / NEXT) if (folder / NEXT).exists() else checkpoint.create_key(folder / NEXT)
    return checkpoint.vkey(origin, new.public_key())


def opened(
    folder: Path,
    origin: str,
    views: ViewStore,
    log: EventLog,
    record: Record,
    policy: Policy = NOBODY,
    sources: Iterable[str] = (),
) -> Ledger:
    """Return the ledger to sign, once everything that was signed holds.

    `log` is the audit service's own, `record` puts a change of the key into it, and `sources` are the logs that are followed.
    Raises `UnavailableError` saying what is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ledger, copies = Ledger(views, origin), Copies(folder)
    try:
        if not ledger.signers():
            _begin(folder, ledger, copies, log)
        _take_next(folder, ledger, record)
        path = folder / KEY
        last = ledger.signers()[-1]["vkey"]
        if not path.exists():
            raise CorruptionError(
                f"{path} is not there, and the ledger is signed with {last}: put it back; if it is lost, see `linli key lost`"
            )
        key = checkpoint.load_key(path)
        found = Ledger(views, origin, key, copies, policy)
        _check_signed(found, key, log)
        _check_followed(found, sources)
        if found.size:
            found.checkpoint()
    except LinliError as error:
        raise UnavailableError(f"the city ledger cannot be signed: {error.message}") from error
    return found


def _begin(folder: Path, ledger: Ledger, copies: Copies, log: EventLog) -> None:
    """Write down the first key: a new one for a new ledger, the present one for a ledger of a former version."""
    path = folder / KEY
    oldest = ledger.views.find("signed", limit=1).rows
    if not oldest and not ledger.size:
        kept = copies.last()
        if kept is not None and checkpoint.read_checkpoint(kept).size:
            raise CorruptionError(
                f"{copies.path} has a checkpoint for {checkpoint.read_checkpoint(kept).size} entries, and the ledger is not there: restore "
                "it from a backup; logs cannot bring it back"
            )
        for _, _, text in anchors_in(log):
            _require(ledger, text, "the log of the audit service")
        if path.exists():
            raise CorruptionError(
                f"{path} has signed a ledger that is not there: restore it from a backup; logs cannot bring it back. Only if nothing was "
                f"ever recorded here, remove {path}"
            )
        key = checkpoint.load_key(folder / NEXT) if (folder / NEXT).exists() else checkpoint.create_key(folder / NEXT)
        text = checkpoint.sign(key, ledger.origin, 0, merkle.EMPTY_ROOT)
        ledger.views.save(
            {
                ("keys", key_row(0)): _named(checkpoint.vkey(ledger.origin, key.public_key())),
                ("signed", entry_key(0)): {"text": text, "time": now()},
            }
        )
        copies.write([text])
        return
    if not path.exists():
        raise CorruptionError(
            f"{path} is not there, and this ledger has been signed: put it back, or see `linli key lost`"
        )
    if not oldest or copies.last() is not None:
        raise CorruptionError(
            "what was signed, or the names of its keys, have been removed from it: restore it from a backup. A ledger that a former "
            "version has never signed is signed by that version within a minute of its start"
        )
    public = checkpoint.load_key(path).public_key()
    for text in [row["text"] for row in oldest] + ledger.signed(1):  # former versions took another key without a word
        checkpoint.open_checkpoint(text, public, ledger.origin)
    ledger.views.save({("keys", key_row(0)): _named(checkpoint.vkey(ledger.origin, public))})
    copies.write(row["text"] for row in ledger.signed_after(-1))


def key_row(number: int) -> str:
    """Return the key under which a key of the ledger stands, by its number from 0."""
    return f"{number:06d}"


def first_key(vkey: str) -> dict[str, Any]:
    """The row of the key that signs a ledger from its beginning."""
    return _named(vkey)


def _named(vkey: str, statement: str = "", reason: str = "") -> dict[str, Any]:
    return {"vkey": vkey, "statement": statement, "reason": reason, "time": now()}


def add_key(ledger: Ledger, vkey: str, statement: str, reason: str) -> None:
    """Write down the next key, unless it is the newest already."""
    rows = ledger.signers()
    if not rows or rows[-1]["vkey"] != vkey:
        ledger.views.save({("keys", key_row(len(rows))): _named(vkey, statement, reason)})


def _take_next(folder: Path, ledger: Ledger, record: Record) -> None:
    """Go over to the next key, if one waits and is named; safe to repeat wherever it was interrupted."""
    following = folder / NEXT
    if not following.exists():
        return
    new = checkpoint.vkey(ledger.origin, checkpoint.load_key(following).public_key())
    last = ledger.signers()[-1]["vkey"]
    if last != new:
        named, reason = "", ""
        if (folder / NAMED).exists():
            named = (folder / NAMED).read_text(encoding="utf-8")
            if named_in(named, ledger.origin, last) != new:
                raise CorruptionError(f"{folder / NAMED} names another key than that of {following}")
        elif (folder / LOST).exists() and not (folder / KEY).exists():
            reason = (folder / LOST).read_text(encoding="utf-8").strip()
        else:
            raise CorruptionError(f"{following} is named by no older key: remove it, or see `linli key change`")
        record(last, new, named, reason)
        add_key(ledger, new, named, reason)
        _log.warning("the ledger's key changed", old=last, new=new, reason=reason)
    following.replace(folder / KEY)
    for name in (NAMED, LOST):
        (folder / name).unlink(missing_ok=True)


def _check_signed(ledger: Ledger, key: Ed25519PrivateKey, log: EventLog) -> None:
    """Compare the ledger with what was signed last, as it stands in the ledger, beside the key and in the audit service's log."""
    rows = ledger.signers()
    unsigned = [row["vkey"] for row in rows if row["reason"]]  # verify asks whether to believe them
    keys = chain(rows, ledger.origin, key.public_key(), unsigned)
    signed = ledger.signed(1)
    if not signed:
        raise CorruptionError("what was signed has been removed from it: restore it from a backup")
    newest = checkpoint.open_checkpoint(signed[0], keys, ledger.origin)
    ledger.require_unbroken()
    for _, _, text in anchors_in(log):
        _require(ledger, text, "the log of the audit service")
    _copy(ledger, newest.size)


def _check_followed(ledger: Ledger, sources: Iterable[str]) -> None:
    """Raise `CorruptionError` when what else the service keeps knows less than the ledger holds: it would be entered a second time."""
    for source in sources:
        newest = ledger.views.find("entries", {"source": source}, "-position", 1).rows
        known = ledger.views.checkpoint(f"follow:{source}")
        if newest and newest[0]["position"] > known:
            raise CorruptionError(
                f"it holds {source} up to position {newest[0]['position']}, and the audit service's other rows know of {known} only: they "
                "were removed, with what staff withheld and what is parked; restore them from a backup"
            )


def _require(ledger: Ledger, text: str, where: str) -> None:
    anchored = checkpoint.read_checkpoint(text)
    if anchored.size > ledger.size or ledger.root(anchored.size) != anchored.root:
        raise CorruptionError(
            f"{where} has a checkpoint for {anchored.size} entries that the ledger does not give: it was cut or rewritten"
        )


def _copy(ledger: Ledger, newest: int) -> None:
    """Bring the file beside the key up to what was signed; raises `CorruptionError` when it has what the ledger has not."""
    last = ledger.copies.last()
    size = -1
    if last is not None:
        _require(ledger, last, str(ledger.copies.path))
        size = checkpoint.read_checkpoint(last).size
        row = ledger.views.get("signed", entry_key(size))
        if row is None or row["text"] != last:
            raise CorruptionError(
                f"{ledger.copies.path} has a checkpoint for {size} entries that was removed from the ledger"
            )
    elif len(ledger.signers()) > 1 or newest > 0:
        _log.warning("the copy of what was signed is written anew", file=str(ledger.copies.path))
    missing = [row["text"] for row in ledger.signed_after(size)]
    ledger.copies.add(*missing)
