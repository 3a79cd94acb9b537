"""The registry decides nothing because of other services' facts: it is the root of what they know."""

from __future__ import annotations

from shared.domain.policy import Policy

POLICIES: dict[str, Policy] = {}
