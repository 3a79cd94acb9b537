"""The OpenAPI document: what all operations have in common, and what makes it whole for those who generate clients and tests from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.gateway.answers import ANSWERS
from services.gateway.problems import KINDS, STATUSES

_KEY_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,100}$"}
_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Linli-Post": ("Post to act from; `-`: as a resident. Default: your only post, else as a resident.", _KEY_SCHEMA),
    "Linli-After": (
        "Positions that the answer must reflect, as earlier answers named them in `Linli-Position`.",
        {"type": "string", "examples": ["issues=12,registry=40"]},
    ),
    "X-Correlation-Id": ("Ties this request's log lines and facts together; made when absent.", _KEY_SCHEMA),
}
_COMMAND_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Idempotency-Key": (
        "Sending the same again with the same key gives the first receipt and changes nothing; other content is refused (422).",
        _KEY_SCHEMA,
    ),
    "Linli-Occurred": (
        "When it happened, for a late entry; not in the future, within the window of the command, and not before the last fact of the "
        "thing. Without it the command happens at once.",
        {
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
            "examples": ["2026-03-01T09:00:00+08:00"],
        },
    ),
    "Linli-Import": (
        "The operator's token, for what is brought in from another register: no window applies, and the facts say who imported them.",
        {"type": "string"},
    ),
    "X-CSRF-Token": (
        "Needed only with the session cookie: the `csrf` of the sign-in or of `GET /api/me`.",
        {"type": "string"},
    ),
}
#: Why each status comes.
_REFUSALS = {
    400: "What was sent is no HTTP request that can be read",
    401: "Nobody is signed in, or the sign-in has ended",
    403: "Whoever asks may not",
    404: "There is no such thing",
    408: "The request did not arrive in time",
    409: "The thing is not in a state for this, or somebody else changed it in between",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "The input has mistakes; each wrong field has its reason",
    429: "Too many requests at a time",
    500: "A mistake of the program; the operator finds it by the id in `instance`",
    503: "A service does not answer; nothing was changed",
    504: "No answer came in time; send the same command with the same Idempotency-Key again",
}
#: Statuses that only commands answer.
_COMMANDS_ONLY = (409, 413, 415)
_ABOUT = """\
Commands are POST with a JSON object and answer with a receipt: its facts are on disk. Queries are GET. What somebody may do follows from
the post that they act from (`Linli-Post`) and from what the city lets residents and anybody do; `docs/rights.md` lists it.

