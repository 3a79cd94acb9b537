"""Leaves: CloudEvents in canonical JSON that carry all of their commit."""

from __future__ import annotations

import msgspec
import rfc8785

from shared.following import cloudevents
from shared.log import Commit, Head, NewEvent, records_of
from shared.log.record import place_commit

EVENT = NewEvent(
    type="IssueReported",
    schema=2,
    data=msgspec.Raw(b'{"issue_id":"7","what":"\\u0001 \\"a\\" \xe7\x81\xaf"}'),
    id="e1",
    occurred="",
)
COMMIT = Commit(
    stream="issue-7",
    expected_version=0,
    events=(EVENT, EVENT),
    command="report_issue",
    command_id="c1",
    actor="person-1",
)
STORED = place_commit(COMMIT, Head(4, "ab" * 32, ""), 0, "2026-01-01T00:00:00.000000Z")
LEAVES = [cloudevents.line("issues", record) for record in records_of(STORED)]


def test_a_leaf_is_a_cloudevent_and_leaves_out_what_is_empty():
    leaf = msgspec.json.decode(LEAVES[1])
    assert leaf == {
        "specversion": "1.0",
        "id": "e1",
        "source": "/linli/issues",
        "type": "cn.linli.issues.IssueReported",
        "subject": "issue-7",
        "time": "2026-01-01T00:00:00.000000Z",
        "datacontenttype": "application/json",
        "data": {"issue_id": "7", "what": '\x01 "a" 灯'},
        "position": 6,
        "version": 2,
        "schema": 2,
        "actor": "person-1",
        "command": "report_issue",
        "commandid": "c1",
        "digest": STORED.digest,
        "commitsize": 2,
        "commitindex": 1,
    }


def test_a_leaf_is_canonical_json():
    for leaf in LEAVES:
        assert rfc8785.dumps(msgspec.json.decode(leaf)) == leaf
        assert b"\n" not in leaf
