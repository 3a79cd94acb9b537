"""The commands about the key that signs the city ledger; they run where the audit service keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.audit import signing
from services.audit.ledger import LEDGER_VIEWS, Ledger
from services.console.output import out
from shared.service.settings import Settings
from shared.service.storage import open_views


def show(settings: Settings) -> dict[str, Any]:
    """Return the keys that have signed, in order, with the reason where no older one names it."""
    views = open_views(settings, "audit", LEDGER_VIEWS, read_only=True)
    return {"keys": [{name: row[name] for name in ("vkey", "reason", "time")} for row in Ledger(views, "").signers()]}


def print_shown(report: Mapping[str, Any]) -> None:
    """Print one line a key."""
    for key in report["keys"]:
        why = f"  [yellow]no older key names it: {key['reason']}[/]" if key["reason"] else ""
        out.print(f"{key['time']}  {key['vkey']}{why}", soft_wrap=True)


def change(settings: Settings) -> None:
    """Make the next key and let the one in use name it."""
    made = signing.change(settings.data / "keys", f"{settings.city}/city-ledger")
    _print_next(made, settings)


def lose(settings: Settings, reason: str) -> None:
    """Make a key in place of a lost one."""
    made = signing.lose(settings.data / "keys", f"{settings.city}/city-ledger", reason)
    _print_next(made, settings)
    out.print(f"whoever verifies has to give: --accept-key {made}", soft_wrap=True)


def _print_next(vkey: str, settings: Settings) -> None:
    out.print(f"the next key is {vkey}", soft_wrap=True)
    out.print(
        "start the audit service again: it takes it. Then tell auditors and witnesses, and copy the keys (backup --keys)."
    )
