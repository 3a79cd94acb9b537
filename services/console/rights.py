"""Writes down who may do and read what, out of the declarations: `python -m services.console.rights` writes `docs/rights.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.console.catalogue import OWNERS, definition
from shared.domain.command import Command
from shared.domain.decider import Decider
from shared.domain.mandate import Mandate
from shared.domain.privacy import classes_of, is_staff
from shared.domain.query import UNDER, Query
from shared.domain.reader import STAFF

ROOT = Path(__file__).parents[2]
PAGE, CITY = ROOT / "docs" / "rights.md", ROOT / "deploy" / "scenarios" / "sanchajie.yaml"
_HEAD = """# Who may do and read what

Written by `python -m services.console.rights` out of the declarations of commands, queries and facts; change it there. A test tries every
line against a running API: as nobody, as a resident, from a post with only the power, with all powers but this one, and with all powers
of another street.

Everything is refused that a line does not allow. What a role may do is data of the city (`roles` in its profile, decision 12): the last
column shows the city of `deploy/scenarios/sanchajie.yaml`, in which `resident` is whoever is signed in and acts from no post, and
`anonymous` whoever is not. A post holder has the powers of residents too, at the place of the post; to do something **for somebody else**
the role itself must give the power. A power holds at the place of the post and everything below it, nowhere else.

- **power**: what whoever acts needs at the place of the thing.
- **own**: whose thing it is needs no power.
- **bound**: a rule refuses some who have the power (nobody checks their own wish, reviews what they asked for …); it stands in the
  command's file.

Accounts (`/api/accounts`) and operations (`/api/operations`) are for operators, who besides have `registry.*`; anybody may sign in, see who
they are (`/api/me`) and what they may do (`offers`), and whoever is signed in changes their own password.
"""


@dataclass(frozen=True)
class Right:
    """What is needed for a command or query: one of the powers, `STAFF`, or nothing.

    `own`: whose thing it is needs none; `bound`: a rule refuses some besides; `city`: the power is needed for the whole city.
    """

    service: str
    name: str
    powers: tuple[str, ...]
    own: bool = False
    bound: bool = False
    city: bool = False

    def allows(self, by: Mandate, place: str) -> bool:
        """Whether somebody, whose thing it is not, may do it to a thing at a place, or ask for the things of a place."""
        if not self.powers:
            return True
        if self.powers == (STAFF,):
            return is_staff(by, place)
        return any(by.may(power, "" if self.city else place) for power in self.powers)


def commands(service: str) -> list[Right]:
    """The commands of a service."""
    return [
        Right(service, one.name, one.powers(), one.owner is not None, one.only is not None, _in_city(one))
        for one in definition(service).commands.values()
    ]


def _in_city(command: Command) -> bool:
    """Whether what a command begins has no place, so that only who has the power for the whole city may do it."""
    placed = command.where is not None or callable(command.place) or command.place in command.needs.holds
    return command.new is not None and not placed and command.place not in {field.name for field in command.fields}


def queries(service: str) -> list[Right]:
    """The queries of a service."""
    found = definition(service)
    return [
        Right(
            service,
            one.name,
            tuple(one.power.split(" or ")) if one.power else (),
            bool(one.own),
            city=bool(one.power) and UNDER not in {field.name for field in one.fields},
        )
        for one in (*found.queries.values(), *found.by_hand)
    ]


def withheld(decider: Decider[Any], query: Query) -> dict[str, str]:
    """The fields of a query's answer that not everybody reads, with the power that reads them ("": any post there)."""
    classes = {name: one for event in decider.codec.events.values() for name, one in classes_of(event).items()}
    return {
        name: "sealed" if classes[name].kind == "sealed" else classes[name].power
        for name in sorted(set(_names(query.answer)) & set(classes))
        if classes[name].kind in ("staff", "sealed")
    }


def _names(part: Any) -> Iterator[str]:
    """The names of all fields in an answer."""
    if isinstance(part, Mapping):
        yield from part.get("properties", {})
        for value in part.values():
            yield from _names(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _names(value)


@cache
def roles() -> dict[str, frozenset[str]]:
    """The powers of each role in the example city."""
    told = yaml.load(CITY.read_text(encoding="utf-8"), yaml.CSafeLoader)["data"]["profile"]["powers"]
    return {role: frozenset(powers) for role, powers in told.items()}


def _given(right: Right) -> str:
    """Which roles of the example city have the power."""
    if right.powers == (STAFF,):
        return "every post"
    able = [
        role
        for role, powers in roles().items()
        if any(Mandate(actor="", role=role, powers=powers).may(power) for power in right.powers)
    ]
    if not able:
        return "operator" if right.service == "registry" and right.powers[0].startswith("registry.") else "none"
    return ", ".join(able)


def page() -> str:
    """The page."""
    lines = [_HEAD]
    for service in OWNERS:
        found = definition(service)
        if found.commands:
            lines.append(
                f"\n## {service}: commands\n\n| command | power | own | bound | roles of the example |\n|---|---|---|---|---|\n"
            )
        for right in commands(service):
            marks = ["yes" if right.own else "", "yes" if right.bound else ""]
            cells = [
                right.name,
                " or ".join(f"`{power}`" for power in right.powers) + (" for the whole city" if right.city else ""),
                *marks,
                _given(right),
            ]
            lines.append(f"| {' | '.join(cells)} |\n")
        lines.append(
            f"\n## {service}: queries\n\n| query | needed | own | withheld fields and who reads them |\n|---|---|---|---|\n"
        )
        fields = {
            query.name: withheld(decider, query) for decider in found.deciders for query in decider.queries.values()
        }
        for right in queries(service):
            needed = (
                "staff of the place" if right.powers == (STAFF,) else " or ".join(f"`{one}`" for one in right.powers)
            )
            hidden = ", ".join(
                f"{name} ({power or 'any post there'})" for name, power in fields.get(right.name, {}).items()
            )
            lines.append(f"| {right.name} | {needed or 'nothing'} | {'yes' if right.own else ''} | {hidden} |\n")
    return "".join(lines)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
