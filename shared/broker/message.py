"""What is published, what becomes of it, and why it may not have been."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Most bytes in the body of a message for `send`; half of what RabbitMQ accepts since version 4.
LARGEST_MESSAGE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A body with its routing key, headers and AMQP properties; a mandatory one is returned when no queue takes it."""

    routing_key: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    mandatory: bool = False


class NotConfirmed(Exception):
    """Not every message is known to be with the broker; the publisher may be used again at once.

    `confirmed` is how many messages from the start of the sequence are confirmed, `total` how many were given.
    """

    def __init__(self, reason: str, confirmed: int, total: int) -> None:
        super().__init__(f"{confirmed} of {total} messages confirmed: {reason}")
        self.reason, self.confirmed, self.total = reason, confirmed, total


class Undeliverable(Exception):
    """No queue takes a mandatory message."""


class TooLargeError(ValueError):
    """A message has more than `LARGEST_MESSAGE` bytes: the broker would end the connection over it."""


#: Called once with what became of a message: None when the broker has it, else the reason why it is not known to.
Settled = Callable[[Exception | None], None]


@dataclass(slots=True, eq=False)
class Sent:
    """A message of `send` that is not settled yet."""

    message: Message
    settled: Settled
    returned: bool = False  # no queue takes it
    repeated: bool = False  # it was on a connection that was lost


class Frames:
    """Collects what py-amqp would write to its socket."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.parts.append(bytes(frame))
