"""Writes down the class of every field of every fact: `python -m services.console.privacy`.

`docs/privacy.md` is for people, `services/audit/classes.json` for the ledger, which knows no other service's facts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from services.console.catalogue import OWNERS, definition
from shared.domain.privacy import classes_of

ROOT = Path(__file__).parents[2]
PAGE, TABLE = ROOT / "docs" / "privacy.md", ROOT / "services" / "audit" / "classes.json"
_HEAD = """# Who may read which field of a fact

Written by `python -m services.console.privacy` out of the facts themselves (`shared/domain/privacy.py`); change it there.

- **public**: anybody, for ever. It stands in clear in the ledger.
- **text**: anybody, until the case is confidential or staff withhold the text; then those with the power. Numbers of telephones and
  identity cards are masked before it is recorded. The ledger has its salted digest.
- **staff**: those with the power at the place of the fact; without a power, whoever acts from a post for that place. The
  ledger has its salted digest.
- **sealed**: encrypted with the key of a subject; nobody reads it in the ledger, and destroying the key erases it.

Of a confidential case the public fields too are for those who may read its texts; its id and that it is confidential are public.
Who acted is public where they acted from a post, otherwise withheld; so are the name of a stream that carries a withheld id, the
command's id, and the digests of the log's own chain, out of which withheld values could be guessed.
"""


def table() -> dict[str, dict[str, list[str]]]:
    """Class and power of each field, by service and fact (`issues.IssueReported`)."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in OWNERS:
        for event in definition(name).codec.events.values():
            classes = classes_of(event)
            found[f"{name}.{event.__name__}"] = {field: [one.kind, one.power] for field, one in classes.items()}
    return found


def page() -> str:
    """The table for people."""
    lines = [_HEAD]
    for name in OWNERS:
        lines += [f"\n## {name}\n\n", "| fact | public | text | staff | sealed |\n|---|---|---|---|---|\n"]
        for event in definition(name).codec.events.values():
            by: dict[str, list[str]] = {kind: [] for kind in ("public", "text", "staff", "sealed")}
            for field, one in classes_of(event).items():
                by[one.kind].append(f"{field} ({one.power or 'any post'})" if one.kind == "staff" else field)
            lines.append(f"| {event.__name__} | " + " | ".join(", ".join(fields) for fields in by.values()) + " |\n")
    return "".join(lines)


def written() -> bytes:
    """The table for the ledger."""
    made: Any = msgspec.json.format(msgspec.json.encode(table(), order="sorted"), indent=1)
    return bytes(made) + b"\n"


def main() -> None:
    """Write both."""
    PAGE.write_text(page(), encoding="utf-8")
    TABLE.write_bytes(written())


if __name__ == "__main__":
    main()
