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
    """Register the transport below with kombu for `amqps://`; repeating the call changes nothing."""
    TRANSPORT_ALIASES["amqps"] = f"{__name__}:Transport"


def connection(uri: str, tls: Tls | None, **options: Any) -> Connection:
    """Return a connection that opens on first use; `options` are kombu's."""
    install()
    return Connection(uri, ssl=verification(uri, tls), **options)


def verification(uri: str, tls: Tls | None) -> dict[str, Any] | None:
    """Return the TLS options for kombu and nameko; None without TLS."""
    if tls is None:
        return None
    return {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": urlsplit(uri).hostname,
        "ca_certs": tls.ca_file or None,
        "certfile": tls.certificate_file or None,
    }


class _Wire(SSLTransport):
    """py-amqp's TLS transport, which behaves like its TCP transport after the handshake."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._writing = threading.Lock()

    def _setup_transport(self) -> None:
        super()._setup_transport()
        # the time-out of the handshake would otherwise apply to every later read, e.g. while the broker blocks publishers
        self.sock.settimeout(None)
        self.raise_on_initial_eintr = True  # a non-blocking read must not loop until data arrives

    def _write(self, data: bytes) -> None:
        try:
            with self._writing:  # green threads share a connection: one write must not interleave with another
                super()._write(data)
        except OSError as error:
            if self.connected or isinstance(error, TimeoutError):
                raise
            raise self._refusal() or error from None

    def _refusal(self) -> OSError | None:
        """Return the alert of a broker that closed: TLS 1.3 refuses our certificate after the handshake, during our first write."""
        try:
            self.sock.settimeout(1.0)
            self.sock.read(1)
        except ssl.SSLError as error:
            return error
        except (OSError, ValueError):
            pass
        return None

    def _shutdown_transport(self) -> None:
        """Skip the TLS closing handshake: a frozen broker never answers it, and AMQP has closed the connection already."""


class _Connection(pyamqp.Connection):
    def Transport(self, host: str, connect_timeout: float, ssl: Any = False, *timeouts: Any, **options: Any) -> _Wire:
        read_timeout, write_timeout = timeouts
        options |= {"read_timeout": read_timeout, "write_timeout": write_timeout}
        return _Wire(host, connect_timeout=connect_timeout, ssl=ssl, **options)


class Transport(pyamqp.SSLTransport):
    """kombu's transport for `amqps://`."""

    Connection = _Connection
