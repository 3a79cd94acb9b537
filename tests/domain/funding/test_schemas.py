"""Bad input is refused with the field and the reason; every field is described (C22, X03)."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError, fields

from services.funding import service as service_module
from services.funding.definition import DEFINITION
from services.funding.schemas import COMMANDS, QUERIES
from tests.domain.funding.test_works import ASK

RECEIPT = {"project_id": "p1-x", "source": "society", "payer": "街道办事处", "amount_fen": 1}
REVIEW = {
    "project_id": "p1",
    "payment_id": "pay1",
    "body": "board",
    "verdict": "approved",
    "version": 1,
    "amount_fen": 1,
}


def loaded(name: str, data: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {**COMMANDS, **QUERIES}[name]().load(data)
    return result


def test_good_input_is_taken():
    assert loaded("propose_project", ASK | {"issue_ids": ["i1"]})["project_id"] == ""
    assert loaded("record_receipt", RECEIPT)["payer_kind"] == "organisation"
    assert loaded("review_payment", REVIEW)["reason"] == ""
    assert loaded("accept_project", {"project_id": "p1", "criteria": {"road": True}})["issues"] == {}
    assert loaded("disclosure_board", {}) == {"place": "", "limit": 50, "cursor": None}


@pytest.mark.parametrize(
    ("name", "data", "field", "reason"),
    [
        ("record_receipt", RECEIPT | {"amount_fen": 0}, "amount_fen", "1 to 10000000000000 fen"),
        ("record_receipt", RECEIPT | {"amount_fen": 10**13 + 1}, "amount_fen", "1 to 10000000000000 fen"),
        ("record_receipt", RECEIPT | {"amount_fen": 1.5}, "amount_fen", "integer"),
        ("record_receipt", RECEIPT | {"amount_fen": "12"}, "amount_fen", "integer"),
        ("record_receipt", RECEIPT | {"amount_fen": True}, "amount_fen", "integer"),
        ("record_receipt", RECEIPT | {"source": "lottery"}, "source", "one of government, society, residents"),
        ("record_receipt", RECEIPT | {"payer": "  "}, "payer", "empty"),
        ("record_receipt", RECEIPT | {"payer": "\ud800"}, "payer", "control characters"),
        ("record_receipt", RECEIPT | {"payer": "长" * 201}, "payer", "at most 200"),
        ("record_receipt", RECEIPT | {"project_id": "p1\n"}, "project_id", "a-z, 0-9"),
        ("record_receipt", RECEIPT | {"fen": 1}, "fen", "Unknown field"),
        ("propose_project", ASK | {"shares": {"government": -1}}, "shares", "0 to"),
        ("propose_project", ASK | {"place": "Fuzhou..1"}, "place", "territory path"),
        ("propose_project", ASK | {"criteria": []}, "criteria", "1 to 50"),
        ("review_payment", REVIEW | {"body": "street"}, "body", "one of branch, committee, board"),
        ("review_payment", {**REVIEW, "version": None}, "version", "null"),
        ("amend_payment", {"project_id": "p1", "payment_id": "pay1", "payee_kind": "person"}, "payee_kind", "together"),
        ("accept_project", {"project_id": "p1", "criteria": {"road": "yes"}}, "criteria", "boolean"),
        (
            "post_statement",
            {"project_id": "p1", "statement_id": "s1", "channel": "portal", "posted_on": "4 March"},
            "posted_on",
            "a day",
        ),
        ("find_projects", {"order": "title"}, "order", "one of key"),
        ("find_projects", {"limit": 501}, "limit", "1 to 500"),
    ],
)
def test_bad_input_names_the_field_and_the_reason(name: str, data: dict[str, Any], field: str, reason: str):
    with pytest.raises(ValidationError) as caught:
        loaded(name, data)
    assert reason in str(caught.value.normalized_messages()[field])


@pytest.mark.parametrize("name", [*COMMANDS, *QUERIES])
def test_every_command_and_query_is_described_and_served(name: str):
    schema = {**COMMANDS, **QUERIES}[name]
    assert schema.__doc__
    for field in schema().fields.values():
        assert field.metadata.get("description"), f"{name}: {field.name} is not described"
        assert isinstance(field, fields.Field)
    assert hasattr(service_module.FundingService, name)


def test_sorting_and_filtering_use_indexed_fields_only():
    views = {view.name: view for view in DEFINITION.views}
    lists = {
        "find_projects": "projects",
        "find_receipts": "receipts",
        "find_payments": "payments",
        "find_statements": "statements",
    }
    for query, view in lists.items():
        schema = QUERIES[query]()
        for order in schema.fields["order"].validate.choices:
            assert order.removeprefix("-") in {"key", *views[view].fields}
        for name in set(schema.fields) - {"limit", "cursor", "order", "awaiting"}:
            assert name.partition("__")[0] in views[view].fields
