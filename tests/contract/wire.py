"""A proxy in front of a MongoDB server that loses requests or answers, or answers in the server's place, at chosen moments."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import bson
import pymongo

Command = dict[str, Any]
#: What to do with a command: None passes it on, "cut before" and "cut after" close the connection before or after the server
#: got it, a mapping is sent as the answer in its place, and a pair ("amend", mapping) is laid over the server's answer.
Fault = str | Command | tuple[str, Command] | None


def reply_error(code: int, name: str, message: str, *labels: str) -> Command:
    """An answer that refuses a command as a whole."""
    return {"ok": 0.0, "code": code, "codeName": name, "errmsg": message, "errorLabels": list(labels)}


class Proxy:
    """Listens on a port of its own; `fault(command)` is asked for every command that is sent.

    It passes one answer for one request, so clients must not ask for a stream of answers: use `uri` as it is.
    """

    def __init__(self, uri: str, fault: Callable[[Command], Fault]) -> None:
        self._server = _primary(uri)
        self._fault = fault
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        account = urlsplit(uri).netloc.rpartition("@")[0]
        self.uri = (
            f"mongodb://{account}{'@' * bool(account)}127.0.0.1:{self._listener.getsockname()[1]}/"
            f"?directConnection=true&serverMonitoringMode=poll{'&authSource=admin' * bool(account)}"
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening and close every connection."""
        _shut(self._listener)
        for connection in self._open:
            _shut(connection)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(near)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.create_connection(self._server)
        self._open.append(far)
        try:
            while True:
                message = _receive(near)
                fault = self._fault(_command(message))
                if fault == "cut before":
                    return
                if isinstance(fault, dict):
                    near.sendall(_answer(message, fault))
                    continue
                far.sendall(message)
                answer = _receive(far)
                if fault == "cut after":
                    return
                if isinstance(fault, tuple):
                    answer = _answer(message, {**_command(answer), **fault[1]})
                near.sendall(answer)
        except OSError:
            return
        finally:
            _shut(near)
            _shut(far)


def _primary(uri: str) -> tuple[str, int]:
    """Where the server, or the primary of the replica set, listens now."""
    with pymongo.MongoClient[Command](uri) as client:
        client.admin.command("ping")
        assert client.address is not None
        return client.address


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _receive(connection: socket.socket) -> bytes:
    header = _exactly(connection, 16)
    return header + _exactly(connection, struct.unpack_from("<i", header)[0] - 16)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionResetError("the other side closed")
        data += part
    return data


def _command(message: bytes) -> Command:
    """The body of an OP_MSG (its document sequences left out); {} for the older handshake."""
    operation = struct.unpack_from("<i", message, 12)[0]
    position = 20
    while operation == 2013 and position < len(message):
        kind, size = message[position], struct.unpack_from("<i", message, position + 1)[0]
        if kind == 0:
            return dict(bson.decode(message[position + 1 : position + 1 + size]))
        position += 1 + size
    return {}


def _answer(request: bytes, body: Command) -> bytes:
    document = bson.encode(body)
    number = struct.unpack_from("<i", request, 4)[0]
    return struct.pack("<iiiiiB", 21 + len(document), number + 1, number, 2013, 0, 0) + document
