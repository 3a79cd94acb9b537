"""One event as it lies in a log: what folds of rows see of it beside the fact itself."""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, gc=False):
    """One event as read back; `data` is the stored JSON text."""

    position: int
    stream: str
    version: int
    type: str
    schema: int
    data: msgspec.Raw
    id: str
    time: str  # recorded
    occurred: str  # in the world
    actor: str
    on_behalf_of: str
    mandate: str
    command: str
    command_id: str
    correlation_id: str
    causation_id: str
    place: str
    digest: str  # of its commit
    commit_position: int
    commit_size: int
    held: str = ""  # streams and their versions that its commit relied on, as canonical JSON; only with the commit's first event
    content: str = ""  # the code of what was asked for (decision 13)
