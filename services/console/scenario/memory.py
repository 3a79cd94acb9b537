"""What a run remembers on disk: passwords of its accounts, and how far it came. Losing the latter only costs time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.domain.errors import BadInputError, IllegalStateError
from shared.service.settings import write_private

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """A password that can be read to somebody: 60 bits in three groups."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file, empty when there is no such file; raises `BadInputError` when it holds something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} cannot be read ({error}); remove it") from error
    if not isinstance(found, dict):
        raise BadInputError(f"{path} does not hold what it should; remove it")
    return found


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, json.dumps(value, ensure_ascii=False, indent=1).encode())


class Progress:
    """How many steps were acknowledged, what they saved, and how long the logs were then."""

    def __init__(self, path: Path, digest: str) -> None:
        """`digest` is that of what the scenario sends."""
        self._path = path
        self._digest = digest
        self.done = 0
        self.saved: dict[str, Any] = {}
        self.positions: dict[str, int] = {}

    def resume(self, heads: Mapping[str, int]) -> None:
        """Go on from the file, unless the city's logs (`heads`) are shorter than they were: then it is another city.

        Raises `IllegalStateError` when the city was loaded from a scenario of this name that sent something else.
        """
        found = read_json(self._path)
        positions = found.get("positions", {})
        if not found.get("done") or any(heads.get(source, 0) < position for source, position in positions.items()):
            return
        if found.get("digest") != self._digest:
            raise IllegalStateError(
                "the steps of this scenario were changed since it was loaded into this city; "
                "load it into an empty one (LINLI_DATA), or give it another name",
                {str(self._path): "holds what was loaded"},
            )
        self.done, self.saved, self.positions = found["done"], found["saved"], positions

    def keep(self) -> None:
        """Write the file."""
        kept = {"digest": self._digest, "done": self.done, "positions": self.positions, "saved": self.saved}
        write_json(self._path, kept)
