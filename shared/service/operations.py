"""What operators and following services may ask of every service."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.following.together import MOST_LINES

#: Most facts that a follower may fetch at a time.
LARGEST_FETCH = 1000


class ReadLog(Schema):
    """Read facts beyond a position."""

    after = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    limit = fields.Integer(load_default=200, strict=True, validate=validate.Range(min=1, max=LARGEST_FETCH))


class Nothing(Schema):
    """Takes no arguments."""


class Offers(Schema):
    """The commands that the caller may give at some place, and the lists that they may read: where a day's work begins."""


class Parked(Schema):
    """List parked facts."""

    limit = fields.Integer(load_default=50, strict=True, validate=validate.Range(min=1, max=500))
    cursor = fields.String(load_default=None, validate=validate.Length(max=500))


class ActOnParked(Schema):
    """Retry or skip the parked facts of one stream, with the reason."""

    source = fields.String(
        required=True, validate=validate.Length(min=1, max=50), metadata={"description": "service they came from"}
    )
    stream = fields.String(
        required=True, validate=validate.Length(min=1, max=200), metadata={"description": "stream they belong to"}
    )
    reason = fields.String(
        required=True, validate=validate.Length(min=3, max=500), metadata={"description": "why, for the record"}
    )


class Anchor(Schema):
    """Record a signed checkpoint of the city ledger; the audit service gives it."""

    checkpoint = fields.String(
        required=True, validate=validate.Length(min=1, max=5000), metadata={"description": "a signed note"}
    )


class BringIn(Schema):
    """Give one command for each line of a table: what the lines write is one commit, and those that are refused say why."""

    command = fields.String(
        required=True,
        validate=validate.Length(min=1, max=60),
        metadata={"description": "name of the command, like register_place"},
    )
    lines = fields.List(
        fields.Dict(keys=fields.String()),
        required=True,
        validate=validate.Length(min=1, max=MOST_LINES),
        metadata={"description": "what the command is given, once a line"},
    )
    dry_run = fields.Boolean(load_default=False, metadata={"description": "decide everything and record nothing"})


OPERATIONS: dict[str, type[Schema]] = {
    "offers": Offers,
    "read_log": ReadLog,
    "status": Nothing,
    "parked": Parked,
    "retry_parked": ActOnParked,
    "skip_parked": ActOnParked,
    "rebuild_views": Nothing,
    "anchor_checkpoint": Anchor,
    "bring_in": BringIn,
}
