"""The findings of `linli doctor`."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["ok", "warning", "failed"]

#: Free disk space in bytes below which `room` warns, and below which it fails.
LITTLE, TOO_LITTLE = 5 << 30, 1 << 30


class Finding(msgspec.Struct, frozen=True):
    """The result of one check; `advice` is what to do when it is not ok."""

    check: str
    state: State
    message: str
    advice: str = ""


def room(name: str, free: int) -> Finding:
    """Check whether the free bytes of a disk are enough."""
    state: State = "failed" if free < TOO_LITTLE else "warning" if free < LITTLE else "ok"
    return Finding(
        name,
        state,
        f"{free / (1 << 30):.1f} GiB free",
        "" if state == "ok" else "make room: a full disk stops commands",
    )
