"""Leaves of the city ledger: each event as a CloudEvents 1.0 JSON object in canonical JSON (RFC 8785).

Attribute names are the storage format: a leaf is hashed, so the same record must give the same bytes for ever. A leaf
carries all that was hashed into its commit, so that the chain of the owning log can be checked again from the export
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.log import Record, StoredCommit, records_of

_encode = msgspec.json.Encoder(order="sorted").encode


def attributes_of(service: str, record: Record) -> Mapping[str, Any]:
    """The CloudEvent of a record in the log of `service`, or of its partition "service/district"; empty ones are left
    out.
    """
    attributes = {
        "specversion": "1.0",
        "id": record.id,
        "source": f"/linli/{service}",
        "type": f"cn.linli.{service.partition('/')[0]}.{record.type}",
        "subject": record.stream,
        "time": record.time,
        "datacontenttype": "application/json",
        "data": record.data,
        "position": record.position,
        "version": record.version,
        "schema": record.schema,
        "occurred": record.occurred,
        "actor": record.actor,
        "onbehalfof": record.on_behalf_of,
        "mandate": record.mandate,
        "command": record.command,
        "commandid": record.command_id,
        "correlationid": record.correlation_id,
        "causationid": record.causation_id,
        "place": record.place,
        "digest": record.digest,
        "commitsize": record.commit_size,
        "commitindex": record.position - record.commit_position,
    }
    return {name: value for name, value in attributes.items() if value != ""}


def leaf_of(service: str, record: Record) -> bytes:
    """The line of the export that stands for a record, without the newline."""
    return _encode(attributes_of(service, record))


def leaves_of(service: str, stored: StoredCommit) -> list[bytes]:
    """The leaves of all events of a commit, in order; they enter the ledger together."""
    return [leaf_of(service, record) for record in records_of(stored)]
