"""A small city in memory for the gateway to stand before."""

from __future__ import annotations

from typing import Any

from shared.domain.errors import (
    LinliError,
)
from shared.following.context import CallContext

OPERATOR = "operator-token-of-the-test"
PASSWORD = "correct horse 9"
REPORT = {"place": "350104.013", "category": "facility.streetlight", "description": "路灯不亮"}
#: Members of RFC 9457.
STANDARD = ("type", "title", "status", "detail", "instance")


class City:
    """A city of one process: posts by person, receipts by command id, and every call it was asked; security acts apart."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.posts: dict[str, list[str]] = {}
        self.calls: list[tuple[str, str, CallContext, dict[str, Any]]] = []
        self.noted: list[dict[str, Any]] = []
        self.receipts: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, LinliError] = {}
        self.asked_during: Any = None

    def call(
        self, service: str, method: str, context: CallContext, arguments: dict[str, Any], timeout: float | None = None
    ) -> dict[str, Any]:
        if method == "note_act":
            self.noted.append(arguments)
            return {}
        self.calls.append((service, method, context, arguments))
        if self.asked_during and method != "posts_of_person":
            self.asked_during()
        if error := self.errors.get(method) or self.errors.get(service):
            raise error
        if method == "posts_of_person":
            held = self.posts.get(arguments["person_id"], [])
            return {"posts": [{"post_id": post, "role": "grid_worker", "title": "网格员"} for post in held]}
        if context.command_id:
            new = {"id": "i-1", "service": service, "position": len(self.receipts) + 1, "version": 1, "events": 1}
            return self.receipts.setdefault(context.command_id, new)
        return {"ready": True, "head": 1000} if method == "status" else {"rows": [], "next": None}

    @property
    def last(self) -> tuple[str, str, CallContext, dict[str, Any]]:
        return self.calls[-1]


def refused(answer: Any, status: int, kind: str, *names: str) -> dict[str, Any]:
    """The refusal has our form, this status and kind, and names these fields; all of it but which request it was."""
    assert answer.status_code == status, answer.data
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["X-Correlation-Id"]
    body: dict[str, Any] = answer.json
    assert set(body) == {*STANDARD, "kind", "message", "template", "fields"}
    assert (body["kind"], body["status"]) == (kind, status)
    assert body["message"] == body["detail"]
    assert body["title"] and body["type"] == f"/api/docs#{kind}"
    assert body.pop("instance") == f"urn:linli:request:{answer.headers['X-Correlation-Id']}"
    assert set(names) <= set(body["fields"]), body
    return body
