"""TLS to the broker and to MongoDB: its settings, and explanations of its errors for operators.

Certificate and host name are always verified; no option switches that off.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from shared.domain.errors import BadInputError

#: A server, named by the prefix of its variables.
Server = Literal["AMQP", "MONGODB"]

_ON = {"AMQP": "it must begin with amqps://", "MONGODB": "it must say tls=true"}
_OFF = {"AMQP": "write amqp:// in AMQP_URI", "MONGODB": "leave tls=true out of MONGODB_URI"}
_PORT = {"AMQP": ", usually 5671,", "MONGODB": ""}
#: The reason and the certificate message of an OpenSSL error in the text of an exception, a driver's included.
_SAID = re.compile(r"\[SSL: (\w+)\] (?:certificate verify failed: )?(.*?)\.? \(_ssl\.c:")
#: OpenSSL's messages for a certificate whose authority is not trusted.
_NO_AUTHORITY = ("self-signed", "self signed", "issuer certificate", "first certificate", "signature failure")
#: OpenSSL's reasons when the other side closes during the handshake or does not speak TLS.
_NOT_TLS = (
    "UNEXPECTED_EOF_WHILE_READING", "WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
)  # fmt: skip


@dataclass(frozen=True)
class Tls:
    """PEM files for one server: the authority of its certificate ("": the system's), and our client certificate ("": none)."""

    ca_file: str
    certificate_file: str


def configured(server: Server, uri: str, ca_file: str, certificate_file: str) -> Tls | None:
    """Return the TLS files for a server; None when its address does not ask for TLS.

    Raises `BadInputError` naming the variable that is wrong: an option that would weaken TLS, files without TLS, or a file
    that is missing or does not hold what it should.
    """
    on = _turned_on(server, uri)
    files = {f"{server}_CA_FILE": ca_file, f"{server}_CERTIFICATE_FILE": certificate_file}
    if not on:
        for variable, file in files.items():
            if file:
                raise BadInputError(f"{variable} is set, but {server}_URI does not turn TLS on: {_ON[server]}")
        return None
    for variable, file in files.items():
        if file:
            _check_file(variable, file, own=variable.endswith("CERTIFICATE_FILE"))
    return Tls(ca_file, certificate_file)


def _turned_on(server: Server, uri: str) -> bool:
    options = {name.lower(): value.lower() for name, value in parse_qsl(urlsplit(uri).query, keep_blank_values=True)}
    allowed = ("tls", "ssl") if server == "MONGODB" else ()
    for name in options:
        if name.startswith(("tls", "ssl")) and name not in allowed:
            raise BadInputError(
                f"{server}_URI may not hold the option {name}: certificate and host name are always verified, by "
                f"{server}_CA_FILE; a certificate of our own is named by {server}_CERTIFICATE_FILE"
            )
    if server == "MONGODB":
        chosen = options.get("tls", options.get("ssl", str(uri.startswith("mongodb+srv://")).lower()))
        if chosen not in ("true", "false"):
            raise BadInputError(f"tls in MONGODB_URI must be true or false, not {chosen!r}")
        return chosen == "true"
    if "amqps://" in uri and ";" in uri:
        raise BadInputError("AMQP_URI may name one address only with amqps://: give all brokers one name")
    return uri.startswith("amqps://")


def serving(certificate_file: str) -> ssl.SSLContext:
    """How we serve TLS with a certificate and its key in one file: 1.2 and later, with the cipher suites of OpenSSL's defaults."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate_file)
    return context


def asking(ca_file: str) -> ssl.SSLContext:
    """How we ask over HTTPS: the certificate must be for the host, of the authority in the file ("": one that the system knows)."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def checked(variable: str, file: str, own: bool) -> str:
    """A file of ours that TLS needs, "" for none; raises `BadInputError` naming its variable when it does not hold what it should."""
    if file:
        _check_file(variable, file, own)
    return file


def _check_file(variable: str, file: str, own: bool) -> None:
    """Load the file as a connection would; only OpenSSL knows whether it is valid."""
    try:
        Path(file).read_bytes()
    except OSError as error:
        raise BadInputError(f"{variable} {file} cannot be read: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if own:
            context.load_cert_chain(file, password=lambda: b"")
        else:
            context.load_verify_locations(file)
    except (ssl.SSLError, OSError, ValueError):
        what = "a certificate and its private key, which has no pass phrase," if own else "a certificate"
        raise BadInputError(f"{variable} {file} does not hold {what} in PEM form") from None


def explanation(error: object, server: Server) -> str:
    """Explain a TLS error and how to correct it; "" when the error (or its text) has another cause."""
    found = _SAID.search(str(error))
    if found is None:
        return ""
    reason, said = found.groups()
    if reason == "CERTIFICATE_VERIFY_FAILED":
        return _of_certificate(said, server)
    if reason in _NOT_TLS:
        return f"does not speak TLS at this port: name its TLS port{_PORT[server]} in {server}_URI, or {_OFF[server]} if it has none"
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return (
            f"wants to see a certificate of ours, or shares no cipher with us: set {server}_CERTIFICATE_FILE ({reason})"
        )
    if "ALERT" in reason and ("CA" in reason or "CERTIFICATE" in reason):
        return (
            f"does not accept the certificate in {server}_CERTIFICATE_FILE: have its own authority sign one ({reason})"
        )
    return f"fails over TLS: {reason}"


def _of_certificate(said: str, server: Server) -> str:
    if "expired" in said:
        return f"shows a certificate that has expired, or whose authority's has: renew it ({said})"
    if "not yet valid" in said:
        return f"shows a certificate that is not valid yet: compare the clocks of both machines ({said})"
    if "mismatch" in said:
        return (
            f"shows a certificate for another host: write the name it was issued for in {server}_URI, or issue one for this "
            f"name ({said})"
        )
    if any(words in said for words in _NO_AUTHORITY):
        return (
            f"shows a certificate of an authority that is not known here: let {server}_CA_FILE name that authority's "
            f"certificate ({said})"
        )
    return f"shows a certificate that cannot be verified: {said}"


def spoken_at(host: str, port: int, seconds: float = 2.0) -> bool:
    """Whether an address speaks TLS; sends the TLS greeting only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the connection is not used
    try:
        with socket.create_connection((host, port), seconds) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        return "ALERT" in str(error.reason)  # a refusal, but a TLS one
    except OSError:
        return False


def plain_to(server: Server) -> str:
    """Explain that a server speaks TLS while its address does not ask for it."""
    return f"speaks TLS at this port, and {server}_URI does not ask for it: {_ON[server]}"
