"""What an operator lays over the compose file and the manifests to turn TLS on, as the tools that read it see it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from services.console.catalogue import SERVICES

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = sorted(path.name for path in (ROOT / "deploy" / "kubernetes").glob("*.yaml"))
#: What no client may still be given.
PLAIN = re.compile(r"amqp://|\b5672\b|authSource=admin(?!&tls=true)")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that `deploy/secrets` and `deploy/certificates` make."""
    folder = tmp_path_factory.mktemp("made")
    for script in ("secrets", "certificates"):
        subprocess.run([ROOT / "deploy" / script, folder], check=True)
    return folder


def composed(made: Path, *files: str, profile: str = "tools") -> dict[str, Any]:
    """The services as compose understands the files; this needs no engine."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    assert plugin or shutil.which("docker-compose"), "no docker compose here: apt-get install docker-compose"
    command = ["docker", "compose"] if plugin else ["docker-compose"]
    for file in files:
        command += ["-f", str(ROOT / file)]
    environment = {"LINLI_SECRETS": str(made), "LINLI_CERTIFICATES": str(made), "PATH": "/usr/bin:/usr/local/bin:/bin"}
    done = subprocess.run([*command, "--profile", profile, "config"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return services


def test_compose_gives_every_client_tls_and_changes_nothing_else(made: Path) -> None:
    before = composed(made, "docker-compose.yml")
    after = composed(made, "docker-compose.yml", "deploy/tls.yml")
    for name in (*SERVICES, "tools", "admin", "migrate"):
        was, given = before[name]["environment"], after[name]["environment"]
        for server, file in (("AMQP", "AMQP_CA_FILE"), ("MONGODB", "MONGODB_CA_FILE")):
            assert (file in given) == (f"{server}_URI" in was)
        assert not PLAIN.search(str(given)), given
        assert given.pop("LINLI_CA_FILE", "") == ("/run/secrets/tls_authority" if name != "migrate" else "")
        certificate = given.pop("LINLI_CERTIFICATE_FILE", "")
        assert certificate == ("/run/secrets/tls_linli" if name in SERVICES else ""), "who serves shows it"
        assert ("tls_linli" in {secret["source"] for secret in after[name]["secrets"]}) == bool(certificate)
        plain = {key: value.replace("amqps://", "amqp://").replace(":5671", ":5672").replace("&tls=true", "")
                 for key, value in given.items() if not key.endswith("_CA_FILE")}  # fmt: skip
        assert plain == was
        assert "tls_authority" in {secret["source"] for secret in after[name]["secrets"]}
    for name in ("mongo-1", "mongo-2", "mongo-3"):
        assert after[name]["environment"] == before[name].get("environment", {}) | {"TLS": "yes"}
        assert "--tls" in after[name]["healthcheck"]["test"]
    watching = composed(made, "docker-compose.yml", "deploy/tls.yml", profile="watch")
    assert "--web.config.file=/etc/prometheus/web.yml" in watching["prometheus"]["command"]
    for name, file in (("prometheus", "deploy/prometheus/https.yml"), ("grafana", "deploy/grafana/https.yml")):
        volumes = watching[name]["volumes"]  # older ones print each as one text
        laid = [
            tuple(one.split(":")[:2]) if isinstance(one, str) else (one["source"], one["target"]) for one in volumes
        ]
        assert str(ROOT / file) in dict(laid)
        targets = [target for _, target in laid]
        assert len(targets) == len(set(targets)), "what is laid over takes the place of what was there"
    mounted = {secret["source"] for service in after.values() for secret in service.get("secrets", ())}
    assert "tls_authority_key" not in mounted
    assert {"tls_authority", "tls_rabbitmq", "tls_rabbitmq_key", "tls_mongodb"} <= mounted
    assert {name for name in mounted if not (made / name).exists()} == set()


def test_mongod_is_started_with_tls_only_when_asked(tmp_path: Path) -> None:
    for name, body in (("install", "true"), ("docker-entrypoint.sh", 'echo "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)

    def started(**environment: str) -> str:
        environment |= {"PATH": f"{tmp_path}:/bin:/usr/bin"}
        start = str(ROOT / "deploy" / "mongo" / "start")
        return subprocess.run(["sh", start], env=environment, capture_output=True, text=True, check=True).stdout

    plain = started()
    assert plain.startswith("mongod --replSet rs0 ") and "tls" not in plain
    assert started(TLS="yes").startswith(plain.strip() + " --tlsMode requireTLS --tlsCertificateKeyFile /run/secrets/")


def turned_on(name: str) -> list[dict[str, Any]]:
    script = ROOT / "deploy" / "kubernetes" / "with-tls"
    printed = subprocess.run(
        [script, ROOT / "deploy" / "kubernetes" / name], capture_output=True, text=True, check=True
    )
    assert not PLAIN.search(printed.stdout)
    return [manifest for manifest in yaml.safe_load_all(printed.stdout) if manifest]


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_with_tls_fits_its_schema(name: str) -> None:
    for manifest in turned_on(name):
        kubernetes_validate.validate(manifest, "1.35", strict=True)


@pytest.mark.parametrize("name", ["services.yaml", "migrate.yaml", "rabbitmq.yaml", "mongodb.yaml"])
def test_every_file_that_tls_needs_is_mounted(name: str, made: Path) -> None:
    found = 0
    for manifest in turned_on(name):
        pod = manifest.get("spec", {}).get("template", {}).get("spec")
        if pod is None:
            continue
        items = [item for volume in pod["volumes"] for item in volume.get("secret", {}).get("items", [])]
        assert {item["key"] for item in items} <= {path.name for path in made.iterdir()} - {"tls_authority_key"}
        container = pod["containers"][0]
        assert "/run/secrets" in {mount["mountPath"] for mount in container["volumeMounts"]}
        needed = set(re.findall(r"/run/secrets/(tls_\w+)", str(container)))
        if name == "rabbitmq.yaml":
            lines = "".join((ROOT / "deploy" / "rabbitmq" / file).read_text() for file in ("tls.conf", "https.conf"))
            needed = set(re.findall(r"/run/secrets/(tls_\w+)", lines))
            assert "15692" not in str(manifest) and "https.conf" in str(pod["volumes"])
        assert needed and needed <= {item["path"] for item in items}
        given = {variable["name"]: variable.get("value", "") for variable in container.get("env", ())}
        assert [f"{server}_CA_FILE" in given for server in ("AMQP", "MONGODB")] == [
            f"{server}_URI" in given for server in ("AMQP", "MONGODB")
        ]
        if name == "services.yaml":
            assert given["LINLI_CERTIFICATE_FILE"] == "/run/secrets/tls_linli" and given["LINLI_CA_FILE"]
            probes = [container[probe]["httpGet"]["scheme"] for probe in container if probe.endswith("Probe")]
            assert probes == ["HTTPS"] * 3
        if name in ("services.yaml", "rabbitmq.yaml"):
            assert manifest["spec"]["template"]["metadata"]["annotations"]["prometheus.io/scheme"] == "https"
        found += 1
    assert found == (len(SERVICES) if name == "services.yaml" else 1)


def test_prometheus_asks_the_same_over_https() -> None:
    plain, secured = (
        yaml.safe_load((ROOT / "deploy" / "prometheus" / name).read_text()) for name in ("prometheus.yml", "https.yml")
    )
    authority = {"ca_file": "/run/secrets/tls_authority", "min_version": "TLS12"}
    for job in secured["scrape_configs"]:
        assert (job.pop("scheme"), job.pop("tls_config")) == ("https", authority)
        for group in job["static_configs"]:
            group["targets"] = [target.replace("15691", "15692") for target in group["targets"]]
    assert secured == plain
    (was,), (given,) = (
        yaml.safe_load((ROOT / "deploy" / "grafana" / name).read_text())["datasources"]
        for name in ("provisioning/datasources/prometheus.yml", "https.yml")
    )
    assert (
        given.pop("jsonData")["tlsAuthWithCACert"] is True
        and "tls_authority" in given.pop("secureJsonData")["tlsCACert"]
    )
    assert given == was | {"url": "https://prometheus:9090"}
