"""Who may do what, tried line by line of `docs/rights.md` against a running town (R8).

For each command and query: nobody, a resident, a post without powers, a post with all powers of another street, a post with all powers
but the one that is needed, and a post with this power only. `RIGHTS=all` tries every power in both ways; otherwise one in a few.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.console import rights
from services.console.catalogue import OWNERS, definition
from services.console.rights import Right
from services.gateway.contracts import CONTRACTS
from shared.domain.calendar import today
from shared.domain.command import Command
from shared.domain.fields import Choice, Day, Kind, Moment, Number, Pattern, Text, Yes
from shared.domain.mandate import Mandate
from shared.domain.reader import STAFF
from shared.domain.structures import Group, Many, Pairs
from tests.component.gateway.every_command import FOUNDED, OPERATOR, PASSWORD, ROWS, World, profile
from tests.kit.city import COMPOUND, ENTRIES, STREET

ELSEWHERE = "350104.014"
COMMANDS = {(owner, name): one for owner in OWNERS for name, one in definition(owner).commands.items()}
_ASKED = {power for owner in OWNERS for right in rights.queries(owner) for power in right.powers} - {STAFF}
#: One body stands for all that review payments.
REVIEW = {"payment.review.*": "payment.review.branch"}
POWERS = sorted({REVIEW.get(power, power) for one in COMMANDS.values() for power in one.powers()} | _ASKED)
EVERYBODYS = {role: frozenset(profile()["powers"].get(role, ())) for role in ("resident", "anonymous")}
#: Each power is tried alone and left out; in the short form every fifth.
TRIED = POWERS if os.environ.get("RIGHTS") == "all" else POWERS[::5]


def test_the_page_says_what_the_declarations_say() -> None:
    """Write it again with `python -m services.console.rights` when a declaration has changed."""
    assert rights.PAGE.read_text(encoding="utf-8") == rights.page()


class Rights(World):
    """A town with a post for each power, for all but each, for all of another street, and for none."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._founded("register_person", person_id="p-many", name="某某", place=COMPOUND)
        self._accounts.create("p-many", PASSWORD, "person", "p-many")
        self._founded("register_place", place=ELSEWHERE, kind="street", name="别处", name_en="There", parent="350104")
        there = {"type": "party", "name": "别处街道", "name_en": "There", "level": "street", "place": ELSEWHERE}
        self._founded("establish_organisation", organisation_id="o-there", parent_id="", since=FOUNDED, **there)
        self._post("plain", "o-street", [])
        self._post("elsewhere", "o-there", POWERS)
        for number, power in enumerate(POWERS):
            if power in TRIED:
                self._post(f"only-{number}", "o-street", [power])
                self._post(f"but-{number}", "o-street", [one for one in POWERS if one != power])
        self.town.tick(today())
        self.client: FlaskClient = self.town.app.test_client(use_cookies=False)
        self.tokens = {who: self._sign_in(who) for who in ("p-many", "p-neighbour", OPERATOR)}

    def _post(self, name: str, body: str, powers: list[str]) -> None:
        self._founded("adopt_entry", kind="roles", code=name, zh="岗", en=name, data={"powers": powers})
        named = {"post_id": f"post-{name}", "organisation_id": body, "role": name}
        self._founded("establish_post", title="岗", title_en=name, **named)
        self._founded("appoint_person", post_id=f"post-{name}", person_id="p-many", since=FOUNDED)

    def _sign_in(self, who: str) -> str:
        return str(self.client.post("/api/sign-in", json={"username": who, "password": PASSWORD}).json["token"])

    def headers(self, reader: str, power: str) -> dict[str, str]:
        """Who asks, as a bearer; nobody sends no token."""
        if reader == "nobody":
            return {}
        if reader in ("resident", "operator"):
            return {"Authorization": f"Bearer {self.tokens['p-neighbour' if reader == 'resident' else OPERATOR]}"}
        post = f"post-{reader}" + (f"-{POWERS.index(power)}" if reader in ("only", "but") else "")
        return {"Authorization": f"Bearer {self.tokens['p-many']}", "Linli-Post": post}


