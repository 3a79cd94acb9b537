"""Other services' facts that funding acts upon: none, since every step of a project is decided by a person."""

from __future__ import annotations

from shared.domain.policy import Policy

POLICIES: dict[str, Policy] = {}
