"""Who asks, as it was found for one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from flask import session

from services.gateway import headers
from services.gateway.credentials import PASSWORD
from shared.domain.errors import (
    ForbiddenError,
)
from shared.domain.words import _, said
from shared.following.context import CallContext

#: Names a post in the header or the session when the person chose to act as a resident.
RESIDENT = "-"


class Caller(Protocol):
    """Sends a call to a service; raises the error the service answered, `TimedOutError` or `UnavailableError`."""

    def call(
        self, service: str, method: str, context: CallContext, arguments: dict[str, Any], timeout: float | None = None
    ) -> dict[str, Any]:
        """The answer of `service.method`; `timeout` in seconds."""


#: What may be done with a first password, or by an operator without a second factor.
UNFINISHED = frozenset(
    {
        *("api_accounts.me", "api_accounts.sign_out", "api_accounts.change_password"),
        *("api_accounts.begin_second_factor", "api_accounts.confirm_second_factor"),
        *("portal.account", "portal.send_password", "portal.begin_factor", "portal.confirm_factor"),
        *("portal.sign_out", "portal.sign_in", "portal.send_sign_in", "portal.static", "portal.language"),
    }
)


class UnfinishedError(ForbiddenError):
    """Something has to be done before anything else."""

    def __init__(self, needs: str) -> None:
        super().__init__(
            _("change your first password before anything else")
            if needs == PASSWORD
            else _("set up a second factor before anything else")
        )


@dataclass(frozen=True)
class Current:
    """Who asks. `posts` come from `registry.posts_of_person`; `post` is the id of the one acted from ("": none)."""

    kind: str  # person, operator or anonymous
    actor: str = ""  # person id, "operator:<name>", or "" for nobody
    username: str = ""
    posts: tuple[Mapping[str, Any], ...] = ()
    post: str = ""

    needs: tuple[str, ...] = ()  # what must be done before anything else: a password, a second factor

    @property
    def signed_in(self) -> bool:
        """Whether we know who it is."""
        return self.kind != "anonymous"

    @property
    def person_id(self) -> str:
        """The person, or "" for operators and nobody."""
        return self.actor if self.kind == "person" else ""

    @property
    def acting_post(self) -> Mapping[str, Any] | None:
        """The row of the post acted from."""
        return next((post for post in self.posts if post["post_id"] == self.post), None)


def require_own(posts: tuple[Mapping[str, Any], ...], post_id: str) -> None:
    if all(post["post_id"] != post_id for post in posts):
        raise ForbiddenError(
            _("the post {post} is not yours"), {"Linli-Post": said(_("not one of your current posts"))}, post=post_id
        )


def nobody() -> str:
    """Whose the keys are of somebody who is not signed in: their browser's, where a session tells one from another.

    The token is stored nowhere else, and from its digest nobody can make it.
    """
    known = "" if headers.bearer() else session.get("csrf", "")
    return f"anonymous.{sha256(known.encode()).hexdigest()[:16]}" if known else "anonymous"
