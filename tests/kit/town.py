"""A whole city in one process without a broker: real logs, views, policies, clock, ledger and portal; facts reach followers at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from services.audit.ledger import Ledger, LedgerFollower
from services.audit.witnesses import Witnesses
from services.console.catalogue import OWNERS, definition, service_class
from services.gateway import contracts
from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from services.gateway.portal.declared import aggregates
from shared.domain.errors import from_mapping
from shared.following.codes import Codes
from shared.following.context import CallContext, Signer
from shared.following.definition import Definition
from shared.following.follow import Follower
from shared.following.node import ServiceRuntime
from shared.following.parking import DIGESTS
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.personal import Personal, SqliteKeys
from shared.service.call import Call
from shared.views.sqlite import SqliteViews

OPERATOR_TOKEN = "operator-token-of-the-town"
_AT_A_TIME = 500


class Place:
    """One service of a town: what its calls see of the process around them."""

    def __init__(self, town: Town, name: str, found: Definition, cls: type, folder: Path) -> None:
        self.definition, self.cls = found, cls
        self.signer, self.personal, self.patience = town.signer, town.personal, 4.0
        self.digests = Codes((b"t" * 32,), DIGESTS)
        self.followers = SimpleNamespace(fetch=town.fetch)
        views = SqliteViews(folder / f"{name}.views.sqlite", found.all_views, durable=found.durable)
        follower = LedgerFollower if name == "audit" else Follower
        self.node = ServiceRuntime(found, EventLog(name, MemoryStorage()), views, follower, town.personal)


class Town:
    """Answers calls as the services of a city do; `call` is what a gateway needs of it."""

    def __init__(
        self,
        folder: Path,
        services: Iterable[str] = OWNERS,
        more: Mapping[str, tuple[Definition, type]] | None = None,
        trial: bool = True,
    ) -> None:
        """`services` are started by name, `more` by definition and class; in a `trial` nobody needs a second person or factor."""
        self.trial = trial
        self.folder = folder
        self.signer = Signer(b"t" * 32)
        self.personal = Personal(SqliteKeys(folder / "keys.sqlite"))
        self.ledger_key = Ed25519PrivateKey.generate()
        known = {name: (definition(name), service_class(name)) for name in services} | dict(more or {})
        if more and "audit" in known:  # the ledger takes in the facts of every service
            audit, cls = known["audit"]
            known["audit"] = replace(audit, sources=(*audit.sources, *more)), cls
        self.places = {name: Place(self, name, found, cls, folder) for name, (found, cls) in known.items()}
        self._more = {name: found for name, (found, _) in (more or {}).items()}
        contracts.DEFINITIONS.update(self._more)  # the portal makes pages of what it knows
        aggregates.cache_clear()
        self._app: Flask | None = None
        self._accounts: Accounts | None = None

    def call(
        self,
        service: str,
        method: str,
        context: CallContext,
        arguments: Mapping[str, Any],
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """The answer of a service; raises the error that it answers with."""
        place = self.places[service]
        ask = dict(arguments)
        instance = place.cls()
        instance.here = Call(place, self.signer.sign(context, f"{service}.{method}", ask))  # type: ignore[arg-type]
        if hasattr(place.cls, "signing"):
            ledger = Ledger(instance.here.views, "linli.example/city-ledger", self.ledger_key)
            instance.signing = SimpleNamespace(ledger=ledger, witnesses=Witnesses())
        answer: dict[str, Any] = getattr(instance, method)(**ask)
        self.settle()
        if "error" in answer:
            raise from_mapping(answer["error"])
        done: dict[str, Any] = answer["ok"]
        return done

    def settle(self) -> None:
        """Let every service apply everything that all of them have written."""
        moved = True
        while moved:
            moved = False
            for place in self.places.values():
                while place.node.apply_own():
                    moved = True
                for source in place.definition.sources:
                    if source in self.places and self._follow(place, source):
                        moved = True

    def fetch(self, source: str, after: int, limit: int) -> list[Any]:
        """Facts of a service beyond a position, as others ask for them."""
        return list(self.places[source].node.log.read(after, limit=limit))

    def _follow(self, place: Place, source: str) -> bool:
        follower, log = place.node.followers[source], self.places[source].node.log
        moved = False
        while records := list(log.read(follower.position, limit=_AT_A_TIME)):
            place.node.apply(source, 0, records, lambda *_: [])
            moved = True
        assert not follower.parked, f"{place.definition.name} could not apply a fact of {source}"
        return moved

    def tick(self, day: str) -> int:
        """Let a day begin everywhere; returns how many facts it wrote."""
        self.settle()
        written = sum(place.node.tick(day) for place in self.places.values())
        self.settle()
        return written

    @property
    def accounts(self) -> Accounts:
        """The accounts of those who sign in."""
        if self._accounts is None:
            views = SqliteViews(self.folder / "gateway.views.sqlite", VIEWS, durable=True)
            self._accounts = Accounts(views)
        return self._accounts

    @property
    def app(self) -> Flask:
        """The gateway before this town."""
        if self._app is None:
            self._app = create_app(self, self.accounts, (b"s" * 32,), OPERATOR_TOKEN, trial=self.trial)
        return self._app

    def close(self) -> None:
        """Let go of files, and let the portal forget the services that were only here."""
        for name in self._more:
            del contracts.DEFINITIONS[name]
        aggregates.cache_clear()
        for place in self.places.values():
            place.node.close()
        if self._accounts is not None:
            self._accounts.close()
