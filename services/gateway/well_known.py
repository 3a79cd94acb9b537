"""Where to report a weakness: /.well-known/security.txt (RFC 9116)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response

from shared.domain.errors import NotFoundError
from shared.domain.words import _

#: Days for which the file says that it holds; the standard wants less than a year.
_HOLDS = 180


def create_well_known(contact: str) -> Blueprint:
    """The file, with the contact that the city set (`mailto:…` or `https://…`)."""
    blueprint = Blueprint("well_known", __name__, url_prefix="/.well-known")

    @blueprint.get("/security.txt")
    def security() -> Response:
        if not contact:
            raise NotFoundError(_("this city names nobody to report weaknesses to; LINLI_SECURITY_CONTACT is empty"))
        expires = (datetime.now(UTC) + timedelta(_HOLDS)).strftime("%Y-%m-%dT00:00:00Z")
        lines = (f"Contact: {contact}", f"Expires: {expires}", "Preferred-Languages: zh, en")
        return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")

    return blueprint
