"""Identifiers: time-ordered ones for new things, derived ones for repeated commands."""

from __future__ import annotations

import os
import threading
import time
import uuid

_NAMESPACE = uuid.UUID("6f1c2b52-6c5e-5b0a-9a52-6e6c69000000")
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562): sorts by creation time, strictly increasing within a process."""
    global _last
    with _lock:
        # 48 bits of milliseconds, then 12 bits that count within the millisecond
        _last = max(_last + 1, int(time.time_ns() // 1_000_000) << 12)
        stamp = _last
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62
    value |= int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def derived_id(*parts: str) -> str:
    """The same parts always give the same id (UUIDv5), so that a repeated command names the same thing."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))
