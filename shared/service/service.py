"""The nameko side of a service: `@command` and `@query` check calls, and what every service answers to operators and to others."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from shared.domain.command import Command
from shared.domain.errors import (
    ForbiddenError,
    UnavailableError,
)
from shared.domain.query import Query
from shared.domain.words import _
from shared.following.anchoring import ANCHOR, ANCHORED, anchor_checkpoint
from shared.following.definition import Definition
from shared.following.execute import load
from shared.following.parking import PARKING, retry, shown, skip, thing
from shared.following.rebuilding import rebuild
from shared.service.answering import answered
from shared.service.call import Call, Here
from shared.service.operations import OPERATIONS


def _entrypoint(kind: str, name: str = "") -> Callable[[Callable[..., Any]], Any]:
    def decorate(method: Callable[..., Any]) -> Any:
        called = name or method.__name__

        @functools.wraps(method)
        def run(self: Any, **arguments: Any) -> dict[str, Any]:
            call: Call = self.here
            return call.signed(call.answer(called, kind, arguments, lambda ask: method(self, **ask)))

        run.__name__ = called  # nameko calls it so
        run.checks = True  # type: ignore[attr-defined]  # tells it from a timer
        return answered(run)

    return decorate


#: A method that changes state: signed context, checked input, one receipt.
command = _entrypoint("command")
#: A method that reads views: signed context, checked input.
query = _entrypoint("query")


Class = TypeVar("Class", bound=type)


def serves(definition: Definition) -> Callable[[Class], Class]:
    """Give a service class its place and an entrypoint for each declared command and query that it does not write by hand.

    Raises `TypeError` for an entrypoint by hand that has no schema, or takes other arguments than its schema gives.
    """

    def complete(cls: Class) -> Class:
        cls.name = definition.name  # type: ignore[attr-defined]  # what nameko reads
        cls.here = Here(definition) if "here" not in vars(cls) else cls.here  # type: ignore[attr-defined]
        for name, method in vars(cls).items():
            if getattr(method, "checks", False):
                _check_entry(definition, name, method)
        for name, one in definition.commands.items():
            if name not in vars(cls):
                setattr(cls, name, _entrypoint("command", name)(_performing(one)))
        for name, asked in definition.queries.items():
            if name not in vars(cls):
                setattr(cls, name, _entrypoint("query", name)(_reading(asked)))
        return cls

    return complete


def _check_entry(definition: Definition, name: str, method: Callable[..., Any]) -> None:
    code = inspect.unwrap(method).__code__
    where = f"{code.co_filename}:{code.co_firstlineno}: {name}"
    schema = (definition.commands_checked | definition.queries_checked | OPERATIONS).get(name)
    if schema is None:
        raise TypeError(f"{where} has no schema in {definition.name}")
    taken = list(inspect.signature(method).parameters.values())[1:]
    given = set(schema._declared_fields)
    if not any(one.kind is one.VAR_KEYWORD for one in taken) and {one.name for one in taken} != given:
        raise TypeError(f"{where} does not take what its schema gives: {', '.join(sorted(given)) or 'nothing'}")


def _performing(declared: Command) -> Callable[..., dict[str, Any]]:
    def method(self: Any, **ask: Any) -> dict[str, Any]:
        done: dict[str, Any] = self.here.perform(declared, ask)
        return done

    method.__doc__ = declared.about
    return method


def _reading(declared: Query) -> Callable[..., dict[str, Any]]:
    def method(self: Any, **ask: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.here.read(declared, ask)
        return answer

    method.__doc__ = declared.about
    return method


class Followed:
    """Methods of every service for everybody, for its followers and for operators."""

    here: Any

    @query
    def offers(self) -> dict[str, Any]:
        """The commands that the caller may give at some place, and the lists that they may read."""
        offers: dict[str, Any] = self.here.offers()
        return offers

    @query
    def read_log(self, after: int, limit: int) -> dict[str, Any]:
        """Return whole facts after a position, for followers that missed some: to services only, whatever powers somebody has."""
        if self.here.context.kind != "service":
            raise ForbiddenError(_("only services read one another's logs; facts are shown in the city ledger"))
        return {"facts": self.here.node.read_log(after, limit)}

    @query
    def status(self) -> dict[str, Any]:
        """Return heads, checkpoints and parked facts; `problem` says why nothing can be written ("": it can)."""
        self.here.require("operations.status")
        status: dict[str, Any] = self.here.node.status()
        problem = ""
        try:
            self.here.node.require_able()
        except UnavailableError as error:
            problem = error.message
        return status | {"problem": problem, "ready": status["ready"] and not problem}

    @query
    def parked(self, limit: int, cursor: str | None) -> dict[str, Any]:
        """Return parked facts: where they belong, why they wait, and digests of what else they hold."""
        self.here.require("operations.park")
        found: dict[str, Any] = self.here.find("parked", {"state": ["parked", "waiting"]}, "key", limit, cursor)
        return found | {"rows": [shown(row, self.here.digests) for row in found["rows"]]}

    @command
    def retry_parked(self, source: str, stream: str, reason: str) -> dict[str, Any]:
        """Retry the parked facts of a stream."""
        receipt = self._record(retry, source, stream, reason)
        return receipt | {"applied": self.here.node.retry(source, stream)}

    @command
    def skip_parked(self, source: str, stream: str, reason: str) -> dict[str, Any]:
        """Skip the first parked fact of a stream for good and apply those after it; or discard a message that is not a fact."""
        receipt = self._record(skip, source, stream, reason)
        # a repeated command must skip the same fact, not the next one
        skipped = load(self.here.node.log, PARKING, receipt["id"])[0]
        return receipt | {"applied": self.here.node.skip(source, stream, skipped.position)}

    def _record(self, decide: Any, source: str, stream: str, reason: str) -> dict[str, Any]:
        """Append the operator's decision about parked facts before it is carried out."""
        receipt: dict[str, Any] = self.here.execute(
            PARKING,
            thing(source, stream),
            decide,
            source=source,
            stream=stream,
            position=self.here.node.parked_by(source).first_parked(stream),
            reason=reason,
            asked=self.here.context.command_id,
        )
        return receipt

    @command
    def anchor_checkpoint(self, checkpoint: str) -> dict[str, Any]:
        """Record a signed checkpoint of the city ledger in this service's log, unless one as large stands there."""
        receipt: dict[str, Any] = self.here.execute(ANCHOR, ANCHORED, anchor_checkpoint, checkpoint=checkpoint)
        return receipt

    @command
    def rebuild_views(self) -> dict[str, Any]:
        """Rebuild all views while reads continue."""
        self.here.require("operations.rebuild")
        self.here.node.require_ready()
        return {"facts": rebuild(self.here.node, self.here.fetch)}


__all__ = ["Call", "Followed", "Here", "command", "query", "serves"]
