"""Delivers messages whose properties cannot be decoded, so that consumers can park them.

py-amqp closes the connection over a header such as a time beyond the year 9999. The broker then redelivers the same message, and one
such message from anybody who may publish would stop a service for good.
"""

from __future__ import annotations

from typing import Any

from amqp.basic_message import Message

_load: Any = Message._load_properties


def install() -> None:
    """Make py-amqp deliver them with the reason and the bytes as their only headers; repeating the call changes nothing."""
    Message._load_properties = _load_or_tell


def _load_or_tell(message: Any, class_id: int, buf: Any, offset: int) -> int:
    try:
        end: int = _load(message, class_id, buf, offset)
        return end
    except Exception as error:  # of any kind: the sender chose the bytes
        told = {"unreadable": f"the properties cannot be decoded: {error!r}", "bytes": bytes(buf[offset:]).hex()}
        message.properties = {"application_headers": told}
        return offset
