"""Passwords that became known elsewhere, in a file that the city brings along: nothing is asked of anybody outside.

The file is that of "Pwned Passwords" (https://haveibeenpwned.com/Passwords), ordered by hash: a line is the SHA-1 of a password in 40
hexadecimal digits, with `:` and how often it was found, or without. It has some 40 GB, so it is searched where it lies.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import BinaryIO

from shared.domain.errors import BadInputError

_LINE = re.compile(rb"([0-9A-Fa-f]{40})(:\d+)?\r?\n?")
#: Bytes that hold a whole line wherever one begins to read.
_ENOUGH = 256
#: Places of the file that are compared with one another at start.
_SAMPLES = 64


class Breached:
    """Searches the file; raises `BadInputError` when it cannot be read, or does not hold such lines in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        last = b""
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                for number in range(_SAMPLES):
                    found = self._line(file, size * number // _SAMPLES, size)
                    if found and found < last:
                        raise BadInputError(f"LINLI_BREACHED_PASSWORDS {path} is not ordered by hash")
                    last = found or last
        except OSError as error:
            raise BadInputError(f"LINLI_BREACHED_PASSWORDS {path} cannot be read: {error.strerror}") from None
        if not last:
            raise BadInputError(f"LINLI_BREACHED_PASSWORDS {path} is empty")

    def holds(self, password: str) -> bool:
        """Whether a password is in the file."""
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        with self._path.open("rb") as file:
            low, high = 0, os.fstat(file.fileno()).st_size
            size = high
            while low < high:  # the first line at or behind `low` is not behind the wanted one
                middle = (low + high) // 2
                found = self._line(file, middle, size)
                if found == wanted:
                    return True
                if found and found < wanted:
                    low = middle + 1
                else:
                    high = middle
        return False

    def _line(self, file: BinaryIO, at: int, size: int) -> bytes:
        """The hash of the first line that begins at a byte or behind it; b"" behind the last one."""
        start = max(0, at - 1)
        file.seek(start)
        text = file.read(_ENOUGH)
        if at:
            end = text.find(b"\n")
            if end < 0 and start + len(text) < size:
                raise BadInputError(f"LINLI_BREACHED_PASSWORDS {self._path} holds a line that is too long at byte {at}")
            text = text[end + 1 :] if end >= 0 else b""
        if not text.strip():
            return b""
        found = _LINE.match(text)
        if found is None:
            raise BadInputError(
                f"LINLI_BREACHED_PASSWORDS {self._path} holds something else than hashes near byte {at}: each line must be like "
                "21BD12DC183F740EE76F27B78EB39C8AD972A757:52579"
            )
        return found[1].upper()
