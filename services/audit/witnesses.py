"""Gives checkpoints to witnesses and keeps what they sign (C2SP tlog-witness, the ledger's side).

A witness that is down stops nothing: it is asked again, and said to be behind. One that refuses says that this ledger is not the one it
has seen; that is logged as an error each time, and `verify` finds the cosignatures lacking.
"""

from __future__ import annotations

from base64 import b64encode
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import structlog

from services.audit.ledger import Ledger
from shared.domain.errors import ConcurrencyError, CorruptionError, LinliError, UnavailableError
from shared.ledger import checkpoint
from shared.ledger.cosignature import check_line
from shared.ledger.policy import Witness
from shared.service import metrics

#: Seconds to wait for a witness, and most bytes of an answer that are read.
PATIENCE, LONGEST_ANSWER = 5.0, 16_384
#: What a witness says when it has another size than the one given.
SIZE = "text/x.tlog.size"

_log = structlog.get_logger()


class Witnesses:
    """Those that the policy of a ledger names."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def ask(self, ledger: Ledger) -> None:
        """Give the newest signed checkpoint to every witness with an address that has not cosigned it."""
        witnesses = ledger.policy.witnesses
        texts = ledger.signed(1) if witnesses else []
        for witness in witnesses.values() if texts else ():
            if not witness.url:
                continue
            signed = checkpoint.read_checkpoint(texts[0])
            behind = signed.size - self._cosigned(ledger, witness)
            problem = ""
            try:
                if behind > 0:
                    self._give(ledger, witness, texts[0], signed.size)
                    behind = 0
            except LinliError as error:
                problem = error.message
                if problem != self._said.get(witness.name):
                    level = _log.error if isinstance(error, CorruptionError) else _log.warning
                    level("not cosigned", witness=witness.name, size=signed.size, reason=problem)
            self._said[witness.name] = problem
            metrics.UNWITNESSED.labels(witness.name).set(max(behind, 0))

    def _cosigned(self, ledger: Ledger, witness: Witness) -> int:
        """The largest size that a witness has cosigned, as far as is known here."""
        rows = ledger.views.find("cosigned", {"witness": witness.key_name}, "-size", 1).rows
        return int(rows[0]["size"]) if rows else 0

    def _give(self, ledger: Ledger, witness: Witness, text: str, size: int) -> None:
        """Have a checkpoint cosigned and keep the line."""
        old = self._cosigned(ledger, witness)
        status, kind, answer = self._post(witness, ledger, old, size, text)
        if status == 409 and kind == SIZE and answer.strip().isdigit():
            old = int(answer)
            if old > size:
                raise CorruptionError(f"{witness.name} has seen a ledger of {old} entries: ours of {size} was cut")
            status, kind, answer = self._post(witness, ledger, old, size, text)
        if status in (403, 404, 409, 422):
            raise CorruptionError(
                f"{witness.name} does not take our ledger of {size} entries (HTTP {status}): {answer[:200].strip()}"
            )
        if status != 200:
            raise UnavailableError(f"{witness.name} answers HTTP {status}: {answer[:200].strip()}")
        body, _ = checkpoint.split_note(text)
        for line in answer.split("\n"):
            if line and check_line(line, body, witness.key_name, witness.key) is not None:
                row = {"size": size, "witness": witness.key_name, "line": line + "\n"}
                try:
                    ledger.views.save({("cosigned", f"{size:012d}:{witness.key_name}"): row})
                except ConcurrencyError:
                    pass  # another process has asked too
                return
        raise UnavailableError(f"{witness.name} answers with no cosignature of its key")

    def _post(self, witness: Witness, ledger: Ledger, old: int, size: int, text: str) -> tuple[int, str, str]:
        proof = [bytes.fromhex(digest) for digest in ledger.consistency(old, size)]
        lines = [f"old {old}", *(b64encode(digest).decode() for digest in proof)]
        body = "\n".join(lines) + "\n\n" + text
        url = witness.url.rstrip("/") + "/add-checkpoint"
        request = Request(url, body.encode(), {"Content-Type": "text/plain; charset=utf-8"}, method="POST")
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers.get_content_type(), _text(answer)
        except HTTPError as refused:
            return refused.code, refused.headers.get_content_type(), _text(refused)
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{witness.name} ({url}) does not answer: {error}") from error


def _text(answer: object) -> str:
    return answer.read(LONGEST_ANSWER).decode(errors="replace")  # type: ignore[attr-defined,no-any-return]  # both kinds can be read
