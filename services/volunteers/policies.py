"""What other services' facts make the volunteers do: nothing; the issue ledger follows patrols."""

from __future__ import annotations

from shared.runtime.follow import Policy

POLICIES: dict[str, Policy] = {}
