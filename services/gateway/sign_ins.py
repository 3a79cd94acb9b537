"""Where somebody is signed in: each sign-in that is good, shown to its owner, who can end it from elsewhere."""

from __future__ import annotations

import time
from typing import Any

from shared.domain.errors import NotFoundError
from shared.domain.view import Row, View, by
from shared.domain.words import _, said
from shared.views import ViewStore

Rows = dict[tuple[str, str], Row | None]
#: Most sign-ins of an account that are shown; older ones are good until they expire, and all end with a new password.
SHOWN = 50
#: How browsers and systems name themselves, those first that also carry the names of others.
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")


def _keep(row: Row, event: Any, record: Any, key: str) -> Row:
    return row  # nothing feeds this view


VIEW = View("sign_ins", "", by("token_id"), _keep, ("generation", "expires"))


def browser_of(agent: str) -> str:
    """What a `User-Agent` says of the browser and the system, in two words and no more: what one knows one's own by; "" for others."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for name in _SYSTEMS if name in agent), "")
    return ", ".join(word for word in (browser, system) if word)


class SignIns:
    """The sign-ins that are good, by the `generation` of their account, a random number that a new password changes.

    A name to sign in with may be a name, so it is not kept here: nothing in a copy has to be found again when somebody is forgotten.
    """

    def __init__(self, views: ViewStore) -> None:
        self._views = views

    def begin(self, token_id: str, row: Row, seconds: int, browser: str) -> None:
        """Keep that an account signed in; what has expired goes."""
        now = int(time.time())
        late = self._views.find("sign_ins", {"expires__lt": now}, "expires", 100)
        gone: Rows = {("sign_ins", one["key"]): None for one in late.rows}
        kept = {"generation": row["generation"], "begun": now, "expires": now + seconds, "browser": browser}
        self._views.save(gone | {("sign_ins", token_id): kept})

    def of(self, account: Row, this: str = "") -> list[Row]:
        """Sign-ins of an account, the latest first: `sign_in_id`, `begun` and `expires` (Unix seconds), `browser`, whether it is `this`."""
        now = int(time.time())
        found = self._views.find(
            "sign_ins", {"generation": account["generation"], "expires__gt": now}, "-expires", SHOWN
        )
        return [
            {"sign_in_id": row["key"], "this": row["key"] == this}
            | {name: row[name] for name in ("begun", "expires", "browser")}
            for row in found.rows
        ]

    def expires(self, account: Row, sign_in_id: str) -> int:
        """When a sign-in of an account expires; raises `NotFoundError` for one that is not good, or somebody else's."""
        row = self._views.get("sign_ins", sign_in_id)
        if row is None or row["generation"] != account["generation"]:
            raise NotFoundError(_("there is no such sign-in any more"), {"sign_in_id": said(_("unknown"))})
        return int(row["expires"])

    def ended(self, account: Row) -> Rows:
        """The rows to take away, for the change with which all sign-ins of an account end."""
        found = self._views.find("sign_ins", {"generation": account["generation"]}, "key", 500)
        return {("sign_ins", row["key"]): None for row in found.rows}
