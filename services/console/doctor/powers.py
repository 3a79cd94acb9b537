"""Checks that somebody may do what the program asks a power for: a power of a new release is given to no role by itself."""

from __future__ import annotations

from collections.abc import Iterator

from services.console.catalogue import OWNERS, definition
from services.console.doctor.finding import Finding
from shared.domain.calendar import today
from shared.domain.city import City
from shared.domain.errors import UnavailableError
from shared.domain.mandate import Mandate
from shared.following.authority import OPERATOR
from shared.service.settings import Settings
from shared.service.storage import open_views

_GIVE = (
    "give them to roles with adopt_entry (kind roles) or adopt_profile, or leave it so if nobody shall: docs/privacy.md"
)
_OPERATOR = Mandate(actor="", role="operator", powers=OPERATOR)


def powers(settings: Settings, services: list[str]) -> Iterator[Finding]:
    """One finding a service whose city has roles; nothing for a city that is not founded."""
    for name in services:
        if name not in OWNERS:
            continue
        asked = definition(name).all_powers
        try:
            views = open_views(settings, name, definition(name).all_views, read_only=True)
        except UnavailableError:  # it is not there yet, or another check says what is wrong with it
            continue
        try:
            if not views.folded_alike():
                yield Finding(
                    f"powers, {name}",
                    "warning",
                    "its lists are those of another release",
                    "start it once, then ask again",
                )
                continue
            city = City(views, settings.today or today())
            roles = [Mandate(actor="", role=role, powers=city.powers(role)) for role in city.entries("roles")]
        finally:
            views.close()
        nobody = [power for power in asked if not any(one.may(power) for one in (*roles, _OPERATOR))]
        if not roles or not asked:
            continue
        if nobody:
            said = " ".join(f"{power} ({asked[power].rstrip('.')})." for power in nobody)
            yield Finding(f"powers, {name}", "warning", f"no role has {said}", _GIVE)
        else:
            yield Finding(f"powers, {name}", "ok", f"each of {len(asked)} is given to a role")
