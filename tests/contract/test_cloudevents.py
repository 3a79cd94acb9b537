"""Facts on the bus and in exports are CloudEvents 1.0, by the specification's own schema."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft7Validator

from shared.domain.errors import BadInputError
from shared.domain.identity import new_id
from shared.domain.record import Record
from shared.following import cloudevents
from shared.log import Commit, Head, NewEvent, records_of
from shared.log.record import place_commit

SCHEMA = json.loads(Path(__file__).with_name("published").joinpath("cloudevents.json").read_text())


def record(place: str = "350104.013.002.007") -> Record:
    event = NewEvent(
        type="IssueReported",
        schema=1,
        data=msgspec.Raw('{"text":"路灯"}'.encode()),
        id=new_id(),
        occurred="2025-01-01T08:00:00+08:00",
    )
    commit = Commit(
        stream="issue-1", expected_version=0, events=(event,), command="report", command_id="c", actor="p", place=place
    )
    return records_of(place_commit(commit, Head(), 0, "2026-01-01T00:00:00.000000Z"))[0]


def test_a_fact_is_a_cloudevent() -> None:
    Draft7Validator.check_schema(SCHEMA)
    value = json.loads(cloudevents.line("issues", record()))
    Draft7Validator(SCHEMA, format_checker=Draft7Validator.FORMAT_CHECKER).validate(value)
    names = set(value) - {"data"}
    assert all(name.isalnum() and name == name.lower() and len(name) <= 20 for name in names)


def test_what_is_sent_is_what_arrives() -> None:
    sent = record()
    headers = cloudevents.to_headers(cloudevents.attributes("issues", sent))
    assert cloudevents.parse(cloudevents.from_headers(headers), bytes(sent.data)) == ("issues", sent)


def test_routing_keys_name_service_type_and_territory() -> None:
    assert cloudevents.routing_key("issues", record()) == "issues.IssueReported.350104.013.002.007"
    assert cloudevents.routing_key("issues", record(place="")) == "issues.IssueReported"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"specversion": "0.3"}, "version '0.3' is not known"),
        ({"source": "/linli/"}, "do not belong together"),
        ({"source": "/linli/funding"}, "do not belong together"),
        ({"type": "cn.linli.issuesX.A"}, "do not belong together"),
        ({"position": "first"}, "cannot be read"),
        ({"position": None}, "cannot be read"),
    ],
)
def test_what_is_no_fact_is_named(change: dict[str, str], why: str) -> None:
    found = {**cloudevents.attributes("issues", record()), **change}
    with pytest.raises(BadInputError, match=why):
        cloudevents.parse(found, b"{}")


@pytest.mark.parametrize(
    "name", ["id", "source", "type", "specversion", "time", "subject", "position", "version", "commitsize"]
)
def test_what_is_missing_is_named(name: str) -> None:
    found = {key: value for key, value in cloudevents.attributes("issues", record()).items() if key != name}
    with pytest.raises(BadInputError, match=f"lacks '{name}'"):
        cloudevents.parse(found, b"{}")


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'"x"', b"{"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadInputError):
        cloudevents.parse(cloudevents.attributes("issues", record()), body)
