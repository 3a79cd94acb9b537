"""`make up` brings up docker-compose.yml with images made on this machine, once a session; pytest-docker takes it down."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.engine import Engine
from tests.processes import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Docker's engine, with the images of the test built."""
    engine = Engine()
    before = dict(os.environ)
    try:
        packages = sysconfig.get_paths()["purelib"]
        engine.run(str(ROOT / "deploy" / "test-images" / "build"), packages, seconds=600)
        yield engine
    finally:
        engine.stop()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `make up` makes the city's secrets."""
    return tmp_path_factory.mktemp("secrets")


@pytest.fixture(scope="session")
def docker_compose_command(engine: Engine, secrets: Path) -> str:
    engine.environment |= {
        "LINLI_SECRETS": str(secrets),
        "LINLI_TRIAL": "yes",
        "LINLI_PUBLISH": f"127.0.0.1:{free_port()}",
        "GRAFANA_PUBLISH": f"127.0.0.1:{free_port()}",
        "LINLI_IMAGE": "linli-test/linli",
        # the authorities of this machine are lent to the build only; no layer holds them
        "LINLI_BUILD": "--network host --build-arg BASE=linli-test/base "
        "--secret id=authorities,src=/etc/ssl/certs/ca-certificates.crt",
    }
    os.environ.update(engine.environment)  # pytest-docker runs its commands in this process's environment
    return engine.compose


@pytest.fixture(scope="session")
def docker_compose_file() -> list[str]:
    return [str(ROOT / "docker-compose.yml"), str(ROOT / "tests" / "compose" / "override.yml")]


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return f"linlitest{os.getpid()}"


@pytest.fixture(scope="session")
def docker_setup(
    engine: Engine, docker_compose_command: str, docker_compose_file: list[str], docker_compose_project_name: str
) -> list[str]:
    """The word of the README starts it; what is left to pytest-docker is to look."""
    files = " ".join(f"-f {file}" for file in docker_compose_file)
    compose = f"{docker_compose_command} {files} -p {docker_compose_project_name}"
    engine.run("make", "-C", str(ROOT), "up", f"COMPOSE={compose}", seconds=600)
    return ["ps"]


@pytest.fixture(scope="session")
def docker_cleanup() -> list[str]:
    return ["--profile watch down -v -t 10"]
