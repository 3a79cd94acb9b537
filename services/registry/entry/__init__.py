"""Catalogue entries: what the city says of itself, each code with its words, its data and the days it holds (A03, A12, A13, C13)."""

from __future__ import annotations

from services.registry.entry.adopting import adopt_entry, adopted, retire_entry, retired
from services.registry.entry.checks import drops, faults, in_use, is_command, is_power, leaves_nobody
from services.registry.entry.rows import find_entries, get_entry
from services.registry.entry.state import (
    ENTRY,
    Data,
    Entry,
    EntryAdopted,
    EntryRetired,
    entries,
    entry_id,
    in_force,
    last,
    standing,
)

__all__ = [
    "ENTRY",
    "Data",
    "Entry",
    "EntryAdopted",
    "EntryRetired",
    "adopt_entry",
    "adopted",
    "drops",
    "entries",
    "entry_id",
    "faults",
    "find_entries",
    "get_entry",
    "in_force",
    "in_use",
    "is_command",
    "is_power",
    "last",
    "leaves_nobody",
    "retire_entry",
    "retired",
    "standing",
]
