"""The registry on the bus; but for bringing in many lines, everything follows from the declarations of its aggregates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.registry.definition import DEFINITION
from shared.domain.errors import BadInputError
from shared.domain.words import _, said
from shared.service.service import Followed, command, serves


@serves(DEFINITION)
class RegistryService(Followed):
    """Places, organisations, posts, persons and the city's catalogue; queries are public, names of persons masked."""

    @command
    def bring_in(self, command: str, lines: list[Mapping[str, Any]], dry_run: bool) -> dict[str, Any]:
        """Give one command for each line of a table (X12)."""
        declared = DEFINITION.commands.get(command)
        if declared is None or declared.erases is not None:
            raise BadInputError(
                _("{command} is nothing that can be done for many lines at once"),
                {"command": said(_("unknown, or done one by one"))},
                command=command,
            )
        done: dict[str, Any] = self.here.perform_all(declared, lines, dry_run)
        return done
