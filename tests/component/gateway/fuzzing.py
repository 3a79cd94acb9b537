"""Calls every operation of the OpenAPI document with whatever fits its schemas and with what does not, as everybody (R7).

What commands made is named by later calls, so that they meet things in many states. `make fuzz FUZZ=200` does it at length; a test does
a little of it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.gateway.contracts import DEFINITIONS
from shared.domain.fields import Kind, Pattern
from shared.domain.structures import Field, Many
from tests.component.gateway.every_command import OPERATOR, PASSWORD, World
from tests.kit.city import COMMUNITY, COMPOUND, ENTRIES, STREET

CHECKED = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
#: Nobody, a resident, who holds many powers, and the operator.
READERS = ("", "p-resident", "p-secretary", OPERATOR)
#: Would end the accounts that ask.
_ENDS = ("/api/sign-out",)


#: Ids kept of a category, and headers that would have most calls refused before anything is looked at.
_KEPT = 12
_AIMED = ("Linli-Post", "Linli-Import", "Linli-After", "Linli-Occurred", "Authorization", "X-CSRF-Token")


def _fields(path: str) -> tuple[Field, ...]:
    """What the declaration behind a path says of its fields."""
    service, _, name = path.removeprefix("/api/").partition("/")
    found = DEFINITIONS.get(service)
    declared = found and (found.commands.get(name) or found.queries.get(name))
    return declared.fields if declared else ()


class Fuzzed:
    """A town with a thing of every kind, and the answers to what is thrown at it."""

    def __init__(self, folder: Path, number: int = 1) -> None:
        self.world = World(folder)
        self.random = random.Random(number)
        self.seed = number
        self.counts: Counter[int] = Counter()
        self.failures: list[str] = []
        self.app = self.world.town.app
        self.schema = schemathesis.openapi.from_wsgi("/api/openapi.json", self.app)
        self.headers = {who: self._sign_in(who) for who in READERS}
        self.known = self._things()

    def _sign_in(self, who: str) -> dict[str, str]:
        if not who:
            return {}
        answer = self.app.test_client().post("/api/sign-in", json={"username": who, "password": PASSWORD})
        return {"Authorization": f"Bearer {answer.json['token']}"}

    def _things(self) -> dict[str, list[str]]:
        """Ids that there are, by category."""
        world = self.world
        for make in (world.team, world.wish, world.project, world.statement, world.activity, world.volunteer):
            make()
        known = {
            "place": [COMPOUND, COMMUNITY, STREET],
            "person": ["p-resident", "p-neighbour", "p-grid", "p-secretary"],
            "post": ["post-grid", "post-secretary"],
            "organisation": ["o-street", "o-compound"],
            "issue": [world.issue(status) for status in ("reported", "triaged", "dispatched", "resolved", "closed")],
        }
        for owner in DEFINITIONS.values():
            for decider in owner.deciders:
                rows = next((view for view in owner.views if view.states.startswith(f"{decider.category} ")), None)
                if rows is not None and decider.category not in known:
                    found = world.town.places[owner.name].node.views.find(rows.name, None, "key", 5)
                    known[decider.category] = [row["key"] for row in found.rows]
        return known

    def operations(self) -> Iterator[Any]:
        """Each operation of the document."""
        for found in self.schema.get_all_operations():
            operation = found.ok()
            if operation.path not in _ENDS:
                yield operation

    def fuzz(self, operation: Any, who: str, mode: GenerationMode, examples: int) -> None:
        """Call an operation as somebody, with what fits its schemas (positive) or does not (negative)."""

        @seed(self.seed)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def throw(case: Any) -> None:
            self.throw(case, who, mode)

        throw()

    def throw(self, case: Any, who: str, mode: GenerationMode) -> None:
        """One call."""
        positive = mode is GenerationMode.POSITIVE
        if positive:
            for given in (case.query, case.body):
                self._aim(case.operation.path, given)
        spoils = _AIMED if positive else ("Authorization",)
        case.headers = {
            name: text for name, text in dict(case.headers or {}).items() if name not in spoils
        } | self.headers[who]
        case.cookies = {}
        try:
            answer = case.call()
        except (UnicodeEncodeError, ValueError):  # no client could send it
            return
        self.counts[answer.status_code] += 1
        self._learn(case.operation.path, answer)
        try:
            case.validate_response(answer, checks=list(CHECKED))
        except FailureGroup as found:
            self.failures += [
                f"{who or 'nobody'} {case.operation.label}: {one.title}: {one}" for one in found.exceptions
            ]

    def _aim(self, path: str, given: Any) -> None:
        """Name things that there are and codes of the city, most of the time, in texts that people could write."""
        if not isinstance(given, dict):
            return
        fields = {field.name: field.kind for field in _fields(path)}
        for name, sent in list(given.items()):
            given[name] = self._aimed(fields.get(name), name, sent)

    def _aimed(self, kind: Kind | None, name: str, sent: Any) -> Any:
        if isinstance(kind, Many) and isinstance(sent, list):
            return [self._aimed(kind.kind, name, one) for one in sent]
        if isinstance(kind, Pattern) and isinstance(sent, str) and self.random.random() < 0.9:
            category = kind.refers or name.removesuffix("_id")
            there = [*ENTRIES.get(category, ())] if kind.control == "code" else self.known.get(category, [])
            return self.random.choice(there) if there else sent
        if isinstance(sent, str):
            return "".join(one for one in sent if unicodedata.category(one)[0] not in "CZ" or one == " ")
        return sent

    def _learn(self, path: str, answer: Any) -> None:
        """What a command made is there from now on: later calls go on with it."""
        service, _, name = path.removeprefix("/api/").partition("/")
        if answer.status_code == 200 and service in DEFINITIONS and name in DEFINITIONS[service].commands:
            ids = self.known.setdefault(DEFINITIONS[service].commands[name].decider.category, [])
            ids.append(answer.json()["id"])
            del ids[:-_KEPT]

    def close(self) -> None:
        """Let go of the town."""
        self.world.close()


def run(fuzzed: Fuzzed, examples: int, readers: int = len(READERS)) -> None:
    """Throw so many positive examples at each operation as each of so many readers, taken in turn, and as many negative ones."""
    for number, operation in enumerate(fuzzed.operations()):
        for turn in range(readers):
            who = READERS[(number + turn) % len(READERS)]
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                fuzzed.fuzz(operation, who, mode, examples)


def main() -> int:
    """Fuzz for long and say what fell."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--examples", type=int, default=50)
    ask.add_argument("--seed", type=int, default=1)
    chosen = ask.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        fuzzed = Fuzzed(Path(folder), chosen.seed)
        run(fuzzed, chosen.examples)
        fuzzed.close()
    print(
        f"{sum(fuzzed.counts.values())} calls in {time.monotonic() - began:.0f} s: {dict(sorted(fuzzed.counts.items()))}"
    )
    for failure in dict.fromkeys(fuzzed.failures):
        print(failure, "\n")
    print(f"{len(fuzzed.failures)} answers that are not as documented")
    return int(bool(fuzzed.failures))


if __name__ == "__main__":
    sys.exit(main())
