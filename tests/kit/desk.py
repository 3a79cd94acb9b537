"""A service without a broker: its real log, views, schemas and entrypoints, and a city whose facts it follows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from services.console.catalogue import definition, service_class
from shared.domain.city_rows import REGISTRY
from shared.domain.errors import from_mapping
from shared.domain.identity import new_id
from shared.following.codes import Codes
from shared.following.context import CallContext, Signer
from shared.following.node import ServiceRuntime
from shared.following.parking import DIGESTS
from shared.log import Commit, EventLog, NewEvent, StoredCommit
from shared.log.memory import MemoryStorage
from shared.personal import Personal, SqliteKeys
from shared.service.call import Call
from shared.views.sqlite import SqliteViews
from tests.kit.city import facts
from tests.kit.spec import AT


class Desk:
    """Calls commands and queries as a post holder, a resident, an operator or nobody; facts of other services are told to it."""

    def __init__(
        self,
        service: str,
        folder: Path,
        city: Iterable[tuple[str, dict[str, Any]]] | None = None,
        commits: Iterable[StoredCommit] = (),
    ) -> None:
        """`city` are facts of the registry, by default the small city; the registry's own desk starts without any.

        `commits` are those of a desk whose folder this one's is a copy of.
        """
        self.definition = definition(service)
        storage = MemoryStorage()
        if stored := list(commits):
            storage.insert(stored)
        #: When facts are recorded from now on, RFC 3339; "": when they happened.
        self.now = ""
        self._at = AT
        self.log = EventLog(service, storage, clock=lambda: self.now or self._at)
        self.keys = SqliteKeys(folder / "keys.sqlite")
        self.personal = Personal(self.keys)
        views = SqliteViews(folder / "views.sqlite", self.definition.all_views)
        self.node = ServiceRuntime(self.definition, self.log, views, personal=self.personal)
        self.signer, self.patience = Signer(b"x" * 32), 4.0
        self.digests = Codes((b"x" * 32,), DIGESTS)
        self.followers = SimpleNamespace(fetch=None)
        self.others = {source: EventLog(source, MemoryStorage()) for source in self.definition.sources}
        if service != REGISTRY:
            self.tell_all(REGISTRY, facts() if city is None else city)

    def tell(self, source: str, type: str, /, *, told_by: tuple[str, str, str] = ("", "", ""), **data: Any) -> None:
        """A fact of another service arrives; `told_by` is the person, post and organisation in its record."""
        self.tell_all(source, [(type, data)], told_by)

    def tell_all(
        self, source: str, told: Iterable[tuple[str, dict[str, Any]]], told_by: tuple[str, str, str] = ("", "", "")
    ) -> None:
        """Facts of another service arrive."""
        log = self.others[source]
        for type, data in told:
            event = NewEvent(type=type, schema=1, data=msgspec.Raw(msgspec.json.encode(data)), id=new_id(), occurred=AT)
            log.append(
                Commit(
                    stream=f"{type}-{new_id()}",
                    expected_version=0,
                    events=(event,),
                    command="told",
                    command_id=new_id(),
                    actor=told_by[0],
                    on_behalf_of=told_by[2],
                    mandate=told_by[1],
                    place=str(data.get("place", "")),
                )
            )
        follower = self.node.followers[source]
        while records := list(log.read(follower.position, limit=200)):
            self.node.apply(source, 0, records, lambda source, after, limit: [])
        self.catch_up()

    def catch_up(self) -> None:
        """Apply our own facts to the views."""
        while self.node.apply_own():
            pass
        assert not self.parked, "a view could not apply a fact"

    def context(self, by: str = "", at: str = "", command_id: str = "", imported: str = "") -> CallContext:
        """Who asks: the holder of a post (`post-…`), a resident (`p-…`), the operator, or nobody.

        `at` is when they say that it happened; "": at once, which is at `AT` unless the thing has gone on since.
        """
        told: dict[str, Any] = {"occurred": at or AT, "at_once": not at, "command_id": command_id, "imported": imported}
        if by == "operator":
            return CallContext(kind="operator", actor="founder", **told)
        post = self.node.city().post(by) if by.startswith("post-") else None
        if by.startswith("post-"):
            return CallContext(kind="person", actor=post["person_id"] if post else "p-nobody", post=by, **told)
        return CallContext(kind="person" if by else "anonymous", actor=by, **told)

    def ask(
        self, method: str, by: str = "", /, at: str = "", command_id: str = "", imported: str = "", **ask: Any
    ) -> Any:
        """Call an entrypoint; the answer is what it returns, or its error is raised."""
        self._at = at or AT
        signed = self.signer.sign(self.context(by, at, command_id, imported), f"{self.definition.name}.{method}", ask)
        service = service_class(self.definition.name)()
        service.here = Call(self, signed)  # type: ignore[arg-type]
        answer = getattr(service, method)(**ask)
        self.catch_up()
        if "error" in answer:
            raise from_mapping(answer["error"])
        return answer["ok"]

    def tick(self, day: str) -> int:
        """Let a day begin."""
        written = self.node.tick(day)
        self.catch_up()
        return written

    @property
    def parked(self) -> int:
        """How many facts could not be applied."""
        return sum(follower.parked for follower in self.node.followers.values())

    @property
    def stored(self) -> str:
        """Everything the log holds, as text."""
        return "".join(bytes(record.data).decode() for record in self.log.read(0))

    def close(self) -> None:
        """Let go of files."""
        self.node.close()
