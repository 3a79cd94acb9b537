"""The city as docker-compose.yml describes it, in real containers: a story through the gateway, and what keeps it safe (§1, R2, R3)."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.console.catalogue import OWNERS, SERVICES
from shared.broker.message import LARGEST_MESSAGE
from tests.compose.engine import Engine
from tests.compose.test_watching import FIGURES, RULES

ROOT = Path(__file__).resolve().parents[2]
STORY = ROOT / "deploy" / "scenarios" / "sanchajie.yaml"
#: Making images, starting and telling the story take minutes where nothing is cached.
pytestmark = [pytest.mark.city, pytest.mark.timeout(900)]


class City:
    """The running containers."""

    def __init__(self, engine: Engine, project: str, port: int, secrets: Path, data: Path) -> None:
        self.engine, self.port = engine, port
        self._project = project
        self._environment = os.environ | {
            "PYTHONPATH": str(ROOT), "LINLI_OPERATOR_TOKEN_FILE": str(secrets / "operator_token"), "LINLI_DATA": str(data),
        }  # fmt: skip

    def linli(self, *arguments: str) -> str:
        """Run the `linli` command as an operator's machine would, outside the containers."""
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "services.console",
            *arguments,
            "--url",
            f"http://127.0.0.1:{self.port}",
        ]
        done = subprocess.run(
            command, env=self._environment, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def compose(self, *arguments: str) -> str:
        """Run a compose command on this city."""
        files = [
            word for name in ("docker-compose.yml", "tests/compose/override.yml") for word in ("-f", str(ROOT / name))
        ]
        return self.engine.run(*self.engine.compose.split(), *files, "-p", self._project, *arguments, seconds=400)

    def tool(self, *arguments: str) -> str:
        """Run the `linli` command in a container beside the services, as the guide says."""
        return self.compose("--profile", "tools", "run", "--rm", "-T", "tools", *arguments)

    def container(self, service: str) -> str:
        """The id of a service's container."""
        labels = (f"com.docker.compose.project={self._project}", f"com.docker.compose.service={service}")
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        return self.engine.run("docker", "ps", "-aq", *filters).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.engine.run("docker", "inspect", self.container(service)))[0]
        return found

    def inside(self, service: str, *command: str) -> str:
        return self.engine.run("docker", "exec", self.container(service), *command)

    def ready(self) -> bool:
        """Whether the gateway answers that all services are ready."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.linli("status", "--json"))["services"]
        return found

    def behind(self) -> int:
        """Facts that some service has not relayed or applied."""
        status = self.status()
        heads = {name: service["head"] for name, service in status.items()}
        applied = sum(
            heads[source] - at["position"] for service in status.values() for source, at in service["followers"].items()
        )
        return applied + sum(service["head"] - service["relayed"] for name, service in status.items())

    def logs(self) -> str:
        return "\n".join(
            f"--- {name}\n{self.engine.run('docker', 'logs', '--tail', '8', self.container(name))}" for name in SERVICES
        )


def wait_for(ready: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"waited {seconds} s: {what()}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def city(
    engine: Engine,
    secrets: Path,
    docker_services: Any,
    docker_compose_project_name: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> City:
    """The city with the story of a neighbourhood's year told through its gateway."""
    port = docker_services.port_for("gateway", 8000)
    city = City(engine, docker_compose_project_name, port, secrets, tmp_path_factory.mktemp("data"))
    wait_for(city.ready, 90, city.logs)
    report = json.loads(city.tool("scenario", "run", "deploy/scenarios/sanchajie.yaml", "--json"))
    assert report["holds"] is True
    return city


def test_the_story_holds_and_nobody_lags(city: City) -> None:
    wait_for(lambda: city.behind() == 0, 30, lambda: json.dumps(city.status()))
    heads = {name: service["head"] for name, service in city.status().items()}
    assert all(heads[name] > 0 for name in OWNERS if name != "audit")
    assert sum(at["parked"] for service in city.status().values() for at in service["followers"].values()) == 0


def test_subscribers_were_given_their_facts(city: City) -> None:
    def waiting() -> dict[str, str]:
        listed = city.inside("rabbitmq", "rabbitmqctl", "-q", "-p", "linli", "list_queues", "name", "messages")
        return dict(line.split() for line in listed.splitlines()[1:])

    # facts are delivered at least once, and the broker counts a queue's messages every few seconds only
    head = city.status()["funding"]["head"]
    wait_for(lambda: int(waiting()["linli.public.finance"]) >= head, 30, lambda: f"{head} facts, {waiting()}")
    assert int(waiting()["linli.public.street"]) > 0
    assert int(waiting()["linli.dead-letters"]) == 0


def test_the_broker_takes_no_message_that_no_service_would_send(city: City) -> None:
    ask = "application:get_env(rabbit, max_message_size)."
    assert city.inside("rabbitmq", "rabbitmqctl", "-q", "eval", ask).strip() == f"{{ok,{LARGEST_MESSAGE}}}"


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_runs_without_rights_or_secrets_in_its_environment(
    city: City, service: str, secrets: Path
) -> None:
    found = city.inspect(service)
    host = found["HostConfig"]
    assert found["State"]["Health"]["Status"] == "healthy"
    assert found["Config"]["User"] == "10001"
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and host["Memory"] and host["PidsLimit"]
    given = {path.name: path.read_text().strip() for path in secrets.iterdir()}
    assert [name for name, secret in given.items() if secret in json.dumps(found)] == []
    held = city.inside(service, "ls", "/run/secrets").split()
    assert [name for name in held if name.startswith(("amqp_", "mongodb_")) and not name.endswith(f"_{service}")] == []
    with pytest.raises(RuntimeError, match="Read-only file system"):
        city.inside(service, "touch", "/opt/app/changed")


