"""Calls every operation of the OpenAPI document with whatever fits its schemas and with what does not, as everybody (R7).

`python -m tests.component.gateway.fuzzing --examples 200 --seed 7` does it at length; a test does a little of it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
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
from tests.component.gateway.every_command import OPERATOR, PASSWORD, World
from tests.kit.city import COMMUNITY, COMPOUND, STREET

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
        """Ids that there are, by the field that names them."""
        world = self.world
        known = {
            "place": [COMPOUND, COMMUNITY, STREET],
            "place__under": [COMPOUND, STREET],
            "person_id": ["p-resident", "p-neighbour", "p-grid"],
            "post_id": ["post-grid", "post-secretary"],
            "organisation_id": ["o-street", "o-compound"],
            "issue_id": [world.issue(status) for status in ("reported", "dispatched", "resolved", "closed")],
            "category": ["facility.streetlight"],
        }
        for owner in DEFINITIONS.values():
            for decider in owner.deciders:
                rows = next((view for view in owner.views if view.states.startswith(f"{decider.category} ")), None)
                if rows is not None and decider.id_field not in known:
                    found = world.town.places[owner.name].node.views.find(rows.name, None, "key", 5)
                    known[decider.id_field] = [row["key"] for row in found.rows]
        return {name: ids for name, ids in known.items() if ids}

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
        if mode is GenerationMode.POSITIVE:
            self._aim(case.query)
            self._aim(case.body)
        case.headers = {
            name: value
            for name, value in dict(case.headers or {}).items()
            if name not in ("Linli-Post", "Linli-Import", "Authorization") or mode is GenerationMode.NEGATIVE
        } | self.headers[who]
        case.cookies = {}
        try:
            answer = case.call()
        except (UnicodeEncodeError, ValueError):  # no client could send it
            return
        self.counts[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=list(CHECKED))
        except FailureGroup as found:
            self.failures += [
                f"{who or 'nobody'} {case.operation.label}: {one.title}: {one}" for one in found.exceptions
            ]

    def _aim(self, given: Any) -> None:
        """Name things that there are, most of the time."""
        if isinstance(given, dict):
            for name in set(given) & set(self.known):
                if isinstance(given[name], str) and self.random.random() < 0.8:
                    given[name] = self.random.choice(self.known[name])

    def close(self) -> None:
        """Let go of the town."""
        self.world.close()


def run(fuzzed: Fuzzed, examples: int, readers: tuple[str, ...] = READERS) -> None:
    """Throw so many positive examples at each operation as each reader, and as many negative ones."""
    for operation in fuzzed.operations():
        for who in readers:
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
