"""Everything that was ever signed about the city ledger, to be compared with its entries (F2, F6).

Signed checkpoints stand in the ledger, a second time beside its key, as facts in every log, and in the hands of others: each is checked
with the keys that signed one after the other, and each must be the root over the first entries of this ledger. So whoever rewrites the
ledger has to reach all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit.copies import Copies
from services.audit.key import chain
from services.audit.ledger import Ledger
from shared.domain.errors import BadInputError, CorruptionError
from shared.following.anchoring import anchors_in
from shared.ledger import checkpoint
from shared.ledger.cosignature import cosigned_by
from shared.ledger.policy import NONE
from shared.log import EventLog


class Signatures:
    """Reads what was signed, and compares it while the entries are read.

    `signed_size` is that of the newest checkpoint, `cosigned_size` that of the newest which enough witnesses have cosigned.
    """

    def __init__(
        self,
        ledger: Ledger,
        logs: Mapping[str, EventLog],
        public_key: Ed25519PublicKey,
        *,
        copies: Copies | None = None,
        previous: Collection[str] = (),
        accepted: Collection[str] = (),
    ) -> None:
        """`copies` is the file beside the key, where it is at hand; `previous` are checkpoints that were kept elsewhere.

        Raises `CorruptionError` for a signature that does not hold, and for one that is missing.
        """
        self.signed_size = self.cosigned_size = self.count = self.anchors = 0
        self._ledger = ledger
        self._keys = chain(ledger.signers(), ledger.origin, public_key, accepted)
        self._wanted: dict[int, list[tuple[str, bytes]]] = {}
        copied = list(copies or ())  # before what it is a copy of, which may go on growing
        texts = self._read_signed()
        if copies is not None and (ledger.signers() or copied):
            self._compare(texts, copied, copies)
        for name, log in logs.items():
            for position, _, text in anchors_in(log):
                self._want(f"position {position} of {name}", text)
                self.anchors += 1
        for number, text in enumerate(previous, 1):
            self._want(f"the older checkpoint {number}", text)

    def _want(self, where: str, text: str) -> int:
        """Check a signature and remember what it says; returns the size."""
        try:
            signed = checkpoint.open_checkpoint(text, self._keys, self._ledger.origin)
        except (CorruptionError, BadInputError) as error:
            raise CorruptionError(f"{where}: {error.message}") from error
        self._wanted.setdefault(signed.size, []).append((where, signed.root))
        return signed.size

    def _read_signed(self) -> dict[int, str]:
        texts: dict[int, str] = {}
        policy, witnesses = self._ledger.policy, self._ledger.policy.keys()
        for row in self._ledger.signed_after(-1):
            size = int(row["key"])
            if self._want(f"what was signed for size {size}", row["text"]) != size:
                raise CorruptionError(f"what stands as signed for size {size} is for another one")
            texts[size] = row["text"]
            if witnesses:
                by = cosigned_by(self._ledger.cosigned(row["text"], size), witnesses)
                if policy.quorum != NONE and policy.satisfied(by):
                    self.cosigned_size = size
        self.count, self.signed_size = len(texts), max(texts, default=0)
        if not texts and (self._ledger.size or self._ledger.signers()):
            raise CorruptionError(
                f"the ledger has {self._ledger.size} entries and no signature at all: what was signed has been removed"
            )
        if texts and policy.quorum != NONE and not self.cosigned_size and self._ledger.size:
            raise CorruptionError(f"no checkpoint carries the cosignatures that the policy asks for: {policy.wanted()}")
        return texts

    def _compare(self, texts: Mapping[int, str], copied: list[str], copies: Copies) -> None:
        """What stands beside the key must be what stands in the ledger; the newest one may not have been copied yet."""
        sizes: set[int] = set()
        for text in copied:
            size = checkpoint.read_checkpoint(text).size
            if texts.get(size) != text:
                raise CorruptionError(
                    f"{copies.path} has a checkpoint for {size} entries that was removed from the ledger"
                )
            sizes.add(size)
        newest = checkpoint.read_checkpoint(copies.last() or "").size if copied else -1
        late = {size for size in texts if size > max(sizes, default=-1)}
        lacking = {size for size in late if size > newest} - {self.signed_size}
        if missing := sorted((texts.keys() - sizes - late) | lacking):
            raise CorruptionError(f"{copies.path} lacks the checkpoint for {missing[0]} entries: it was cut or removed")

    def compare(self, size: int, root: Callable[[], bytes]) -> None:
        """Compare what was signed for a size with the root over so many entries."""
        for where, signed in self._wanted.pop(size, ()):
            if root() != signed:
                raise CorruptionError(
                    f"the entries do not give the root that was signed for size {size}: the ledger was cut or rewritten ({where})"
                )

    def finish(self, size: int) -> None:
        """Raise `CorruptionError` when more was signed than there is."""
        if self._wanted:
            most = max(self._wanted)
            raise CorruptionError(
                f"the entries do not give the root that was signed for size {most}: the ledger was cut or rewritten, it ends at {size} "
                f"({self._wanted[most][0][0]})"
            )
