"""pytest-docker brings up docker-compose.yml with images made on this machine, once a session, and takes it down."""

from __future__ import annotations

import os
import subprocess
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
    """The city's secrets, made by the script that `make up` uses."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([ROOT / "deploy" / "secrets", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def docker_compose_command(engine: Engine, secrets: Path) -> str:
    engine.environment |= {"LINLI_SECRETS": str(secrets), "LINLI_PUBLISH": f"127.0.0.1:{free_port()}"}
    os.environ.update(engine.environment)  # pytest-docker runs its commands in this process's environment
    return engine.compose


@pytest.fixture(scope="session")
def docker_compose_file() -> list[str]:
    return [str(ROOT / "docker-compose.yml"), str(ROOT / "tests" / "compose" / "override.yml")]


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return f"linlitest{os.getpid()}"


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    return ["up -d"]


@pytest.fixture(scope="session")
def docker_cleanup() -> list[str]:
    return ["down -v -t 10"]
