"""The second copy of every signed checkpoint: a file beside the key, which is only appended to.

Whoever removes signed checkpoints from the ledger has to reach this file too; and the anchors in the logs, and the witnesses.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from shared.domain.errors import CorruptionError
from shared.ledger.checkpoint import LONGEST

FILE = "ledger.checkpoints"


class Line(msgspec.Struct, frozen=True):
    """One line of the file."""

    checkpoint: str


class Copies:
    """The file in the folder of the key: a line of JSON a checkpoint, in the order in which they were signed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def __iter__(self) -> Iterator[str]:
        """Yield the checkpoints; raises `CorruptionError` naming a line that is none. A last line that was cut off is passed over."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.endswith(b"\n"):
                    yield self._read(text, f"line {number}")

    def last(self) -> str | None:
        """Return the newest checkpoint, None without one."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 2 * LONGEST))
            whole = [text for text in file.read().split(b"\n")[:-1] if text]
        return self._read(whole[-1], "the last line") if whole else None

    def _read(self, text: bytes, where: str) -> str:
        try:
            return msgspec.json.decode(text, type=Line).checkpoint
        except msgspec.DecodeError as error:
            raise CorruptionError(f"{self.path}: {where} holds no checkpoint: {error}") from error

    def add(self, *texts: str) -> None:
        """Append checkpoints, and wait until they are on disk."""
        if not texts:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            end = os.fstat(descriptor).st_size
            start = max(0, end - 2 * LONGEST)
            tail = os.pread(descriptor, end - start, start)
            if len(whole := tail[: tail.rfind(b"\n") + 1]) < len(tail):  # a line that a crash cut off
                os.ftruncate(descriptor, start + len(whole))
            os.write(descriptor, b"".join(map(_line, texts)))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def write(self, texts: Iterable[str]) -> None:
        """Write the file anew, at once: what a restore brings back."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = self.path.with_suffix(".new")
        made.unlink(missing_ok=True)
        Copies._at(made).add(*texts)
        if made.exists():
            made.replace(self.path)
        else:
            self.path.unlink(missing_ok=True)

    @classmethod
    def _at(cls, path: Path) -> Copies:
        copies = cls(path.parent)
        copies.path = path
        return copies


def _line(text: str) -> bytes:
    return msgspec.json.encode(Line(text)) + b"\n"
