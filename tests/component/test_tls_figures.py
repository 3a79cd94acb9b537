"""Prometheus as `deploy/tls.yml` sets it up asks Linli's processes and the broker over HTTPS, and answers over nothing else."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Process, free_port
from tests.servers import RabbitMQ

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"


@pytest.fixture(scope="module")
def broker(certificates: Path) -> Iterator[tuple[RabbitMQ, int]]:
    """A broker with TLS and its figures, and the port of these."""
    port = free_port()
    lines = (ROOT / "deploy" / "rabbitmq" / "https.conf").read_text().replace("/run/secrets", str(certificates))
    lines = (
        lines.replace("15691", str(port))
        + f"prometheus.tcp.port = {free_port()}\nmanagement.tcp.port = {free_port()}\n"
    )
    made = RabbitMQ(tls=certificates, more=lines.split("\n"), plugins="rabbitmq_management,rabbitmq_prometheus")
    yield made, port
    made.destroy()


def get(url: str, authority: Path) -> Any:
    context = ssl.create_default_context(cafile=authority)
    with urllib.request.urlopen(url, timeout=5, context=context) as answer:
        return answer.read()


def soon(what: Callable[[], bool], told: Callable[[], str]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if what():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


def test_figures_are_asked_for_over_https(
    certificates: Path, authority_file: Path, broker: tuple[RabbitMQ, int], tmp_path: Path
) -> None:
    linli, figures, own = free_port(), broker[1], free_port()
    (tmp_path / "health.py").write_text(
        "import eventlet\neventlet.monkey_patch()\nimport sys\nfrom services.console.health import Health\n"
        "Health('localhost', int(sys.argv[1]), sys.argv[2]).problem = ''\neventlet.sleep(600)\n"
    )
    process = Process("health")
    process.spawn([sys.executable, "-W", "ignore", str(tmp_path / "health.py"), str(linli), str(certificates / "tls_linli")],
                  {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})  # fmt: skip
    text = (PROMETHEUS / "https.yml").read_text().replace("/run/secrets", str(certificates))
    text = text.replace("/etc/prometheus/alarms.yml", str(PROMETHEUS / "alarms.yml")).replace("15s", "1s")
    services = text.index("targets: [") + len("targets: [")
    text = text[:services] + f'"localhost:{linli}"' + text[text.index("]", services) :]
    (tmp_path / "prometheus.yml").write_text(text.replace("rabbitmq:15691", f"localhost:{figures}"))
    (tmp_path / "web.yml").write_text((PROMETHEUS / "web.yml").read_text().replace("/run/secrets", str(certificates)))
    prometheus = Process("prometheus")
    try:
        for what, file in (("config", "prometheus.yml"), ("web-config", "web.yml")):
            subprocess.run(["promtool", "check", what, tmp_path / file], check=True, capture_output=True)
        prometheus.spawn(
            ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--web.config.file={tmp_path}/web.yml",
             f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=localhost:{own}"],
            {"PATH": "/usr/bin:/bin"},
        )  # fmt: skip

        def targets() -> list[tuple[str, str, str]]:
            found = json.loads(get(f"https://localhost:{own}/api/v1/targets", authority_file))["data"]["activeTargets"]
            return sorted((one["labels"]["job"], one["scrapeUrl"].partition(":")[0], one["health"]) for one in found)

        wanted = [(job, "https", "up") for job in ("linli", "rabbitmq", "rabbitmq-queues")]
        soon(lambda: targets() == wanted, lambda: f"{targets()}\n{prometheus.tail()}\n{process.tail()}")
        for port, path in ((own, "-/ready"), (figures, "metrics"), (linli, "metrics")):
            with pytest.raises((OSError, HTTPException)):  # in plain text
                urllib.request.urlopen(f"http://localhost:{port}/{path}", timeout=5)
    finally:
        prometheus.destroy()
        process.destroy()
