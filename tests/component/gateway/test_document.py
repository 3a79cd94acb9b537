"""The OpenAPI document is whole: who makes a client or a test out of it needs to know nothing else (R7)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from services.gateway import problems
from services.gateway.contracts import CONTRACTS
from services.gateway.document import operations
from tests.component.gateway.city import STANDARD

LINTER = Path(sys.prefix) / "redocly" / "node_modules" / ".bin" / "redocly"


@pytest.fixture
def document(shared_client: FlaskClient) -> dict[str, Any]:
    made: dict[str, Any] = shared_client.get("/api/openapi.json").json
    return made


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    for name in part["$ref"].split("/")[1:] if "$ref" in part else ():
        document = document[name]
    return document if "$ref" in part else part


def schema_in(document: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """A schema that stands by itself."""
    return {**content["schema"], "components": document["components"]}


def test_every_command_and_query_is_there_with_an_id_of_its_own(document: dict[str, Any]) -> None:
    validate(document)
    found = {(path, method): operation for path, method, operation in operations(document)}
    for contract in CONTRACTS:
        for method, names in (("post", contract.commands), ("get", contract.queries)):
            for name in names:
                assert found[f"/api/{contract.service}/{name}", method]["operationId"] == f"{contract.service}.{name}"
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", id) for id in ids)
    tags = {tag["name"] for tag in document["tags"]}
    assert all(operation["summary"] and set(operation["tags"]) <= tags for operation in found.values())
    assert document["servers"] == [{"url": "/", "description": "the gateway that answered"}]


def test_every_query_lists_every_parameter_and_which_are_required(document: dict[str, Any]) -> None:
    for contract in CONTRACTS:
        for name, schema in contract.queries.items():
            listed = document["paths"][f"/api/{contract.service}/{name}"]["get"]["parameters"]
            asked = {one["name"]: one for one in listed if one["in"] == "query"}
            fields = {field.data_key or key: field for key, field in schema().load_fields.items()}
            assert asked.keys() == fields.keys(), name
            for key, one in asked.items():
                assert one["required"] is fields[key].required, (name, key)
                assert one["description"] and "null" not in one["schema"]["type"]
    proof = document["paths"]["/api/audit/prove_event"]["get"]["parameters"]
    assert [one["name"] for one in proof if one.get("required")] == ["event_id"]


def test_every_answer_is_described_and_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        (status,) = [status for status in operation["responses"] if status.startswith("2")]
        answer = resolved(document, operation["responses"][status]["content"]["application/json"]["schema"])
        assert answer.get("properties"), f"{method} {path} does not say what it answers"
        refusals = {status for status in operation["responses"] if not status.startswith("2")}
        commands = {"409", "413", "415"} if method == "post" else set()
        assert refusals == {"400", "401", "403", "404", "408", "422", "429", "500", "503", "504"} | commands
    for name, response in document["components"]["responses"].items():
        content = response["content"]["application/problem+json"]
        assert content["schema"]["$ref"].endswith("/Problem")
        jsonschema.validate(content["example"], schema_in(document, content))
        assert f"Refused{content['example']['status']}" == name
    assert set(STANDARD) <= set(document["components"]["schemas"]["Problem"]["required"])
    assert {problems.STATUSES[kind] for kind in problems.KINDS} - {405} == {
        int(name.removeprefix("Refused")) for name in document["components"]["responses"]
    }


def test_who_may_call_is_said_for_each_path(document: dict[str, Any]) -> None:
    signed_in = [{"bearer": []}, {"cookie": []}]
    for path, _, operation in operations(document):
        if path == "/api/sign-in":
            assert operation["security"] == []
        elif path.startswith(("/api/accounts", "/api/oper", "/api/password", "/api/second-factor")):
            assert operation["security"] == signed_in
        else:
            assert operation["security"] == [{}, *signed_in]
    about = {operation["operationId"]: operation.get("description", "") for _, _, operation in operations(document)}
    assert "Needs the power `issue.dispatch` at its place unless it is your own." in about["issues.dispatch_issue"]
    assert "`payment.review.*`" in about["funding.review_payment"]
    assert "Needs the power `visit.record` at the place that is asked for." in about["issues.find_visits"]
    assert "unless `person_id` is yourself" in about["volunteers.find_report_ins"]


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for one in operation["parameters"]:
            if "example" in one:
                jsonschema.validate(one["example"], one["schema"])
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            assert set(content["example"]) >= set(resolved(document, content["schema"]).get("required", [])), path
            jsonschema.validate(content["example"], schema_in(document, content))


def _patterns(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["pattern"]] if isinstance(part.get("pattern"), str) else []
        return own + [one for value in part.values() for one in _patterns(value)]
    return [one for value in part for one in _patterns(value)] if isinstance(part, list) else []


def test_patterns_mean_the_same_to_everybody(document: dict[str, Any]) -> None:
    r"""No `\Z`, `\A`, named groups, comments, possessive marks or lookarounds: what ECMA-262 has not, or other engines have not."""
    for pattern in set(_patterns(document)):
        assert not re.search(r"\\[AZzGhHRXpP]|\(\?[^:]|[*+?}]\+", pattern), pattern
        assert pattern.startswith("^") and pattern.endswith("$")


def test_a_public_linter_finds_nothing(document: dict[str, Any], tmp_path: Path) -> None:
    """Redocly's recommended rules, warnings included; `make` installs it."""
    assert lint(document, tmp_path) == []
    del document["paths"]["/api/me"]["get"]["operationId"]
    assert lint(document, tmp_path) == ["operation-operationId"]


def lint(document: dict[str, Any], folder: Path) -> list[str]:
    """The rules that a document breaks."""
    (folder / "openapi.json").write_text(json.dumps(document))
    quiet = os.environ | {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    ask = [LINTER, "lint", "--format", "json", "openapi.json"]
    linted = subprocess.run(ask, cwd=folder, env=quiet, capture_output=True, text=True, timeout=60)
    return [one["ruleId"] for one in json.loads(linted.stdout)["problems"]]
