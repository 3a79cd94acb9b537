"""The audit service's entrypoints: checkpoints and proofs for everyone; of an event what the reader may see."""

from __future__ import annotations

from typing import Any

from nameko.extensions import DependencyProvider
from nameko.timer import timer

from services.audit import checkpoint, proofs, security
from services.audit.definition import DEFINITION
from services.audit.ledger import Ledger, LedgerFollower
from services.audit.publishing import PublicRelay
from shared.service.service import Followed, Here, command, query, serves

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


@serves(DEFINITION)
class AuditService(Followed):
    """Signs checkpoints of the city ledger and proves its entries."""

    here = Here(DEFINITION, LedgerFollower, (PublicRelay,))
    ledger_key = LedgerKey()

    @property
    def ledger(self) -> Ledger:
        """The ledger as this process's views have it."""
        key, origin = self.ledger_key
        return Ledger(self.here.views, origin, key)

    @timer(interval=SIGN_EVERY)
    def sign_checkpoint(self) -> None:
        """Sign what has been entered since the last time, so that a later rewrite would show."""
        if self.ledger.size:
            self.ledger.checkpoint()

    @command
    def note_act(self, security_act_id: str, **told: Any) -> dict[str, Any]:
        """Note a security act once."""
        done: dict[str, Any] = self.here.execute(security.SECURITY_ACT, security_act_id, security.note_act, told=told)
        return done

    @query
    def get_checkpoint(self) -> dict[str, Any]:
        """The signed checkpoint of now and the public key."""
        return proofs.get_checkpoint(self.ledger)

    @query
    def prove_event(self, **ask: Any) -> dict[str, Any]:
        """An entry and the hashes that lead from it to the signed root."""
        return proofs.prove_event(self.ledger, self.here.mandate, **ask)

    @query
    def prove_consistency(self, **ask: Any) -> dict[str, Any]:
        """The hashes that show a later ledger to begin with an earlier one."""
        return proofs.prove_consistency(self.ledger, **ask)

    @query
    def find_entries(self, **ask: Any) -> dict[str, Any]:
        """Entries, newest first."""
        return proofs.find_entries(self.ledger, self.here.mandate, **ask)
