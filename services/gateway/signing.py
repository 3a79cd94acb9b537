"""Who signs for money shows the second factor again with each signature."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from flask import g, request

from services.gateway import headers
from services.gateway.contracts import DEFINITIONS
from services.gateway.credentials import Credentials
from services.gateway.current import Current
from services.gateway.operators import SIGNS
from shared.domain.errors import BadInputError, ForbiddenError
from shared.domain.words import _


def asks_again(service: str, command: str) -> bool:
    """Whether a command is a signature for money."""
    declared = DEFINITIONS[service].commands.get(command) if service in DEFINITIONS else None
    return declared is not None and declared.power == SIGNS


class Signing:
    """Asks for the number of the second factor at each signature."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def before(self, current: Current, service: str, command: str, ask: Mapping[str, Any]) -> None:
        """Called before a command: raises `BadInputError` for a signature without the number, `ForbiddenError` without a second factor.

        What an operator brings in from another register was signed there.
        """
        if not asks_again(service, command) or current.kind != "person" or headers.importing():
            return
        row = self._credentials.accounts.known(current.username)
        if row.get("factor"):
            key = headers.idempotency_key() or g.correlation_id
            use = sha256(f"{service} {command} {key}".encode()).hexdigest()[:32]
            self._credentials.check_code(row, headers.code(), request.remote_addr or "", use, BadInputError)
        elif not self._credentials.trial:
            raise ForbiddenError(_("who signs for money needs a second factor; set one up first"))
