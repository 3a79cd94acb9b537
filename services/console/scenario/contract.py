"""Checks the calls of a scenario against the services' schemas, as far as possible before it runs."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import Schema, ValidationError

from services.console.scenario.model import Call, pending
from services.console.scenario.source import Source, Where
from services.gateway.contracts import CONTRACTS

_CONTRACTS = {contract.service: contract for contract in CONTRACTS}


@cache
def _schema(cls: type[Schema]) -> Schema:
    return cls()


def check_call(source: Source, where: Where, call: Call, command: bool) -> None:
    """Note unknown services, commands and fields, and wrong values where a value is completely known."""
    contract = _CONTRACTS.get(call.service)
    if contract is None:
        source.mistake(where, f"there is no service {call.service}; there are {', '.join(_CONTRACTS)}")
        return
    kind, offered = ("command", contract.commands) if command else ("query", contract.queries)
    if call.name not in offered:
        source.mistake(where, f"{call.service} has no {kind} {call.name}; it has {', '.join(sorted(offered))}")
        return
    unknown = {name for name, value in call.arguments.items() if next(pending(value), None)}
    known = {name: value for name, value in call.arguments.items() if name not in unknown}
    schema = _schema(offered[call.name])
    for name in sorted(unknown - schema.load_fields.keys()):
        source.mistake((*where, "with", name), f"{call.shown} has no field {name}")
    try:
        schema.load(known, partial=tuple(unknown))
    except ValidationError as error:
        for name, reasons in error.normalized_messages().items():  # type: ignore[no-untyped-call]
            if name not in unknown and not (unknown and name == "_schema"):
                source.mistake((*where, "with", str(name)), f"{call.shown}: {name}: {_flat(reasons)}")


def _flat(reasons: Any) -> str:
    if isinstance(reasons, dict):
        return "; ".join(f"{name}: {_flat(reason)}" for name, reason in reasons.items())
    return "; ".join(map(str, reasons)) if isinstance(reasons, list) else str(reasons)
