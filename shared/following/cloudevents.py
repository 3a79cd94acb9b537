"""Facts as CloudEvents 1.0: binary mode over AMQP, structured mode in exports.

Attribute names are those of the CloudEvents specification; extension attributes are lower-case alphanumerics. An attribute that is
empty is left out. On the bus each fact also carries `mac`, its authentication code, which services check before they apply it
(decision 7); other systems do not need it and pass over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.domain.errors import BadInputError
from shared.domain.record import Record
from shared.following.codes import Codes

TYPE_PREFIX = "cn.linli"
CONTENT_TYPE = "application/json"
_HEADER = "cloudEvents:"
#: Which life of its log a message is from: a log that was restored counts positions anew from where it was cut.
EPOCH = "epoch"
#: The attribute with the authentication code.
MAC = "mac"
_TEXTS = {
    "actor": "actor",
    "on_behalf_of": "onbehalfof",
    "mandate": "mandate",
    "command": "command",
    "command_id": "commandid",
    "content": "content",
    "correlation_id": "correlationid",
    "causation_id": "causationid",
    "place": "place",
    "occurred": "occurred",
    "digest": "digest",
    "held": "held",
}


_canonical = msgspec.json.Encoder(order="sorted").encode


def attributes(service: str, record: Record) -> dict[str, str | int]:
    """The CloudEvents context attributes of a fact; `service` may name a partition of a log, "funding/350104"."""
    found: dict[str, str | int] = {
        "specversion": "1.0",
        "id": record.id,
        "source": f"/linli/{service}",
        "type": f"{TYPE_PREFIX}.{service.partition('/')[0]}.{record.type}",
        "subject": record.stream,
        "time": record.time,
        "datacontenttype": CONTENT_TYPE,
        "position": record.position,
        "version": record.version,
        "schema": record.schema,
        "commitindex": record.position - record.commit_position,
        "commitsize": record.commit_size,
    }
    for name, attribute in _TEXTS.items():
        if value := getattr(record, name):
            found[attribute] = value
    return found


def parse(found: Mapping[str, Any], data: bytes) -> tuple[str, Record]:
    """The source service and the record in a CloudEvent; raises `BadInputError` saying what is wrong with it."""
    try:
        if found["specversion"] != "1.0":
            raise BadInputError(f"CloudEvents version {found['specversion']!r} is not known here; only 1.0 is")
        service = str(found["source"]).removeprefix("/linli/")
        prefix = f"{TYPE_PREFIX}.{service.partition('/')[0]}."
        type = str(found["type"])
        if not service or not type.startswith(prefix):
            raise BadInputError(f"source {found['source']!r} and type {type!r} do not belong together")
        if not isinstance(msgspec.json.decode(data), dict):
            raise BadInputError("the data is not a JSON object")
        position = int(found["position"])
        return service, Record(
            position=position,
            stream=str(found["subject"]),
            version=int(found["version"]),
            type=type.removeprefix(prefix),
            schema=int(found["schema"]),
            data=msgspec.Raw(data),
            id=str(found["id"]),
            time=str(found["time"]),
            commit_position=position - int(found["commitindex"]),
            commit_size=int(found["commitsize"]),
            **{name: str(found.get(attribute, "")) for name, attribute in _TEXTS.items()},
        )
    except KeyError as error:
        raise BadInputError(f"the CloudEvent lacks {error.args[0]!r}") from error
    except (ValueError, TypeError) as error:
        raise BadInputError(f"the CloudEvent cannot be read: {error}") from error


def sign(found: dict[str, str | int], data: bytes, codes: Codes) -> None:
    """Add the authentication code of all other attributes and the data; nothing may be added or changed afterwards."""
    found[MAC] = codes.make(_coded(found, data))


def authentic(found: Mapping[str, Any], data: bytes, codes: Codes) -> bool:
    """Whether a service of this city sent exactly these attributes, whatever else they are, with these bytes."""
    try:
        return codes.fits(found.get(MAC), _coded(found, data))
    except (ValueError, TypeError, RecursionError):  # header values of types that no fact has
        return False


def _coded(found: Mapping[str, Any], data: bytes) -> bytes:
    """The bytes that a code is made of: the attributes that travel as headers, as canonical JSON, then the data as it is."""
    coded = dict(found)
    coded.pop(MAC, None)
    coded.pop("datacontenttype", None)
    return _canonical(coded) + data


def to_headers(found: Mapping[str, str | int]) -> dict[str, str | int]:
    """Attributes as AMQP headers (binary mode); the content type travels as the message's own property."""
    return {_HEADER + name: value for name, value in found.items() if name != "datacontenttype"}


def from_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes out of AMQP headers."""
    return {name.removeprefix(_HEADER): value for name, value in headers.items() if name.startswith(_HEADER)}


def epoch_of(found: Mapping[str, Any]) -> int:
    """The epoch that a message names, 0 when it names none; raises `BadInputError` when it is no number."""
    try:
        return int(found.get(EPOCH) or 0)
    except (ValueError, TypeError) as error:
        raise BadInputError(f"the CloudEvent cannot be read: {EPOCH}: {error}") from error


def structured(service: str, record: Record) -> dict[str, Any]:
    """A fact as one JSON object (structured mode)."""
    return {**attributes(service, record), "data": record.data}


def routing_key(service: str, record: Record) -> str:
    """`<service>.<EventType>[.<territory path>]`, so that others can take one type, one service or one district."""
    return ".".join(part for part in (service, record.type, record.place) if part)


def line(service: str, record: Record) -> bytes:
    """A fact in structured mode as canonical JSON (RFC 8785): one leaf of the city ledger, one line of an export."""
    return _canonical(structured(service, record))
