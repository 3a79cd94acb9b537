"""Certificates good and bad, and a tunnel that ends TLS in front of a server that does not speak it itself."""

from __future__ import annotations

import ipaddress
import select
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates; its own is in `file`."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority of {name}")])
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._certificate(self._name, self._key.public_key(), -1, 30).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / f"{name}.authority.pem"
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, name: str, *, since: int = -1, until: int = 30, address: str = "127.0.0.1") -> Path:
        """A file with a certificate for a host and its key; `since` and `until` are days from today."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))])
        made = self._certificate(subject, key.public_key(), since, until).add_extension(names, critical=False)
        file = self._folder / f"{name}{since}{until}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM) + private)
        return file

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, since: int, until: int
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return x509.CertificateBuilder(
            self._name, subject, key, x509.random_serial_number(), now + timedelta(since), now + timedelta(until)
        )


class Tunnel:
    """Takes TLS connections on a port of its own and passes them on in plain text to `target`.

    With `clients` it asks for a certificate of that authority.
    """

    def __init__(self, certificate: Path, target: tuple[str, int], clients: Path | None = None) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
        self._context.load_cert_chain(certificate)
        self._context.verify_mode = ssl.CERT_REQUIRED if clients else ssl.CERT_NONE
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening; what is open stays."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with (
            suppress(OSError),  # a client that refuses the certificate, or is refused, ends here
            self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as near,
        ):
            try:
                near.do_handshake()
            except ssl.SSLError:
                _linger(near)
                return
            with socket.create_connection(self._target) as far:
                _pass_on(near, far)


def _linger(refused: ssl.SSLSocket) -> None:
    """Wait until the client has read why and left: closing over what it sent would take the reason back."""
    with socket.socket(fileno=refused.detach()) as plain:
        plain.settimeout(2)
        while plain.recv(65536):
            pass


def _pass_on(near: ssl.SSLSocket, far: socket.socket) -> None:
    """Pass on what comes, both ways, until one side leaves.

    By one thread: Python's TLS sockets are not made for one that reads while another writes, which can bring the process down.
    """
    while True:
        select.select((near, far), (), ())
        near.settimeout(0)  # what has come may be less than a record, or nothing for us
        try:
            while data := near.recv(65536):
                far.sendall(data)
            return
        except ssl.SSLWantReadError:
            near.settimeout(30)
        if select.select((far,), (), (), 0)[0]:
            if not (data := far.recv(65536)):
                return
            near.sendall(data)