def mandate(reader: str, power: str) -> Mandate:
    """What the table is asked for: the mandate of a reader."""
    everybodys = EVERYBODYS["anonymous" if reader == "nobody" else "resident"]
    if reader == "operator":
        return Mandate(
            actor="operator:x", role="operator", powers=frozenset({"registry.*", "operations.*", "accounts.*"})
        )
    given = {"elsewhere": frozenset(POWERS), "but": frozenset(POWERS) - {power}, "only": frozenset({power})}
    place = {"nobody": "", "resident": "", "elsewhere": ELSEWHERE}.get(reader, STREET)
    post = "" if reader in ("nobody", "resident") else reader
    return Mandate(
        actor="x", role=reader, post_id=post, place=place, powers=everybodys | given.get(reader, frozenset())
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rights]:
    made = Rights(tmp_path_factory.mktemp("rights"))
    made.client.get("/api/me")
    yield made
    made.close()


def tried(right: Right) -> list[tuple[str, str]]:
    """The readers that a line is tried with, each with the power that it is about."""
    power = next((one for name in right.powers if (one := REVIEW.get(name, name)) in TRIED), "")
    fixed = [(reader, "") for reader in ("nobody", "resident", "plain", "elsewhere", "operator")]
    return fixed + ([("but", power), ("only", power)] if power else [])


# what is sent


def value(kind: Kind, name: str, known: Mapping[str, Any]) -> Any:
    """A value of a kind: what the row of the command says, something that there is, or the simplest that fits."""
    told = known.get(name)
    match kind:
        case Choice():
            return told if told in kind.codes else kind.codes[0]
        case Yes():
            return True
        case Number():
            return int(told) if isinstance(told, str) and told.isdecimal() else kind.least
        case Day():
            return told or today()
        case Moment():
            return f"{told or '2199-01-01T09:00'}:00+08:00"
        case Text():
            return told if isinstance(told, str) and told else "某事"
        case Many():
            if isinstance(told, dict):
                return list(told.values())
            return [value(kind.kind, name.removesuffix("s"), {}) for _ in range(kind.least or 1)]
        case Group():
            return {one.name: value(one.kind, one.name, {}) for one in kind.fields if one.required}
        case Pairs():
            return {value(kind.keys, name, {}): value(kind.values, name, {})}
        case Pattern():
            if isinstance(told, str) and told:
                return told
            if kind.control == "code" and kind.refers in ENTRIES:
                return next(iter(ENTRIES[kind.refers]))
            there = {"place": COMPOUND, "person": "p-resident", "post": "post-grid", "organisation": "o-compound"}
            return there.get(kind.refers) or there.get(name) or "n-1"
    return "issue.dispatch" if kind.control == "power" else {}


def body(world: Rights, command: Command) -> dict[str, Any]:
    """A body for a command about a thing that is in the state for it: all that is required, and what its row names."""
    row = ROWS[command.name]
    thing = row.thing(world) if row.thing else ""
    typed = row.typed(world, thing) if callable(row.typed) else row.typed
    known = dict(typed) | ({command.decider.id_field: thing} if thing else {})
    needed = [one for one in command.fields if one.required or (one.name in ("place", "unit") and one.name in typed)]
    made = {one.name: value(one.kind, one.name, known) for one in needed}
    return made | {"ask_wish": {"wisher_id": "p-many"}, "adopt_profile": profile(2)}.get(command.name, {})


@pytest.mark.parametrize("service", [owner for owner in OWNERS if definition(owner).commands])
def test_a_command_is_refused_to_everybody_whom_the_table_does_not_name(service: str, world: Rights) -> None:
    wrong, answered = [], 0
    for right in rights.commands(service):
        ask = body(world, COMMANDS[service, right.name])
        head = world.head(service)
        for reader, power in tried(right):
            answer = world.client.post(f"/api/{service}/{right.name}", json=ask, headers=world.headers(reader, power))
            allowed = right.allows(mandate(reader, power), COMPOUND)
            # who is bound by another rule may have the power, here or where they are
            missing = answer.status_code == 403 and ("power" in answer.json["fields"] or (right.bound and not allowed))
            refused = answer.status_code == 401 or missing
            if refused is allowed or answer.status_code >= 500:
                wrong.append(f"{right.name} as {reader}: {answer.status_code} {answer.text[:200]}")
            elif refused and world.head(service) != head:
                wrong.append(f"{right.name} as {reader} wrote something")
            head = world.head(service)
            answered += 1
    assert wrong == [], "\n".join(wrong)
    assert answered > 20


