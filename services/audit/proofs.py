"""What may be asked of the city ledger: its signed checkpoint, proofs, and entries as far as they are public (X07, X08)."""

from __future__ import annotations

from typing import Annotated, Any

from services.audit import checkpoint
from services.audit.ledger import Ledger
from shared.domain.answers import YES
from shared.domain.command import Cursor, Limit, Query, declare_query
from shared.domain.errors import BadInputError
from shared.domain.fields import line, number
from shared.domain.mandate import Mandate
from shared.domain.words import _, said

_SIZE = number(0, 2**53 - 1)
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
    return {"checkpoint": ledger.checkpoint(), "public_key": checkpoint.public_pem(ledger.key).decode()}


def prove_event(
    ledger: Ledger, by: Mandate, *, event_id: Annotated[str, line(100), "id of the event"]
) -> dict[str, Any]:
    """Prove that an event is in the ledger: its entry and the hashes that lead from it to the signed root."""
    found = ledger.entry(event_id)
    entry = ledger.shown(found, by) | {"index": found["index"]}
    text = ledger.checkpoint()
    signed = checkpoint.open_checkpoint(text, ledger.key.public_key(), ledger.origin)
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
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Entries of the ledger as the reader may see them, the newest first, of all logs or of one stream."""
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
        get_checkpoint, answer=_object(checkpoint=_CHECKPOINT, public_key=_text("Ed25519 public key in PEM"))
    ),
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
