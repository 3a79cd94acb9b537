"""A TCP gate between a service and a server: it can delay what passes, swallow it, cut every connection, or stay shut."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

_CHUNK = 65_536


class Gate:
    """Listens on a port of its own and passes everything on to `port` of this machine; safe to use from any thread."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._shut = False
        self._delay = 0.0
        self._flow = threading.Event()
        self._flow.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection; new ones are taken."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _close(connection)

    def shut(self) -> None:
        """Cut every connection and hang up on new ones, as if the server were gone, until `heal`."""
        self._shut = True
        self.cut()

    def hold(self) -> None:
        """Let connections stand and pass nothing, as a network that drops packets does, until `heal`."""
        self._flow.clear()

    def delay(self, seconds: float) -> None:
        """Pass every piece so much later, until `heal`."""
        self._delay = seconds

    def heal(self) -> None:
        """Pass everything at once again."""
        self._shut, self._delay = False, 0.0
        self._flow.set()

    def close(self) -> None:
        """Stop listening and close every connection."""
        _close(self._listener)
        self._flow.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._shut:
                _close(near)
                continue
            try:
                far = self._reach()
            except OSError:  # the server is away: the caller finds a closed connection
                _close(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            for source, target in ((near, far), (far, near)):
                with contextlib.suppress(OSError):  # they may have been cut just now
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _reach(self) -> socket.socket:
        return socket.create_connection(self._target, 5)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(_CHUNK):
                self._flow.wait()
                if self._delay:
                    time.sleep(self._delay)
                target.sendall(data)
        except OSError:
            pass
        finally:
            for connection in (source, target):
                with self._lock:
                    self._open.discard(connection)
                _close(connection)


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
