"""What other services' facts make the volunteers do: nothing; the issue ledger follows patrols."""

from __future__ import annotations

from shared.domain.policy import Policy

POLICIES: dict[str, Policy] = {}
