"""Looks for words in raw files as a thief would: in every form in which programs write text down."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote


def forms(word: str | bytes) -> Iterator[bytes]:
    """The bytes that a file holds where somebody wrote a word or a key: plain, in JSON, in an address, in base64 at any place."""
    raw = word.encode() if isinstance(word, str) else word
    if len(raw) < 8:
        raise ValueError(f"{word!r} is too short to be told from chance")
    yield raw
    yield raw.hex().encode()
    if isinstance(word, str):
        yield json.dumps(word)[1:-1].encode()
        yield quote(word).encode()
        yield from (word.encode(coding) for coding in ("utf-16-le", "utf-16-be", "gb18030"))
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        yield coded[4 if before else 0 : len(coded) // 4 * 4 - 4]


def found(words: Iterable[str | bytes], files: Iterable[Path]) -> list[tuple[str, Path]]:
    """Each word that a file or its path holds, with the file."""
    sought = {word: set(forms(word)) for word in words}
    hits: list[tuple[str, Path]] = []
    for path in files:
        content = str(path).encode() + path.read_bytes()
        hits += [(str(word), path) for word, these in sought.items() if any(form in content for form in these)]
    return hits
