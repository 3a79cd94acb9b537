"""The audit service's entrypoints: checkpoints and proofs for everyone; of an event what the reader may see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from nameko.extensions import DependencyProvider
from nameko.timer import timer

from services.audit import proofs, security
from services.audit.definition import DEFINITION, SOURCES
from services.audit.key import SIGNING_KEY, change_key
from services.audit.ledger import Ledger, LedgerFollower
from services.audit.publishing import PublicRelay
from services.audit.signing import opened
from services.audit.witnesses import Witnesses
from shared.domain.errors import LinliError
from shared.domain.identity import derived_id
from shared.domain.policy import Decision
from shared.following.anchoring import anchors_in
from shared.following.context import CallContext
from shared.ledger.checkpoint import read_checkpoint
from shared.ledger.policy import load_policy
from shared.service.call import Here
from shared.service.service import Followed, command, query, serves

#: Seconds between two signed checkpoints while facts arrive, between two visits to witnesses, and between two looks whether to anchor.
SIGN_EVERY, COSIGN_EVERY, LOOK_EVERY = 10, 3, 30

_log = structlog.get_logger()


class LedgerHere(Here):
    """The service's log and rows, once everything that was signed has been found in them."""

    def setup(self) -> None:
        super().setup()
        settings = self.container.config["settings"]
        origin = f"{settings.city}/city-ledger"
        policy = load_policy(settings.witnesses)
        self.ledger = opened(
            settings.data / "keys",
            origin,
            self.node.views,
            self.node.log,
            self._record,
            policy,
            (*SOURCES, DEFINITION.name),
        )
        self.witnesses = Witnesses()
        self.told: dict[str, datetime] = {}  # which services were told of a checkpoint to anchor, and when
        self.anchor_every = timedelta(minutes=settings.anchor_minutes)

    def stop(self) -> None:
        """Sign what came last, so that nothing stays unsigned while the service is away."""
        self.followers.stop()
        try:
            if self.ledger.size:
                self.ledger.checkpoint()
        except LinliError as error:  # the next start says so, and signs it
            _log.warning("not signed at the end", reason=error.message)
        super().stop()

    def _record(self, old: str, new: str, statement: str, reason: str) -> None:
        context = CallContext(kind="service", actor="audit", command_id=derived_id("ledger key", new))
        told = {"old": old, "new": new, "statement": statement, "reason": reason}
        self.node.carry(Decision(SIGNING_KEY, "city-ledger", change_key, told), context, "ledger.change_key")


class LedgerKey(DependencyProvider):
    """What signs the ledger, given to each call."""

    def get_dependency(self, worker_ctx: Any) -> LedgerHere:
        return next(one for one in self.container.extensions if isinstance(one, LedgerHere))


@serves(DEFINITION)
class AuditService(Followed):
    """Signs checkpoints of the city ledger and proves its entries."""

    here = LedgerHere(DEFINITION, LedgerFollower, (PublicRelay,))
    signing = LedgerKey()

    @property
    def ledger(self) -> Ledger:
        """The ledger as this process's rows have it."""
        found: Ledger = self.signing.ledger
        return found

    @timer(interval=SIGN_EVERY)
    def sign_checkpoint(self) -> None:
        """Sign what has been entered since the last time, so that a later rewrite would show."""
        if self.ledger.size:
            self.ledger.checkpoint()

    @timer(interval=COSIGN_EVERY)
    def ask_witnesses(self) -> None:
        """Give the newest checkpoint to every witness that has not cosigned it."""
        self.signing.witnesses.ask(self.ledger)

    @timer(interval=LOOK_EVERY)
    def anchor(self) -> None:
        """Have the newest checkpoint recorded in every log, unless that was done a short while ago or nothing has happened since."""
        text = self.ledger.signed(1)
        if not text or not self._worth_anchoring(read_checkpoint(text[0]).size):
            return
        context = CallContext(kind="service", actor="audit")
        told, now = self.signing.told, datetime.now(UTC)
        for service in (*SOURCES, DEFINITION.name):  # our own log last: it says when all have been told
            if service in told and now - told[service] < self.signing.anchor_every:
                continue  # another service did not answer the last time
            try:
                ask = {"checkpoint": text[0]}
                self.signing.followers.caller.call(service, "anchor_checkpoint", context, ask, wait=False)
            except LinliError as error:
                _log.warning("not anchored", service=service, reason=error.message)
                return
            told[service] = now
        told.clear()

    def _worth_anchoring(self, size: int) -> bool:
        told = list(anchors_in(self.signing.node.log))
        if told:
            _, time, text = told[-1]
            begun, done = datetime.fromisoformat(time), read_checkpoint(text).size + len(SOURCES) + 1
        else:
            begun, done = datetime.fromisoformat(self.ledger.signers()[0]["time"]), 0
        return size > done and datetime.now(UTC) - begun >= self.signing.anchor_every

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
    def get_cosigned(self) -> dict[str, Any]:
        """The newest checkpoint that enough witnesses have cosigned."""
        return proofs.get_cosigned(self.ledger)

    @query
    def get_tile(self, **ask: Any) -> dict[str, Any]:
        """Hashes of the tree, for whoever makes proofs themselves."""
        return proofs.get_tile(self.ledger, **ask)

    @query
    def get_entries(self, **ask: Any) -> dict[str, Any]:
        """Lines of consecutive entries, as they were hashed."""
        return proofs.get_entries(self.ledger, **ask)

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
