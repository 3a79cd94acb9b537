"""The audit service's entrypoints: checkpoints and proofs for everyone; the content of an event only where it is public."""

from __future__ import annotations

from typing import Any

from nameko.extensions import DependencyProvider
from nameko.timer import timer

from services.audit import checkpoint
from services.audit.definition import DEFINITION
from services.audit.ledger import Ledger, LedgerFollower
from shared.service.service import Followed, Here, query

#: Seconds between two signed checkpoints while facts arrive.
SIGN_EVERY = 10


class LedgerKey(DependencyProvider):
    """The key that signs checkpoints; the first start creates it beside the audit service's other keys."""

    def setup(self) -> None:
        settings = self.container.config["settings"]
        path = settings.data / "keys" / "ledger.pem"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._key = checkpoint.load_key(path) if path.exists() else checkpoint.create_key(path)
        self._origin = f"{settings.city}/city-ledger"

    def get_dependency(self, worker_ctx: Any) -> tuple[Any, str]:
        return self._key, self._origin


class AuditService(Followed):
    """Signs checkpoints of the city ledger and proves its entries."""

    name = "audit"
    here = Here(DEFINITION, LedgerFollower)
    ledger_key = LedgerKey()

    def _ledger(self) -> Ledger:
        key, origin = self.ledger_key
        return Ledger(self.here.views, origin, key)

    @timer(interval=SIGN_EVERY)
    def sign_checkpoint(self) -> None:
        """Sign the entries since the last checkpoint, so that a later rewrite is detectable."""
        key, origin = self.ledger_key
        ledger = Ledger(self.here.views, origin, key)
        if ledger.size:
            ledger.checkpoint()

    @query
    def get_checkpoint(self) -> dict[str, Any]:
        """Return the current signed checkpoint and the public key."""
        key, _ = self.ledger_key
        return {"checkpoint": self._ledger().checkpoint(), "public_key": checkpoint.public_pem(key).decode()}

    @query
    def prove_event(self, event_id: str) -> dict[str, Any]:
        """Return an entry and the hashes that lead from it to the signed root."""
        ledger = self._ledger()
        entry = ledger.entry(event_id)
        text = ledger.checkpoint()
        key, origin = self.ledger_key
        signed = checkpoint.open_checkpoint(text, key.public_key(), origin)
        return {
            "index": entry["index"],
            "source": entry["source"],
            "position": entry["position"],
            "line": entry["line"],
            "size": signed.size,
            "root": signed.root.hex(),
            "proof": ledger.inclusion(entry["index"], signed.size),
            "checkpoint": text,
        }

    @query
    def prove_consistency(self, old: int, new: int) -> dict[str, Any]:
        """Return the hashes that prove that a later ledger begins with an earlier one."""
        return {"old": old, "new": new, "proof": self._ledger().consistency(old, new)}

    @query
    def find_entries(self, stream: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
        """Return entries, newest first."""
        found: dict[str, Any] = self.here.find("entries", {"stream": stream}, "-key", limit, cursor)
        return found | {"size": self._ledger().size}
