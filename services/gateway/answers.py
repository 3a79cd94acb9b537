"""What the gateway itself answers, as JSON Schema, by operation: sign-in, accounts, and what operators ask of every service."""

from __future__ import annotations

from typing import Any

from services.gateway.contracts import CONTRACTS
from shared.domain.answers import COUNT, TEXT, YES, Shape, by_code, many, page_of, shape

_ACCOUNT: Shape = shape(
    username=TEXT,
    kind={"type": "string", "enum": ["person", "operator"]},
    person_id=TEXT,
    until=TEXT,
    second_factor=YES,
)
#: What must be done before anything else.
_NEEDS = many({"type": "string", "enum": ["password", "second_factor"]})
_REQUEST = shape(request_id=TEXT, act=TEXT, detail=TEXT, by=TEXT, asked=TEXT)
_WHO: Shape = {"type": "string", "enum": ["person", "operator", "anonymous"]}
_POSTS = next(one for one in CONTRACTS if one.service == "registry").answers["posts_of_person"]["properties"]["posts"]
_PROBLEM = shape(problem=shape(kind=TEXT, message=TEXT))
_FOLLOWER = shape(position=COUNT, parked=COUNT)
_STATUS = shape(service=TEXT, head=COUNT, relayed=COUNT, ready=YES, clock=TEXT, followers=by_code(_FOLLOWER))
#: A fact that could not be applied, or one that waits behind it, without what it says.
_PARKED: Shape = shape(
    key=TEXT,
    source=TEXT,
    stream=TEXT,
    position=COUNT,
    type=TEXT,
    state={"type": "string", "enum": ["parked", "waiting"]},
    reason=TEXT,
    digests=by_code(TEXT),
)
_RECEIPT = {"id": TEXT, "service": TEXT, "position": COUNT, "version": COUNT, "events": COUNT}


def _each(answer: Shape) -> Shape:
    """An answer of every service, or why it has none."""
    return shape(services=by_code({"anyOf": [answer, _PROBLEM]}))


#: By the id of the operation.
ANSWERS: dict[str, dict[str, Any]] = {
    "accounts.sign_in": shape(token=TEXT, expires=COUNT, csrf=TEXT, kind=_WHO, username=TEXT, needs=_NEEDS),
    "accounts.sign_out": shape(signed_out=YES),
    "accounts.sign_ins": shape(
        rows=many(shape(sign_in_id=TEXT, begun=COUNT, expires=COUNT, browser=TEXT, this=YES)),
    ),
    "accounts.end": shape(signed_out=YES),
    "accounts.me": shape(
        {"csrf": TEXT},
        kind=_WHO,
        person_id=TEXT,
        username=TEXT,
        posts=_POSTS,
        post=TEXT,
        needs=_NEEDS,
    ),
    "accounts.create_account": _ACCOUNT,
    "accounts.find_accounts": page_of(_ACCOUNT),
    "accounts.remove": shape(removed=TEXT),
    "accounts.reset_password": shape(username=TEXT),
    "accounts.reset_second_factor": shape(username=TEXT),
    "accounts.extend": _ACCOUNT,
    "accounts.password": shape(changed=YES),
    "accounts.begin": shape(secret=TEXT, address=TEXT),
    "accounts.confirm": shape(second_factor=YES),
    "operations.requests": shape(rows=many(_REQUEST)),
    "operations.confirm": shape(request_id=TEXT, done={"type": "object", "additionalProperties": True}),
    "operations.decline": shape(request_id=TEXT, declined=YES),
    "operations.close_token": shape(closed=YES),
    "operations.status": _each(_STATUS),
    "operations.parked": _each(page_of(_PARKED)),
    "operations.retry": shape({"actions": many(TEXT)}, applied=COUNT, **_RECEIPT),
    "operations.skip": shape({"actions": many(TEXT)}, applied=COUNT, **_RECEIPT),
    "operations.rebuild": shape(facts=COUNT),
    "operations.bring_in": shape(
        service=TEXT,
        position=COUNT,
        events=COUNT,
        lines=many(
            {
                "anyOf": [
                    shape(id=TEXT, events=COUNT),
                    shape(error=shape(kind=TEXT, message=TEXT, fields={"type": "object"})),
                ]
            }
        ),
    ),
}
