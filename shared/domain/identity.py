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
    rest = int.from_bytes(os.urandom(8), "big")  # 62 bits of it, behind the two that name the variant
    high, low = 0x8000 | rest >> 48 & 0x3FFF, rest & 0xFFFF_FFFF_FFFF
    return f"{stamp >> 28:08x}-{stamp >> 12 & 0xFFFF:04x}-7{stamp & 0xFFF:03x}-{high:04x}-{low:012x}"


def derived_id(*parts: str) -> str:
    """The same parts always give the same id (UUIDv5), so that a repeated command names the same thing."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))
