"""What may be asked of the city ledger: its signed checkpoint, proofs, and entries as far as they are public (X07, X08)."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from services.audit import disclosure
from services.audit.ledger import Ledger, entry_key
from shared.domain.answers import YES
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from shared.domain.fields import line, number
from shared.domain.mandate import Mandate
from shared.domain.query import Cursor, Limit, Query, declare_query
from shared.domain.words import _, said
from shared.ledger import checkpoint
from shared.views.port import encode_cursor

_SIZE = number(0, 2**53 - 1)
#: Levels of the tree in a tile as it is served, and hashes in a full one.
HEIGHT, WIDTH = 8, 256
_HASHES = {"type": "array", "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "description": "hashes in hex"}
_CHECKPOINT = {"type": "string", "description": "signed note: origin, size, root, time, signatures"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


def _number(about: str) -> dict[str, Any]:
    return {"type": "integer", "description": about}


def get_checkpoint(ledger: Ledger) -> dict[str, Any]:
    """The signed checkpoint of the ledger as it is now, and the public key to check it with."""
    public = ledger.key.public_key()
    return {
        "checkpoint": ledger.checkpoint(),
        "public_key": checkpoint.public_pem(public).decode(),
        "vkey": checkpoint.vkey(ledger.origin, public),
    }


def get_cosigned(ledger: Ledger) -> dict[str, Any]:
    """The newest signed checkpoint that as many witnesses have cosigned as the city asks for."""
    return {"checkpoint": ledger.last_checkpoint()}


def get_tile(
    ledger: Ledger,
    *,
    level: Annotated[int, number(0, 7), "level of the tile: each of its hashes is over 256 to this power of entries"],
    index: Annotated[int, _SIZE, "number of the tile in its level, from 0"],
    width: Annotated[int, number(1, WIDTH), "hashes from the left"] = WIDTH,
) -> dict[str, Any]:
    """Hashes of the tree as C2SP tlog-tiles serves them; refused beyond the ledger's size."""
    span = WIDTH**level
    _require(ledger, (index * WIDTH + width) * span)
    return {"hashes": ledger.hashes(level * HEIGHT, index * WIDTH, width).hex()}


def get_entries(
    ledger: Ledger,
    *,
    index: Annotated[int, _SIZE, "number of the bundle of 256 entries, from 0"],
    width: Annotated[int, number(1, WIDTH), "entries from the left"] = WIDTH,
) -> dict[str, Any]:
    """Lines of consecutive entries as they were hashed; refused for entries from before lines left out what is not public."""
    _require(ledger, index * WIDTH + width)
    rows = list(islice(ledger.entries(index * WIDTH), width))
    if any(disclosure.is_old(row) for row in rows):
        raise IllegalStateError(_("entries from before are shown with gaps only, and not as they were hashed"))
    return {"lines": [row["line"] for row in rows]}


def _require(ledger: Ledger, end: int) -> None:
    if end > ledger.size:
        raise NotFoundError(_("the ledger has {size} entries only"), size=ledger.size)


def prove_event(
    ledger: Ledger, by: Mandate, *, event_id: Annotated[str, line(100), "id of the event"]
) -> dict[str, Any]:
    """Prove that an event is in the ledger: its entry and the hashes that lead from it to the signed root."""
    found = ledger.entry(event_id)
    entry = ledger.shown(found, by) | {"index": found["index"]}
    text = ledger.checkpoint()
    signed = checkpoint.read_checkpoint(text)
    return {
        "index": entry["index"],
        "source": entry["source"],
        "position": entry["position"],
        **{name: entry[name] for name in ("line", "leaf", "hashed", "disclosed", "gaps")},
        "size": signed.size,
        "root": signed.root.hex(),
        "proof": ledger.inclusion(entry["index"], signed.size),
        "checkpoint": text,
    }


def prove_consistency(
    ledger: Ledger,
    *,
    old: Annotated[int, _SIZE, "size in the earlier checkpoint"],
    new: Annotated[int, _SIZE, "size in the later checkpoint"],
) -> dict[str, Any]:
    """Prove that the ledger of today begins with the ledger of an earlier checkpoint."""
    size = ledger.size
    if new > size:
        reason = said(_("the ledger has {size} entries"), size=size)
        raise BadInputError(_("the ledger has {size} entries, not {new}"), {"new": reason}, size=size, new=new)
    if old >= new:
        template = _("the earlier ledger must be smaller than the later one; the ledger has {size} entries now")
        raise BadInputError(template, {"old": said(_("must be smaller than the later size {new}"), new=new)}, size=size)
    return {"old": old, "new": new, "proof": ledger.consistency(old, new)}


def find_entries(
    ledger: Ledger,
    by: Mandate,
    *,
    stream: Annotated[str, line(200), "service and stream, like issues/issue-4711; empty: all"] = "",
    size: Annotated[int, _SIZE, "only those of the ledger when it had so many entries; 0: all"] = 0,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Entries of the ledger as the reader may see them, the newest first, of all logs or of one stream, now or as it once was."""
    if size and not cursor:
        cursor = encode_cursor("-key", entry_key(size), entry_key(size))
    page = ledger.views.find("entries", {"stream": stream} if stream else {}, "-key", limit, cursor or None)
    rows = [ledger.shown(row, by) for row in page.rows]
    if stream and not all(row["stream"] for row in rows):  # its name says whom it is about
        return {"rows": [], "next": None, "size": ledger.size}
    return {"rows": rows, "next": page.next, "size": ledger.size}


_SEEN = {
    "line": _text("the event as canonical JSON, public fields in clear: what was hashed, if `hashed`"),
    "leaf": _text("hash of the entry in the tree, in hex"),
    "hashed": YES,
    "disclosed": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {}, "minItems": 2, "maxItems": 2},
        "description": "what the line leaves out and you may see: salt and value",
    },
    "gaps": {"type": "array", "items": {"type": "string"}, "description": "what is withheld from you"},
}
_ENTRY = _object(
    event_id=_text("id of the event"),
    stream=_text("service and stream; empty: withheld"),
    source=_text("service whose log holds it"),
    position=_number("position in that log"),
    **_SEEN,
)
#: The queries; the service answers them, because they need its key.
PROOFS: tuple[Query, ...] = (
    declare_query(
        get_checkpoint,
        answer=_object(
            checkpoint=_CHECKPOINT,
            public_key=_text("Ed25519 public key in PEM"),
            vkey=_text("the same key as one word, as tools for signed notes read it"),
        ),
    ),
    declare_query(get_cosigned, answer=_object(checkpoint=_CHECKPOINT)),
    declare_query(get_tile, answer=_object(hashes=_text("concatenated hashes in hex"))),
    declare_query(get_entries, answer=_object(lines={"type": "array", "items": _text("the line of an entry")})),
    declare_query(
        prove_event,
        answer=_object(
            index=_number("index of the entry, from 0"),
            source=_text("service whose log holds it"),
            position=_number("position in that log"),
            **_SEEN,
            size=_number("entries under the root"),
            root=_text("root of the tree in hex"),
            proof=_HASHES,
            checkpoint=_CHECKPOINT,
        ),
    ),
    declare_query(
        prove_consistency, answer=_object(old=_number("earlier size"), new=_number("later size"), proof=_HASHES)
    ),
    declare_query(
        find_entries,
        answer=_object(
            rows={"type": "array", "items": _ENTRY},
            next={"type": ["string", "null"], "description": "cursor of the next page"},
            size=_number("entries in the ledger"),
        ),
    ),
)