@pytest.mark.parametrize("service", OWNERS)
def test_a_query_is_refused_to_everybody_whom_the_table_does_not_name(service: str, world: Rights) -> None:
    wrong = []
    asked = next(contract.queries for contract in CONTRACTS if contract.service == service)
    for right in rights.queries(service):
        schema = asked[right.name]().load_fields
        given = {"place__under": COMPOUND} if right.powers and "place__under" in schema else {}
        required = {name: _known(world, name) for name, field in schema.items() if field.required}
        for reader, power in tried(right):
            answer = world.client.get(
                f"/api/{service}/{right.name}", query_string=given | required, headers=world.headers(reader, power)
            )
            allowed = right.allows(mandate(reader, power), COMPOUND)
            if (right.name, reader) == ("find_security_acts", "only"):
                allowed = False  # acts have no place: the power is needed over the whole city
            refused = answer.status_code in (401, 403)
            if refused is allowed and not _hidden(right, answer):
                wrong.append(f"{right.name} as {reader}: {answer.status_code} {answer.text[:200]}")
    assert wrong == [], "\n".join(wrong)


def _hidden(right: Right, answer: Any) -> bool:
    """Of one thing it depends on the thing who reads it; its file and `tests/properties/test_privacy.py` say so."""
    return right.name == "find_members" and answer.status_code == 403


@cache
def _known(world: Rights, name: str) -> Any:
    made = {
        "issue_id": world.issue,
        "team_id": world.team,
        "wish_id": world.wish,
        "activity_id": world.activity,
        "project_id": world.project,
        "statement_id": world.statement,
    }
    plain = {"place": COMPOUND, "person_id": "p-resident", "person_ids": "p-resident", "kind": "roles", "code": "plain"}
    if name in made:
        return made[name]()
    return plain.get(name) or {"old": "1", "new": "2"}.get(name, "n-1")


def test_what_is_for_operators_is_refused_to_everybody_else(world: Rights) -> None:
    document = world.client.get("/api/openapi.json").json
    closed = [
        (path, method)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith(("/api/accounts", "/api/operations")) and {} not in operation["security"]
    ]
    assert len(closed) > 8
    for path, method in closed:
        content = document["paths"][path][method].get("requestBody", {}).get("content", {})
        ask = content.get("application/json", {}).get("example")
        if path == "/api/accounts" and ask:
            ask |= {"person_id": "p-x"}
        for reader, status in (("nobody", 401), ("resident", 403), ("plain", 403), ("elsewhere", 403)):
            answer = world.client.open(path, method=method, json=ask, headers=world.headers(reader, ""))
            assert answer.status_code == status, (path, reader, answer.text)


def test_no_refusal_says_of_a_person_that_they_are_known_or_where(world: Rights) -> None:
    """Ids of persons, and those made of them: who may not act gets the same words whether there is such a thing or not (R8)."""
    tried = set()
    for (owner, name), command in sorted(COMMANDS.items()):
        if not command.decider.hidden or command.new is not None or command.where is not None:
            continue
        ask = body(world, command)
        for reader in ("nobody", "resident", "plain", "elsewhere"):
            told = []
            there = ask[command.decider.id_field]
            for id in (there, f"{there}x"):
                asked = ask | {command.decider.id_field: id}
                answer = world.client.post(f"/api/{owner}/{name}", json=asked, headers=world.headers(reader, ""))
                told.append((answer.status_code, answer.json["message"].replace(id, "it")))
                assert COMPOUND not in answer.json["message"], (name, reader)
            assert told[0] == told[1] or reader == "elsewhere", (name, reader)
        tried.add(command.decider.category)
    assert tried == {"person", "classification", "response", "volunteer", "report-in"}
