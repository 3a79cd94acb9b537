"""Somebody with the files in hand rewrites a log so that its own chain holds again (F2)."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from pathlib import Path

import msgspec
import rfc8785


def rewrite(path: Path, old: str, new: str) -> None:
    """Put another text into the first commit of a log file that holds `old`, and compute the chain anew from there."""
    with sqlite3.connect(path) as log:
        triggers = log.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            log.execute(f'DROP TRIGGER "{name}"')
        before, changed = "", False
        for at, body, digest in log.execute(
            "SELECT position, body, digest FROM commits WHERE position > 0 ORDER BY position"
        ).fetchall():
            text = body.decode()
            if changed or old in text:
                text = text if changed else text.replace(old, new)
                changed = True
                commit = msgspec.json.decode(text)
                commit["previous"] = before or commit["previous"]
                body = rfc8785.dumps(commit)
                digest = sha256(body).hexdigest()
                log.execute("UPDATE commits SET body = ?, digest = ? WHERE position = ?", (body, digest, at))
            before = digest
        assert changed, f"no commit holds {old}"
        for _, again in triggers:  # whoever takes such pains leaves no trace
            log.execute(again)
