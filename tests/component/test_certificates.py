"""`linli doctor` warns before a certificate ends: the servers', their authority's and our own."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from services.console.doctor import examine as doctor
from services.console.doctor.certificates import SOON, certificates
from shared.service.settings import Settings
from shared.tls import Tls
from tests.servers import MongoStandIn
from tests.tunnel import Authority, Tunnel


@pytest.mark.parametrize(("days", "state"), [(SOON.days - 1, "warning"), (1, "warning"), (SOON.days + 2, "ok")])
def test_a_servers_certificate_that_is_about_to_end_is_warned_of(
    days: int, state: str, authority: Authority, database: MongoStandIn, tmp_path: Path
) -> None:
    tunnel = Tunnel(authority.issue("localhost", until=days), ("127.0.0.1", database.port))
    uri = f"mongodb://localhost:{tunnel.port}/?directConnection=true&tls=true"
    read = Settings.read({"MONGODB_URI": uri, "MONGODB_CA_FILE": str(authority.file), "LINLI_DATA": str(tmp_path)})
    try:
        found = {finding["check"]: finding for finding in doctor.examine(read, ["audit"])["checks"]}
    finally:
        tunnel.close()
    shown = found[f"certificate of localhost:{tunnel.port}"]
    assert shown["state"] == state and f"{days - 1} days from now" in shown["message"]
    assert bool(shown["advice"]) is (state == "warning")
    assert found[f"MONGODB_CA_FILE {authority.file}"]["state"] == "ok"


def test_our_own_certificate_and_the_authoritys_are_looked_at_and_nothing_without_tls(
    authority: Authority, tmp_path: Path
) -> None:
    own, old = authority.issue("linli-audit", until=3), Authority(tmp_path, "old")
    both = tmp_path / "both.pem"
    both.write_bytes(authority.file.read_bytes() + old.file.read_bytes())
    states = {finding.check: finding.state for finding in certificates("AMQP", (), Tls(str(both), str(own)))}
    assert states == {f"AMQP_CA_FILE {both}": "ok", f"AMQP_CERTIFICATE_FILE {own}": "warning"}
    assert list(certificates("AMQP", [("localhost", 1)], None)) == []


def test_a_certificate_that_cannot_be_verified_is_not_called_good(authority: Authority, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target:
        tunnel = Tunnel(Authority(tmp_path, "others").issue("localhost"), target.getsockname())
        with pytest.raises(ssl.SSLCertVerificationError):
            list(certificates("AMQP", [("localhost", tunnel.port)], Tls(str(authority.file), "")))
        tunnel.close()
