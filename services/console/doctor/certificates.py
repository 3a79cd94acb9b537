"""Checks of the expiry of the certificates of broker, database and ourselves."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from services.console.doctor.finding import Finding
from shared.tls import Server, Tls

#: Remaining validity below which the check warns.
SOON = timedelta(days=21)
#: Seconds to wait for a server's certificate.
PATIENCE = 5.0


def certificates(server: Server, addresses: Iterable[tuple[str, int]], tls: Tls | None) -> Iterator[Finding]:
    """Check the certificates of the servers at these addresses, of their authority, and our own; nothing without TLS.

    Raises `OSError` when a server's certificate cannot be verified.
    """
    if tls is None:
        return
    for host, port in addresses:
        yield _finding(f"certificate of {host}:{port}", _shown(host, port, tls))
    for variable, file in ((f"{server}_CA_FILE", tls.ca_file), (f"{server}_CERTIFICATE_FILE", tls.certificate_file)):
        if file:
            held = x509.load_pem_x509_certificates(Path(file).read_bytes())
            yield _finding(f"{variable} {file}", min(each.not_valid_after_utc for each in held))


def _shown(host: str, port: int, tls: Tls) -> datetime:
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    if tls.certificate_file:
        context.load_cert_chain(tls.certificate_file, password=lambda: b"")
    with (
        socket.create_connection((host, port), PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=host) as wire,
    ):
        shown = wire.getpeercert()
    assert shown is not None, "it was verified"
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def _finding(name: str, ends: datetime) -> Finding:
    left = ends - datetime.now(UTC)
    said = f"good until {ends:%Y-%m-%d}, {left.days} days from now"
    if left < SOON:
        return Finding(name, "warning", said, "renew it, and restart who shows or reads it before that day")
    return Finding(name, "ok", said)
