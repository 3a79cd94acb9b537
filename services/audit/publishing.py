"""Publishes to other systems what anybody may read of each entry: the line of the city ledger, as it was hashed (decision 22).

Services follow one another on an exchange of their own with whole facts. Here, on `linli.public`, a message's body is the entry's line:
public fields in clear, salted digests of everything else. So a subscriber gets nothing that the ledger would not show to anybody, can
prove each line against a signed checkpoint, and asks for the rest over HTTP with an account whose post has the power for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from services.audit.disclosure import public_line
from services.audit.ledger import entry_key, rows_of
from shared.broker.message import Message
from shared.broker.topology import PUBLIC
from shared.domain.view import Row
from shared.following.cloudevents import EPOCH
from shared.following.node import ServiceRuntime
from shared.service import metrics
from shared.service.relay import RELAYED, Relay

#: CloudEvents in structured mode.
CONTENT_TYPE = "application/cloudevents+json"


class _Line(msgspec.Struct):
    """What of a line decides where its message goes."""

    type: str
    place: str = ""


_read_line = msgspec.json.Decoder(_Line).decode


class Entry(NamedTuple):
    """An entry of the ledger; its position is its index and one."""

    position: int
    row: Row


class PublicRelay(Relay):
    """Publishes the ledger from where it stood when this began; what is older is in the export."""

    name = "public"
    exchange = PUBLIC

    def _begin(self, node: ServiceRuntime) -> int:
        """Where to go on; its checkpoint is one more than what was published, for 0 says that this never began."""
        if not node.views.checkpoint(self.name):
            size = int((node.views.get("ledger", "size") or {"size": 0})["size"])
            node.views.save({}, {self.name: (0, size + 1)})
        return node.views.checkpoint(self.name) - 1

    def _save(self, position: int) -> None:
        self._node.views.save({}, {self.name: (self._saved + 1, position + 1)})
        self._saved = position

    def _read(self, node: ServiceRuntime, position: int) -> Sequence[Entry]:
        rows = islice(rows_of(node.views, "entries", entry_key(position - 1) if position else ""), RELAYED)
        found = (Entry(int(row["key"]) + 1, row) for row in rows)
        # a page that was read while entries were written may lack some: the next one has them
        return [entry for number, entry in enumerate(found, position + 1) if entry.position == number]

    @contextmanager
    def _made(self, node: ServiceRuntime, records: Sequence[Any]) -> Iterator[list[Message]]:
        yield [message_of(entry, node.followers[entry.row["source"]].epoch) for entry in records]
        metrics.RELAYED.labels("ledger").set(records[-1].position)


def message_of(entry: Entry, epoch: int = 0) -> Message:
    """An entry as other systems get it: `index` says where it stands in the ledger, `epoch` which life of its log it is from."""
    line = public_line(entry.row)
    about = _read_line(line)
    source, type = str(entry.row["source"]), about.type.rpartition(".")[2]
    return Message(
        routing_key=".".join(part for part in (source, type, about.place) if part),
        body=line.encode(),
        headers={"index": entry.position - 1} | ({EPOCH: epoch} if epoch else {}),
        properties={"message_id": entry.row["event_id"], "type": type, "content_type": CONTENT_TYPE},
    )
