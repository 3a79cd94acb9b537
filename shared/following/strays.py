"""Messages in a service's queue that are no facts of this city: kept with their bytes until an operator puts them away."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from shared.domain.identity import derived_id
from shared.following.parking import UNREADABLE
from shared.views import ViewStore

#: Most bytes kept of such a message.
LARGEST_KEPT = 1_000_000


class Strays:
    """Lie among the parked facts of the source "unreadable", each in a stream of its own; no fact waits behind them."""

    def __init__(self, views: ViewStore) -> None:
        self._views = views

    def keep(self, headers: Mapping[str, Any], body: bytes, reason: str) -> None:
        """Keep a message with its bytes; the true facts come from the source's log anyway.

        The same message delivered again is kept once. Of one that is larger than `LARGEST_KEPT` the start is kept, with its size and
        digest: a database takes no row of any size, and a message that cannot be kept would come again for ever.
        """
        digest = sha256(body).hexdigest()
        if len(body) > LARGEST_KEPT:
            reason += f" (only the first {LARGEST_KEPT} of {len(body)} bytes are kept; SHA-256 of all: {digest})"
        attributes = {str(k): str(v) for k, v in headers.items()}
        key = f"{UNREADABLE}:{derived_id(digest, json.dumps(attributes, sort_keys=True))}"
        row = {
            "source": UNREADABLE,
            "stream": key,
            "position": 0,
            "type": "",
            "state": "parked",
            "reason": reason,
            "record": json.dumps({"headers": attributes, "body": base64.b64encode(body[:LARGEST_KEPT]).decode()}),
        }
        self._views.save({("parked", key): row})

    def first_parked(self, stream: str) -> int | None:
        """0 when that message is kept; else None."""
        return 0 if self._kept(stream) else None

    def skip(self, stream: str, position: int) -> int:
        """Put a message away for good, its bytes too; returns how many facts that applied: 0."""
        if self._kept(stream):
            self._views.save({("parked", stream): None})
        return 0

    def retry(self, stream: str) -> int:
        """Nothing: it is no fact, and the decision refuses it."""
        return 0

    def _kept(self, stream: str) -> bool:
        row = self._views.get("parked", stream)
        return row is not None and row["source"] == UNREADABLE
