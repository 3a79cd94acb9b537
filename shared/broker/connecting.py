"""Connections to the broker, with TLS when its address begins with amqps://."""

from __future__ import annotations

import ssl
import threading
from typing import Any
from urllib.parse import urlsplit

from amqp.transport import SSLTransport
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES, pyamqp

from shared.tls import Tls


def install() -> None:
    """Let kombu, and nameko with it, use the transport below for `amqps://`; calling it again changes nothing."""
    TRANSPORT_ALIASES["amqps"] = f"{__name__}:Transport"


def connection(uri: str, tls: Tls | None, **options: Any) -> Connection:
    """A connection that is made when first used; `options` are kombu's."""
    install()
    return Connection(uri, ssl=verification(uri, tls), **options)


def verification(uri: str, tls: Tls | None) -> dict[str, Any] | None:
    """The TLS options of kombu and nameko; None without TLS."""
    if tls is None:
        return None
    return {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": urlsplit(uri).hostname,
        "ca_certs": tls.ca_file or None,
        "certfile": tls.certificate_file or None,
    }


class _Wire(SSLTransport):
    """py-amqp's TLS, behaving like its TCP once the handshake is done."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._writing = threading.Lock()

    def _setup_transport(self) -> None:
        super()._setup_transport()
        # the time-out of the handshake would end every later wait as well, such as that for a broker that blocks publishers
        self.sock.settimeout(None)
        self.raise_on_initial_eintr = True  # a look for what is there must not become a loop until something is

    def _write(self, data: bytes) -> None:
        try:
            with self._writing:  # green threads that share a connection: what one has begun it finishes first
                super()._write(data)
        except OSError as error:
            if self.connected or isinstance(error, TimeoutError):
                raise
            raise self._refusal() or error from None

    def _refusal(self) -> OSError | None:
        """Why the broker hung up: with TLS 1.3 it refuses our certificate after the handshake, when we already write the greeting."""
        try:
            self.sock.settimeout(1.0)
            self.sock.read(1)
        except ssl.SSLError as error:
            return error
        except (OSError, ValueError):
            pass
        return None

    def _shutdown_transport(self) -> None:
        """Leave without waiting for the other side's goodbye, which a frozen broker never says; AMQP has said its own."""


class _Connection(pyamqp.Connection):
    def Transport(self, host: str, connect_timeout: float, ssl: Any = False, *timeouts: Any, **options: Any) -> _Wire:
        read_timeout, write_timeout = timeouts
        options |= {"read_timeout": read_timeout, "write_timeout": write_timeout}
        return _Wire(host, connect_timeout=connect_timeout, ssl=ssl, **options)


class Transport(pyamqp.SSLTransport):
    """kombu's transport for `amqps://`."""

    Connection = _Connection
