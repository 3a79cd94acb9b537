"""What the public port refuses before anything is known of the request but its head; imports nothing that takes time to load."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.words import _


@dataclass(frozen=True)
class Refusal:
    """A status with its kind, and the sentence that the reader gets."""

    status: int
    kind: str
    template: str


REFUSALS = {
    "malformed": Refusal(400, "bad_input", _("this is not a request in HTTP/1.1 as it is written down in RFC 9112")),
    "plain": Refusal(403, "forbidden", _("this city is reached over HTTPS only")),
    "slow": Refusal(408, "too_slow", _("the request did not arrive in time")),
    "body": Refusal(413, "too_large", _("the body is larger than 1 MB")),
    "head": Refusal(431, "too_large", _("the head of the request is larger than 32 kB, or one line of it than 8 kB")),
    "connections": Refusal(429, "too_many_requests", _("too many connections from your address at a time")),
    "rate": Refusal(429, "too_many_requests", _("too many requests from your address; try again in a moment")),
    "memory": Refusal(429, "too_many_requests", _("too much is being sent at a time; try again in a moment")),
    "behind": Refusal(503, "unavailable", _("the gateway does not answer; nothing is known of what became of this")),
}