A refusal is `application/problem+json` (RFC 9457) in the language of `Accept-Language` (zh, en), and changes nothing. `kind` and `template`
stay the same in every language; `fields` names each wrong field or header with its reason.
"""
_SIGNED_IN: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}]
#: Paths that are for those who are signed in, and the one at which a sign-in is not looked at.
_CLOSED = re.compile(r"/api/(accounts|operations|operators|password|second-factor)\b")
_ENTRANCE = "/api/sign-in"


def parameters(command: bool) -> list[dict[str, Any]]:
    """The request headers as OpenAPI parameters."""
    chosen = _HEADERS | (_COMMAND_HEADERS if command else {})
    return [
        {"in": "header", "name": name, "description": text, "schema": schema} for name, (text, schema) in chosen.items()
    ]


def refusals(command: bool) -> dict[str, Any]:
    """The problems that a command or query may answer."""
    statuses = [status for status in _REFUSALS if command or status not in _COMMANDS_ONLY]
    return {str(status): {"$ref": f"#/components/responses/Refused{status}"} for status in statuses}


def problems() -> dict[str, dict[str, Any]]:
    """The refusals as components, each with the headers that come with it and an example."""
    told: dict[int, dict[str, Any]] = {
        401: {"WWW-Authenticate": ("how to sign in", "string")},
        429: {"Retry-After": ("seconds to wait", "integer")},
        503: {"Retry-After": ("seconds to wait", "integer")},
    }
    made = {}
    for status, about in _REFUSALS.items():
        kind = next(kind for kind in KINDS if STATUSES[kind] == status)
        example = {
            "type": f"/api/docs#{kind}",
            "title": KINDS[kind],
            "status": status,
            "detail": about,
            "instance": "urn:linli:request:01890f3e-7c1a-7000-8000-000000000000",
            "kind": kind,
            "message": about,
            "template": about,
            "fields": {"reason": ["is missing"]} if status == 422 else {},
        }
        problem = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        headers = {
            name: {"description": text, "schema": {"type": kind}} for name, (text, kind) in told.get(status, {}).items()
        }
        made[f"Refused{status}"] = {"description": about, "content": {"application/problem+json": problem}} | (
            {"headers": headers} if headers else {}
        )
    return made


def finished(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is published, made of what the libraries gather from the routes."""
    document = _modern(document)
    document["info"] |= {
        "description": _ABOUT,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    document["servers"] = [{"url": "/", "description": "the gateway that answered"}]
    document["tags"] = [tag | {"name": tag["name"].removeprefix("api_")} for tag in document["tags"]]
    schemas = document["components"]["schemas"]
    for path, method, operation in operations(document):
        _finish(path, method == "post", operation, schemas)
    used = _used(document, schemas)
    document["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name in used}
    document["components"]["responses"] = {
        name: response for name, response in document["components"]["responses"].items() if name.startswith("Refused")
    }
    return document


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each path, method and operation."""
    for path, found in document["paths"].items():
        for method in ("get", "post"):
            if method in found:
                yield path, method, found[method]


def _finish(path: str, command: bool, operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Give an operation its id, who may call it, all its answers, and examples."""
    answers = {status: one for status, one in operation["responses"].items() if status.startswith("2")}
    operation["responses"] = answers | refusals(command)
    if "operationId" not in operation:
        operation["operationId"] = f"{operation['tags'][0]}.{_named(path, command)}"
    for answer in answers.values():
        answer.setdefault("headers", {}).setdefault(
            "X-Correlation-Id", {"description": "quote it to the operator", "schema": {"type": "string"}}
        )
        if answer["content"]["application/json"]["schema"] == {"type": "object"}:
            answer["content"]["application/json"]["schema"] = ANSWERS[operation["operationId"]]
    operation["security"] = [] if path == _ENTRANCE else _SIGNED_IN if _CLOSED.match(path) else [{}, *_SIGNED_IN]
    operation["parameters"] = [
        one for one in operation.get("parameters", []) if command or one["name"] not in _COMMAND_HEADERS
    ]
    for one in operation["parameters"]:
        if one["in"] == "query":
            one["schema"] = _given(one["schema"])
            one["example"] = _example(one["schema"], one["name"])
    if body := operation.get("requestBody"):
        content = body["content"]["application/json"]
        content["example"] = _example(_found(content["schema"], schemas), "")
        body["required"] = bool(_found(content["schema"], schemas).get("required"))


def _named(path: str, command: bool) -> str:
    """What a path of the gateway's own does: `reset_password`, `find_accounts`."""
    last = path.rpartition("/")[2].replace("-", "_")
    if path == "/api/accounts":
        return "create_account" if command else "find_accounts"
    return last


def _given(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of what stands in a query string: there is no null in it, leaving out says so."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kept = [one for one in kind if one != "null"]
        codes = {"enum": [one for one in schema["enum"] if one is not None]} if "enum" in schema else {}
        return {**schema, "type": kept[0] if len(kept) == 1 else kept} | codes
    return dict(schema)


def _found(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schemas.get(name, schema)
    return found


def _example(schema: Mapping[str, Any], name: str) -> Any:
    """A value that fits a schema and reads as one: all that is required of an object."""
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        items = schema["items"]
        one = _example(items, name.removesuffix("s"))
        several = range(1, schema.get("minItems", 1) + 1)
        return [one.replace("-1", f"-{number}") if isinstance(one, str) else one for number in several]
    if kind == "object":
        return {one: _example(schema["properties"][one], one) for one in schema.get("required", [])}
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return True
    if schema.get("format") == "date":
        return "2026-03-01"
    if schema.get("format") == "date-time":
        return "2026-03-01T09:00:00+08:00"
    if pattern := schema.get("pattern"):
        fitting = [f"{name.removesuffix('_id')}-1".replace("_", "-"), name]
        if not (found := [one for one in fitting if re.search(pattern, one)]):
            raise TypeError(f"{name} needs an example: none was found for {pattern}")
        return found[0]
    words, least = name.replace("_", " "), schema.get("minLength", 0)
    return (words + f" {words}" * least)[: max(len(words), least)]


def _modern(part: Any) -> Any:
    """The same, with examples of schemas where OpenAPI 3.1 has them."""
    if isinstance(part, Mapping):
        made = {name: _modern(value) for name, value in part.items()}
        if "null" in made.get("type", "") and None not in made.get("enum", [None]):
            made["enum"] = [*made["enum"], None]  # what may be left out may be null too
        if "example" in made and "type" in made:
            made["examples"] = [made.pop("example")]
        return made
    return [_modern(one) for one in part] if isinstance(part, list | tuple) else part


def _used(document: Mapping[str, Any], schemas: Mapping[str, Any]) -> set[str]:
    """The names of the schemas that an operation leads to."""
    left = list(_names([document["paths"], document["components"]["responses"]]))
    used: set[str] = set()
    while left:
        name = left.pop()
        if name not in used:
            used.add(name)
            left.extend(_names(schemas[name]))
    return used


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
            yield reference.rpartition("/")[2]
        for value in part.values():
            yield from _names(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _names(value)
