"""The Kubernetes manifests: valid by the published schemas, safe by default, and in step with the compose file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from services.console.catalogue import SERVICES

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("1.30", "1.35")
Manifest = dict[str, Any]


def manifests() -> Iterator[tuple[str, Manifest]]:
    for path in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text()):
            yield f"{path.stem}:{manifest['kind']}/{manifest['metadata']['name']}", manifest


ALL = dict(manifests())
PODS = {
    name: manifest["spec"]["template"]["spec"]
    for name, manifest in ALL.items()
    if "template" in manifest.get("spec", {})
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ALL)
def test_a_manifest_fits_its_schema(name: str, version: str) -> None:
    kubernetes_validate.validate(ALL[name], version, strict=True)


def test_a_manifest_with_a_mistake_is_found() -> None:
    broken = json.loads(json.dumps(ALL["services:Deployment/registry"]))
    broken["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


@pytest.mark.parametrize("name", PODS)
def test_every_container_is_confined(name: str) -> None:
    pod = PODS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]) == {"requests", "limits"}
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        claims = ALL[name]["spec"].get("volumeClaimTemplates", [])
        assert mounted <= {volume["name"] for volume in pod.get("volumes", [])} | {
            claim["metadata"]["name"] for claim in claims
        }


@pytest.mark.parametrize("name", [name for name in PODS if "Job/" not in name])
def test_every_server_is_probed(name: str) -> None:
    for container in PODS[name]["containers"]:
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)


def _secrets_of(pod: Manifest) -> set[str]:
    return {item["key"] for volume in pod["volumes"] for item in volume.get("secret", {}).get("items", [])}


@pytest.mark.parametrize("name", PODS)
def test_every_secret_that_is_mounted_is_made(name: str, tmp_path: Path) -> None:
    subprocess.run([ROOT / "deploy" / "secrets", tmp_path], check=True)
    made = {path.name for path in tmp_path.iterdir()}
    assert _secrets_of(PODS[name]) <= set(ALL["secrets.template:Secret/linli"]["stringData"]) <= made


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_the_same_in_both_shapes(service: str) -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]
    pod = next(pod for name, pod in PODS.items() if name.endswith(f"/{service}"))
    container = pod["containers"][0]
    assert container["args"] == composed["command"]
    assert _secrets_of(pod) == set(composed["secrets"])
    shared = ALL["configuration:ConfigMap/linli"]["data"]
    given = set(shared) | {variable["name"] for variable in container["env"]}
    assert set(composed["environment"]) - {"<<"} <= given


def test_the_template_holds_no_secret() -> None:
    assert set(ALL["secrets.template:Secret/linli"]["stringData"].values()) == {""}
