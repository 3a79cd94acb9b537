"""Views as a call reads them: those of our own facts reflect what this process had acknowledged before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.domain.errors import TimedOutError

if TYPE_CHECKING:
    from shared.following.node import ServiceRuntime

#: Seconds that one call waits at most for our own views; if they cannot be written, what there is is better than nothing.
MOMENT = 0.2
_READS = frozenset({"get", "get_many", "find", "count", "count_by"})


class UpToDate:
    """The view store of a node for one call, with everything that a store offers.

    Without it, whoever acts twice in a row and names no positions could be refused for what was done a moment ago.
    """

    def __init__(self, node: ServiceRuntime) -> None:
        self._node = node
        self._patient = True

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._node.views, name)
        if name not in _READS:
            return method

        def read(view: str, *arguments: Any, **named: Any) -> Any:
            if view in self._node.derived_views:
                self._node.require_ready()
            self._wait(view)
            return method(view, *arguments, **named)

        return read

    def _wait(self, view: str) -> None:
        node = self._node
        if not self._patient or view not in node.own_views or node.followers[node.name].position >= node.log.written:
            return
        try:
            node.wait_for({node.name: node.log.written}, MOMENT)
        except TimedOutError:
            self._patient = False
