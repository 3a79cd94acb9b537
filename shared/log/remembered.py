"""What one process remembers of a log (decision 8): it saves questions and proves nothing, the storage has the last word."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec

from shared.domain.moments import Span
from shared.log.tail import Tail

#: Most streams whose version is remembered between appends.
REMEMBERED_STREAMS = 20_000
#: Most states that a process remembers, those last loaded; they are small, and never change.
REMEMBERED_STATES = 2_000


class Folded(msgspec.Struct, frozen=True):
    """A stream's state at a version, in the shape of the code, the version of the stored snapshot, and from when to when it reaches."""

    shape: str
    state: Any
    version: int
    snapshot: int
    span: Span = Span()
    digest: str = ""  # of the commit that wrote the version


class Remembered:
    """The last commits, versions of streams, and states; each is bounded, those used longest ago are let go."""

    def __init__(self) -> None:
        self.tail = Tail()
        #: Versions of streams, and the first event of what this process wrote there last.
        self._versions: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._states: OrderedDict[str, Folded] = OrderedDict()

    def version(self, stream: str) -> int | None:
        """The version that a stream is taken to be at; None when nothing is known."""
        known = self._versions.get(stream)
        return None if known is None else known[0]

    def note(self, stream: str, version: int, event_id: str = "") -> None:
        """Take a stream to be at a version from now on; `event_id` is of the first event when this process wrote the last ones."""
        self._versions[stream] = version, event_id
        self._versions.move_to_end(stream)
        if len(self._versions) > REMEMBERED_STREAMS:
            self._versions.popitem(last=False)

    def expect(self, stream: str, version: int) -> bool:
        """Take a stream to be at a version that somebody remembers; False when this process knows that it is not.

        An append at that version is refused by the storage when it is wrong.
        """
        if (known := self.version(stream)) is not None:
            return known == version
        self.note(stream, version)
        return True

    def wrote(self, stream: str, event_id: str) -> bool:
        """Whether the last events of a stream are known to be those that begin with this one."""
        return self._versions.get(stream, (0, ""))[1] == event_id

    def forget_versions(self) -> None:
        """Take no stream to be at any version: another process may have written."""
        self._versions.clear()

    def state(self, stream: str, shape: str) -> Folded | None:
        """The state that was kept last of a stream, unless other code folded it."""
        known = self._states.get(stream)
        return known if known is not None and known.shape == shape else None

    def keep(self, stream: str, folded: Folded) -> Folded:
        """Remember a state that the log has confirmed; returns it."""
        self._states[stream] = folded
        self._states.move_to_end(stream)
        if len(self._states) > REMEMBERED_STATES:
            self._states.popitem(last=False)
        return folded

    def drop(self, stream: str) -> None:
        """Forget the state of a stream."""
        self._states.pop(stream, None)
