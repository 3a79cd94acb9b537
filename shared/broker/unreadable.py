"""Messages whose properties cannot be decoded are delivered all the same, so that they can be put aside.

py-amqp ends the connection over a header such as a time beyond the year 9999. The broker then delivers the same message again, and whoever
may publish could stop a service for good with one of them.
"""

from __future__ import annotations

from typing import Any

from amqp.basic_message import Message

_load: Any = Message._load_properties


def install() -> None:
    """Have py-amqp deliver them without properties, with the reason and the bytes as headers; calling it again changes nothing."""
    Message._load_properties = _load_or_tell


def _load_or_tell(message: Any, class_id: int, buf: Any, offset: int) -> int:
    try:
        end: int = _load(message, class_id, buf, offset)
        return end
    except Exception as error:  # whatever the sender made of them
        told = {"unreadable": f"the properties cannot be decoded: {error!r}", "bytes": bytes(buf[offset:]).hex()}
        message.properties = {"application_headers": told}
        return offset
