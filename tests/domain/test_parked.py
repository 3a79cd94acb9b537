"""What an operator is told of a parked fact: enough to act on it, nothing that it says of anybody (S24, R8)."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from shared.domain.record import Record
from shared.following.codes import Codes
from shared.following.follow import parked_row
from shared.following.parking import DIGESTS, UNREADABLE, shown

CODES = Codes((b"a secret of at least thirty-two bytes",), DIGESTS)
DATA = {
    "visit_id": "v-1",
    "reporter": "p-zhang",
    "contact": "sealed:k1:AAAA",
    "note": "住在三楼的老人",
    "income": 4321,
    "members": {"p-wang": 3},
}


def record(**changed: Any) -> Record:
    data = msgspec.Raw(msgspec.json.encode(DATA | changed))
    told = dict.fromkeys(("time", "occurred", "command", "correlation_id", "causation_id"), "2026-03-02T09:00:00+08:00")
    return Record(
        position=7, stream="visit-v-1", version=1, type="VisitNoted", schema=1, data=data, id="e-1", actor="p-zhang", on_behalf_of="",
        mandate="post-9", command_id="c-1", place="350104.013", digest="d", commit_position=7, commit_size=1, **told,
    )  # fmt: skip


def told(reason: str, by: Codes = CODES, **changed: Any) -> dict[str, Any]:
    return shown({"key": "issues:000000000007"} | parked_row("issues", record(**changed), "parked", reason), by)


def test_subject_position_kind_and_reason_are_told_and_nothing_that_the_fact_says() -> None:
    row = told("ValueError: cannot be counted")
    digests = row.pop("digests")
    assert row == {
        "key": "issues:000000000007",
        "source": "issues",
        "stream": "visit-v-1",
        "position": 7,
        "type": "VisitNoted",
        "state": "parked",
        "reason": "ValueError: cannot be counted",
    }
    assert {name.removeprefix("data.") for name in digests if name.startswith("data.")} == set(DATA)
    assert {"actor", "mandate", "command_id"} <= digests.keys()
    assert all(len(digest) == 64 for digest in digests.values())
    assert not any(str(value) in json.dumps(digests, ensure_ascii=False) for value in DATA.values())


def test_a_reason_that_quotes_the_fact_has_gaps() -> None:
    """Whatever was quoted: a text, a person in a mapping, a number, who acted; stream and kind are told anyway."""
    assert told("KeyError: 'p-wang'")["reason"] == "KeyError: '…'"
    assert told("ValueError: 住在三楼的老人 has 4321 and not 43210")["reason"] == "ValueError: … has … and not 43210"
    said = told("ValueError: p-zhang noted visit-v-1 (VisitNoted) from post-9 with sealed:k1:AAAA")["reason"]
    assert said == "ValueError: … noted visit-v-1 (VisitNoted) from … with …"


def test_digests_tell_the_same_fact_and_cannot_be_guessed() -> None:
    digests = told("x: y")["digests"]
    assert told("another: reason")["digests"] == digests
    assert told("x: y", income=4322)["digests"] == digests | {
        "data.income": told("x: y", income=4322)["digests"]["data.income"]
    }
    other = told("x: y", Codes((b"another secret of thirty-two bytes, too",), DIGESTS))["digests"]
    assert not set(other.values()) & set(digests.values()), "without the secret nobody makes them"
    moved = shown(
        {"key": "k"} | parked_row("issues", msgspec.structs.replace(record(), position=8), "parked", ""), CODES
    )
    assert moved["digests"]["data.reporter"] != digests["data.reporter"], (
        "nor do they tell that two facts name one person"
    )


def test_a_message_that_is_no_fact_is_told_by_its_reason() -> None:
    kept = {"headers": {"subject": "p-zhang"}, "body": "eyJ9"}
    row = {"key": "u:1", "source": UNREADABLE, "stream": "u:1", "position": 0, "type": "", "state": "parked"}
    found = shown(row | {"reason": "the data is not a JSON object", "record": json.dumps(kept)}, CODES)
    assert found["reason"] == "the data is not a JSON object"
    assert found["digests"].keys() == {"headers", "body"}
    assert "p-zhang" not in str(found) and "eyJ9" not in str(found)
