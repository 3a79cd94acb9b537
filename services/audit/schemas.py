"""What callers may ask of the city ledger."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

_SIZE = validate.Range(min=0, max=2**53)


class GetCheckpoint(Schema):
    """The signed checkpoint of the ledger as it is now, and the public key to check it with."""


class ProveEvent(Schema):
    """Prove that an event is in the ledger."""

    event_id = fields.String(
        required=True, validate=validate.Length(min=1, max=100), metadata={"description": "id of the event"}
    )


class ProveConsistency(Schema):
    """Prove that the ledger of today begins with the ledger of an earlier checkpoint."""

    old = fields.Integer(required=True, validate=_SIZE, metadata={"description": "size in the earlier checkpoint"})
    new = fields.Integer(required=True, validate=_SIZE, metadata={"description": "size in the later checkpoint"})


class FindEntries(Schema):
    """Entries of the ledger, newest first, of all logs or of one stream."""

    stream = fields.String(
        load_default=None,
        validate=validate.Length(max=200),
        metadata={"description": "service/stream, e.g. issues/issue-…"},
    )
    limit = fields.Integer(
        load_default=50, validate=validate.Range(min=1, max=500), metadata={"description": "rows a page"}
    )
    cursor = fields.String(
        load_default=None, validate=validate.Length(max=500), metadata={"description": "where the page begins"}
    )


COMMANDS: dict[str, type[Schema]] = {}
QUERIES: dict[str, type[Schema]] = {
    "get_checkpoint": GetCheckpoint,
    "prove_event": ProveEvent,
    "prove_consistency": ProveConsistency,
    "find_entries": FindEntries,
}
