"""Databases that speak MongoDB's protocol, for the tests: a replica set of MongoDB where one can be had, else the stand-in.

`mongodb()` takes the first that can be had: the server that `MONGODB_URI` names; three members of the binary that `MONGOD` names;
three containers of `MONGO_IMAGE`; the stand-in. Whatever is asked for and cannot be had is said in one line.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import signal
import subprocess
import sysconfig
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.processes import Process, free_port, wait_until

STAND_IN = "SecantusDB 0.6.0b17 (wire-compatible stand-in)"
SET = "rs0"
#: The administrator of a server that is made here.
ROOT, PASSWORD = "root", "root-pw"
COMPOSE_FILE = Path(__file__).with_name("mongodb.compose.yml")


class MongoStandIn:
    """SecantusDB from the wheel of the same name: speaks MongoDB's protocol, is not MongoDB."""

    description = STAND_IN
    guarded = False

    def __init__(self) -> None:
        self._binary = Path(sysconfig.get_paths()["purelib"]) / "secantusdb.scripts" / "secantusd-rs"
        if not self._binary.exists():
            raise RuntimeError(f"no {self._binary}: `pip install secantusdb==0.6.0b17` (later wheels lack the binary)")
        self._process = Process("mongodb")
        self.port = free_port()
        self.uri = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"
        self.start()

    def command(self) -> list[str]:
        """Give the command that starts the server."""
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--storage-path", str(self._process.folder / "data")]
        sizes = ["--sync-on-commit", "--log-file-max", "128MB", "--cache-size", "256M"]
        return [str(self._binary), *place, *sizes, *(["--auth"] if self.guarded else [])]

    @property
    def folder(self) -> Path:
        """Where everything lies that it writes."""
        return self._process.folder

    def guard(self) -> None:
        """Make an administrator and ask everybody for a password from now on; `uri` is then the administrator's."""
        _admin(self.uri, "createUser", ROOT, pwd=PASSWORD, roles=["root"])
        self.guarded = True
        self.restart()
        self.uri = self.of(ROOT, PASSWORD)

    def of(self, user: str, password: str) -> str:
        """The address for another user."""
        return with_user(self.uri, user, password)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process.spawn(self.command())
        wait_until(
            lambda: self._process.running() and _pings(self.uri),
            60,
            lambda: f"the database did not start in 60 s:\n{self._process.tail()}",
        )

    def stop(self) -> None:
        """Stop the server in order (SIGTERM)."""
        self._process.signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the server (SIGKILL), as a power cut would."""
        self._process.signal(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start with the same data."""
        self.stop()
        self.start()

    def destroy(self) -> None:
        """End the server and remove its data."""
        self._process.destroy()


class ReplicaSet(MongoStandIn):
    """Members of a real mongod, named by `MONGOD`, which know one another by a key file and ask everybody for a password."""

    guarded = True

    def __init__(self, binary: str, members: int = 3) -> None:
        self._binary = Path(shutil.which(binary) or binary)
        if not self._binary.exists():
            raise RuntimeError(f"MONGOD names {binary}, which does not exist")
        self._members = [(Process("mongodb"), free_port()) for _ in range(members)]
        self.port = self._members[0][1]
        self.uri = ""
        key = base64.b64encode(os.urandom(384))
        for process, _ in self._members:
            (process.folder / "data").mkdir()
            file = process.folder / "keyfile"
            file.write_bytes(key)
            file.chmod(0o400)  # mongod refuses a key that others may read
        self.start()
        self.description = describe(self.uri)

    def commands(self) -> list[list[str]]:
        """Give the command that starts each member; a key file also turns authorization on."""
        return [
            [
                str(self._binary),
                *("--replSet", SET, "--bind_ip", "localhost", "--port", str(port), "--nounixsocket"),
                *("--dbpath", str(process.folder / "data"), "--keyFile", str(process.folder / "keyfile")),
                *("--wiredTigerCacheSizeGB", "0.25"),
            ]
            for process, port in self._members
        ]

    def start(self) -> None:
        """Start the members, form the set and its administrator the first time, and wait for a primary."""
        for (process, port), command in zip(self._members, self.commands(), strict=True):
            process.spawn(command)
            alone = f"mongodb://localhost:{port}/?directConnection=true"
            wait_until(
                lambda process=process, alone=alone: process.running() and _pings(alone),
                60,
                lambda process=process: f"a member did not start in 60 s:\n{process.tail()}",
            )
        if not self.uri:
            self.uri = form([f"localhost:{port}" for _, port in self._members])
        else:
            wait_until(lambda: _pings(self.uri), 60, lambda: "no primary in 60 s")

    def guard(self) -> None:
        """It is guarded from the beginning."""

    def stop(self) -> None:
        """Stop every member in order (SIGTERM)."""
        for process, _ in self._members:
            process.signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill every member (SIGKILL), as a power cut would."""
        for process, _ in self._members:
            process.signal(signal.SIGKILL)

    def destroy(self) -> None:
        """End every member and remove the data."""
        for process, _ in self._members:
            process.destroy()


class ExternalMongo:
    """The server named by `MONGODB_URI`; it is not ours to stop."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.description = describe(uri)
        self.guarded = bool(urlsplit(uri).username)

    def of(self, user: str, password: str) -> str:
        """The address for another user."""
        return with_user(self.uri, user, password)

    def stop(self) -> None:
        """Refuse: other people use that server."""
        raise RuntimeError("the server named by MONGODB_URI is not the tests' own; unset it for this test")

    kill = restart = start = stop

    def destroy(self) -> None:
        """Leave the server as it is."""