@pytest.mark.parametrize("service", OWNERS)
def test_each_service_shows_its_metrics(city: City, service: str) -> None:
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
    assert f'service="{service}"' in city.inside(service, "python", "-c", ask)


def test_without_the_test_images_it_is_the_public_ones(city: City) -> None:
    files = ("-f", str(ROOT / "docker-compose.yml"), "-p", "public")
    compose = ("env", "-u", "LINLI_IMAGE", *city.engine.compose.split(), *files)
    text = city.engine.run(*compose, "--profile", "watch", "--profile", "tools", "config")
    services = yaml.safe_load(text)["services"]
    images = {service["image"] for service in services.values()}
    assert {image.split(":")[0] for image in images} == {
        "linli/linli",
        "rabbitmq",
        "mongo",
        "prom/prometheus",
        "grafana/grafana",
    }
    assert {name for name in services if name.startswith("mongo-")} == {"mongo-1", "mongo-2", "mongo-3"}
    assert [name for name, service in services.items() if not service.get("read_only")] == []


def test_alarms_and_dashboard_ask_for_figures_that_exist(city: City) -> None:
    """The broker's plugin and the services really export what is asked for."""
    ask = "import sys, urllib.request as r; [print(r.urlopen(url).read().decode()) for url in sys.argv[1:]]"
    broker = "http://rabbitmq:15692/metrics"
    addresses = (
        "http://issues:9100/metrics",
        "http://gateway:9100/metrics",
        broker,
        f"{broker}/detailed?vhost=linli&family=queue_coarse_metrics",
    )
    text = city.inside("gateway", "python", "-c", ask, *addresses)
    exported = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) | set(
        re.findall(r"^([a-z_]+)[{ ]", text, re.MULTILINE)
    )
    assert sorted(FIGURES - exported) == []


def test_operators_have_their_tools_beside_the_services(city: City) -> None:
    assert json.loads(city.tool("status", "--json"))["services"].keys() == set(OWNERS)
    heads = {name: service["head"] for name, service in city.status().items()}
    assert sum(heads.values()) > 1000
    city.tool("verify")  # exits 1 when a record, a chain or the city ledger does not fit
    city.tool("backup", "/backups/one")


def test_prometheus_asks_everybody_and_sees_who_is_away(city: City) -> None:
    def ask(what: str) -> Any:
        """What the running Prometheus answers; it can only be reached from inside."""
        get = f"import urllib.request as r; print(r.urlopen('http://prometheus:9090/api/v1/{what}').read().decode())"
        return json.loads(city.inside("gateway", "python", "-c", get))["data"]

    def health() -> dict[str, str]:
        targets = ask("targets?state=active")["activeTargets"]
        return {target["labels"]["instance"] + target["labels"]["job"]: target["health"] for target in targets}

    def away() -> list[str]:
        return [
            alert["labels"]["instance"]
            for alert in ask("alerts")["alerts"]
            if alert["labels"]["alertname"] == "ServiceDown"
        ]

    wait_for(lambda: set(health().values()) == {"up"}, 60, lambda: json.dumps(health()))
    assert len(health()) == len(SERVICES) + 2
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in rules] == [rule["alert"] for rule in RULES]
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []
    assert away() == []
    city.engine.run("docker", "stop", "--time", "20", city.container("volunteers"))
    wait_for(lambda: away() == ["volunteers:9100"], 60, lambda: json.dumps(ask("alerts")))
    city.engine.run("docker", "start", city.container("volunteers"))
    wait_for(lambda: away() == [], 60, lambda: json.dumps(ask("alerts")))
    wait_for(city.ready, 60, city.logs)


def test_a_service_stops_in_time_and_comes_back_with_everything(city: City) -> None:
    before = {name: service["head"] for name, service in city.status().items() if name != "audit"}  # it notes who asks
    names = [city.container(name) for name in SERVICES]
    started = time.monotonic()
    city.engine.run("docker", "stop", "--time", "20", *names)
    assert time.monotonic() - started < 10 * len(names)  # docker stops them one after the other
    assert [city.inspect(name)["State"]["ExitCode"] for name in SERVICES] == [0] * len(names)  # none was killed (R3)
    city.engine.run("docker", "start", *names)
    wait_for(city.ready, 60, city.logs)
    after = {name: service["head"] for name, service in city.status().items() if name != "audit"}
    assert after == before


def test_a_broker_that_comes_back_empty_costs_nothing(city: City) -> None:
    volume = next(mount["Name"] for mount in city.inspect("rabbitmq")["Mounts"] if mount["Type"] == "volume")
    city.engine.run("docker", "rm", "-fv", city.container("rabbitmq"))
    city.engine.run("docker", "volume", "rm", volume)
    city.compose("up", "-d", "--no-deps", "rabbitmq")
    wait_for(city.ready, 90, city.logs)
    wait_for(lambda: city.behind() == 0, 30, lambda: json.dumps(city.status()))
    report = json.loads(city.linli("scenario", "run", str(STORY), "--json"))  # told again, it changes nothing
    assert report["holds"] is True
