"""The registry service at work in one process: signed calls, schemas, log, views and keys are real, only the broker is left out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from services.registry.definition import DEFINITION
from services.registry.service import RegistryService
from shared.domain.errors import from_mapping
from shared.following.context import Context, Signer
from shared.following.node import Node
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.personal import Personal, SqliteKeys
from shared.service.service import Call
from shared.views.sqlite import SqliteViews

OPERATOR = Context(kind="operator", actor="founder", occurred="2025-03-04T09:00:00+08:00")
PUBLIC = Context(kind="anonymous", actor="")


class City:
    """One registry with its callers."""

    def __init__(self, folder: Path) -> None:
        views = SqliteViews(folder / "views.sqlite", DEFINITION.all_views)
        self.node = Node(DEFINITION, EventLog("registry", MemoryStorage()), views)
        self.personal = Personal(SqliteKeys(folder / "keys.sqlite"))
        self.signer, self.patience = Signer(b"s" * 32), 4.0
        self.followers = SimpleNamespace(fetch=None)

    def ask(self, method: str, context: Context = OPERATOR, **arguments: Any) -> Any:
        """Call a method; the answer is what it returns, or its error is raised."""
        service = RegistryService()
        service.here = Call(self, self.signer.sign(context, f"registry.{method}", arguments))  # type: ignore[arg-type]
        answer = getattr(service, method)(**arguments)
        while self.node.apply_own():
            pass
        if "error" in answer:
            raise from_mapping(answer["error"])
        assert self.node.followers["registry"].parked == 0, "a view could not apply a fact"
        return answer["ok"]

    def close(self) -> None:
        """Let go of files."""
        self.node.log.close()
        self.node.views.close()
