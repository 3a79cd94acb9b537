"""Brings lines of tables in for whoever asks: with their powers, and with each refusal in their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.gateway import problems, reader
from services.gateway.session import Gateway
from shared.domain.errors import from_mapping
from shared.words import sentence


def brought_in(gateway: Gateway, command: str, lines: Sequence[Mapping[str, Any]], dry_run: bool) -> dict[str, Any]:
    """Bring lines in as one commit: what each wrote, or why it is refused, in the reader's language."""
    done = gateway.do("registry", "bring_in", command=command, lines=list(lines), dry_run=dry_run)
    return done | {"lines": [_told(line) for line in done["lines"]]}


def _told(line: dict[str, Any]) -> dict[str, Any]:
    if "error" not in line:
        return line
    error, language = from_mapping(line["error"]), reader.language()
    message = sentence(language, error.said)
    return {"error": {"kind": error.kind, "message": message, "fields": problems.reasons(language, error.fields)}}