class DockerReplicaSet(ExternalMongo):
    """Three containers of `MONGO_IMAGE`, brought up by pytest-docker from `mongodb.compose.yml` and taken down when Python exits."""

    def __init__(self, image: str) -> None:
        """Raises `RuntimeError` saying why when there is no Docker, no Compose or no image."""
        from pytest_docker.plugin import get_docker_services

        compose = _compose(image)
        ports = [free_port() for _ in range(3)]
        os.environ |= {f"MONGO_PORT_{number}": str(port) for number, port in enumerate(ports, 1)}
        os.environ |= {"MONGO_IMAGE": image, "MONGO_KEY": base64.b64encode(os.urandom(384)).decode()}
        self._stack = ExitStack()
        atexit.register(self._stack.close)
        project = f"linlimongo{os.getpid()}"
        self._stack.enter_context(
            get_docker_services(compose, str(COMPOSE_FILE), project, ["up -d"], ["down -v -t 5"])
        )  # fmt: skip
        for port in ports:
            alone = f"mongodb://localhost:{port}/?directConnection=true"
            wait_until(lambda alone=alone: _pings(alone), 120, lambda: f"a container of {image} does not answer")
        super().__init__(form([f"localhost:{port}" for port in ports]))

    def destroy(self) -> None:
        """Take the containers and their data down."""
        self._stack.close()


def _compose(image: str) -> str:
    """The command for Compose, after a look whether Docker answers and has the image or can fetch it."""

    def run(*command: str, seconds: float = 20) -> subprocess.CompletedProcess[str] | None:
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None

    def works(*command: str, seconds: float = 20) -> bool:
        done = run(*command, seconds=seconds)
        return done is not None and done.returncode == 0

    if shutil.which("docker") is None:
        raise RuntimeError("there is no docker")
    if not works("docker", "info"):
        raise RuntimeError("Docker's engine does not answer")
    if not works("docker", "image", "inspect", image) and not works("docker", "pull", image, seconds=600):
        raise RuntimeError(f"the image {image} is not here and cannot be fetched")
    for compose in ("docker compose", "docker-compose"):
        if works(*compose.split(), "version"):
            return compose
    raise RuntimeError("there is no docker compose")


def mongodb(members: int = 3) -> Any:
    """Choose the database: `MONGODB_URI`, else the binary `MONGOD`, else containers of `MONGO_IMAGE`, else the stand-in.

    With one member an own server is reached by one address only, and containers are not asked for.
    """
    if uri := os.environ.get("MONGODB_URI"):
        return ExternalMongo(uri)
    if binary := os.environ.get("MONGOD"):
        return ReplicaSet(binary, members)
    if (image := os.environ.get("MONGO_IMAGE")) and members > 1:
        try:
            return DockerReplicaSet(image)
        except RuntimeError as error:
            print(
                f"no MongoDB in containers: {error}; MONGODB_URI and MONGOD are not set: the stand-in it is", flush=True
            )
    return MongoStandIn()


def form(hosts: list[str]) -> str:
    """Make a replica set of members that run, and its administrator; the address of the set, as the administrator.

    Members are named by host names: MongoDB 5.0 and later refuse some configurations of bare IP addresses. Until the first user
    exists the server lets anybody in who comes over its own loopback, once, to make one.
    """
    alone = [f"mongodb://{host}/?directConnection=true" for host in hosts]
    config = {"_id": SET, "members": [{"_id": number, "host": host} for number, host in enumerate(hosts)]}
    _admin(alone[0], "replSetInitiate", config)
    primary: list[str] = []

    def elected() -> bool:
        primary[:] = [uri for uri in alone if _admin(uri, "hello")["isWritablePrimary"]]
        return len(primary) == 1

    wait_until(elected, 60, lambda: "no primary in 60 s")
    _admin(primary[0], "createUser", ROOT, pwd=PASSWORD, roles=["root"])
    query = f"replicaSet={SET}" if len(hosts) > 1 else "directConnection=true"
    return f"mongodb://{ROOT}:{PASSWORD}@{','.join(hosts)}/?{query}&authSource=admin"


def with_user(uri: str, user: str, password: str) -> str:
    """The same address for another user."""
    rest = uri.removeprefix("mongodb://").rpartition("@")[2]
    rest += "" if "authSource=" in rest else "&authSource=admin" if "?" in rest else "/?authSource=admin"
    return f"mongodb://{user}:{password}@{rest}"


def describe(uri: str) -> str:
    """Say what answers at a URI: a figure of the stand-in is never called MongoDB."""
    build = _admin(uri, "buildInfo")
    if "secantus" in json.dumps(build, default=str).lower():
        return STAND_IN
    hello = _admin(uri, "hello")
    members = len(hello.get("hosts", [])) + len(hello.get("passives", [])) + len(hello.get("arbiters", []))
    if "setName" not in hello:
        return f"MongoDB {build['version']} (no replica set)"
    return f"MongoDB {build['version']} (replica set {hello['setName']}, {members} member{'s' * (members != 1)})"


def _admin(uri: str, command: str, value: Any = 1, **fields: Any) -> dict[str, Any]:
    import pymongo

    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri, serverSelectionTimeoutMS=5000)
    with client:
        return dict(client.admin.command(command, value, **fields))


def _pings(uri: str) -> bool:
    from pymongo.errors import PyMongoError

    try:
        return bool(_admin(f"{uri}&serverSelectionTimeoutMS=500", "ping"))
    except PyMongoError:
        return False
