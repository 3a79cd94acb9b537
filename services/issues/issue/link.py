"""The private link of who reported an issue: whoever shows it acts as the reporter, without an account, as long as the city says.

The link holds a secret that only the reporter has. What a caller shows is a digest of it (`Mandate.link`), and what is recorded is a digest
of that: from the ledger, a backup or a message nobody can make the link again.
"""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from hmac import compare_digest

from services.issues.issue.state import Issue
from shared.domain.city import City
from shared.domain.errors import ForbiddenError
from shared.domain.mandate import Mandate
from shared.domain.words import _, said


def recorded(shown: str) -> str:
    """What is recorded of a link that is shown."""
    return sha256(f"reporter:{shown}".encode()).hexdigest()


def given(by: Mandate, day: str, city: City) -> dict[str, str]:
    """The fields of the fact that gives somebody who reports something a private link, from a day (ISO date) on."""
    if not by.link:
        return {}
    until = date.fromisoformat(day) + timedelta(days=city.parameter("link_days"))
    return {"link": recorded(by.link), "link_until": until.isoformat()}


def shows(issue: Issue, by: Mandate) -> bool:
    """Whether somebody shows the link of this issue, whether it still holds or not."""
    return bool(issue.link and by.link) and compare_digest(recorded(by.link), issue.link)


def check_holds(issue: Issue, by: Mandate, day: str) -> None:
    """Raise `ForbiddenError` for who acts by a link that has ended."""
    own = bool(by.actor) and by.actor == issue.reporter
    if shows(issue, by) and day > issue.link_until and not own:
        raise ForbiddenError(
            _("this private link ended on {day}; report it anew, or sign in"),
            {"link": said(_("has ended"))},
            day=issue.link_until,
        )
