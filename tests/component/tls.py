"""What the tests of TLS share: settings for an address, and the look that a service takes at its broker before it starts."""

from __future__ import annotations

from pathlib import Path

from shared.broker import topology
from shared.service.settings import Settings


def settings(uri: str, authority_file: Path | str, **variables: str) -> Settings:
    return Settings.read({"AMQP_URI": uri, "AMQP_CA_FILE": str(authority_file), **variables})


def check(read: Settings) -> None:
    topology.check(read.amqp_uri, "watchers", ("shops",), read.amqp_tls)
