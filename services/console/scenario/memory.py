"""The state of a run on disk: passwords of its accounts, and its progress. Losing the progress costs only time."""

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
    """Return a new password that is easy to read out: 60 bits in three groups."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, empty when the file does not exist; raises `BadInputError` when it is not an object."""
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
    """Write a file that only its owner may read, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, json.dumps(value, ensure_ascii=False, indent=1).encode())


class Progress:
    """The number of acknowledged steps, the values they saved, and the length of the logs at that time."""

    def __init__(self, path: Path, digest: str) -> None:
        """`digest` is the digest of everything that the scenario sends."""
        self._path = path
        self._digest = digest
        self.done = 0
        self.saved: dict[str, Any] = {}
        self.positions: dict[str, int] = {}

    def resume(self, heads: Mapping[str, int]) -> None:
        """Load the progress, unless the city's logs (`heads`) are shorter than recorded: then it is another city.

        Raises `IllegalStateError` when another version of the scenario was loaded into the city.
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
