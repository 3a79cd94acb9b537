"""Which server the tests take, and how a real one would be started: the options of mongod, the replica set, its administrator."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
import yaml
from pymongo import MongoClient

from tests import mongodb_servers as servers

#: Stands for mongod: takes the options that its manual names, refuses what it would refuse, and lets the stand-in serve.
STANDING_FOR_MONGOD = f"""#!{sys.executable}
import argparse, os, re, sys
from pathlib import Path
options = argparse.ArgumentParser(allow_abbrev=False)
for name in ("--replSet", "--bind_ip", "--port", "--dbpath", "--keyFile", "--wiredTigerCacheSizeGB"):
    options.add_argument(name, required=True)
options.add_argument("--nounixsocket", action="store_true")
given = options.parse_args()
key = Path(given.keyFile)
assert key.stat().st_mode & 0o077 == 0, "permissions on the key file are too open"
assert 6 <= len(re.sub(r"\\\\s", "", key.read_text())) <= 1024 and re.fullmatch(r"[A-Za-z0-9+/=]+", key.read_text())
assert Path(given.dbpath).is_dir(), "the data folder does not exist"
assert float(given.wiredTigerCacheSizeGB) >= 0.25 and given.bind_ip == "localhost"
os.execv("{{binary}}", ["{{binary}}", "--host", "127.0.0.1", "--port", given.port, "--storage-path", given.dbpath, "--sync-on-commit"])
"""


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MONGODB_URI", "MONGOD", "MONGO_IMAGE"):
        monkeypatch.delenv(name, raising=False)


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_mongod_is_started_with_a_key_and_gets_an_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way to a server with one member: options, key file, replica set, first user, address."""
    stand_in = servers.MongoStandIn()
    stand_in.destroy()
    text = STANDING_FOR_MONGOD.replace("{binary}", stand_in.command()[0])
    monkeypatch.setenv("MONGOD", str(executable(tmp_path / "mongod", text)))
    sent: list[tuple[str, str, object]] = []
    admin = servers._admin

    def recording(uri: str, command: str, value: object = 1, **fields: object) -> dict[str, object]:
        sent.append((uri, command, value))
        return {} if command == "replSetInitiate" else admin(uri, command, value, **fields)

    monkeypatch.setattr(servers, "_admin", recording)
    server = servers.mongodb(members=1)
    try:
        host = f"localhost:{server.port}"
        formed = [(uri, value) for uri, command, value in sent if command == "replSetInitiate"]
        alone = f"mongodb://{host}/?directConnection=true"
        assert formed == [(alone, {"_id": "rs0", "members": [{"_id": 0, "host": host}]})]
        assert server.uri == f"mongodb://root:root-pw@{host}/?directConnection=true&authSource=admin"
        assert server.guarded
        server.restart()
        assert [command for _, command, _ in sent].count("replSetInitiate") == 1, "formed once, also after a restart"
        with MongoClient(server.of("root", "root-pw")) as client:
            assert client.admin.command("usersInfo", "root")["users"][0]["roles"][0]["role"] == "root"
    finally:
        server.destroy()


def test_three_members_are_started_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers.ReplicaSet, "start", lambda self: None)
    monkeypatch.setattr(servers, "describe", lambda uri: "")
    server = servers.ReplicaSet(str(executable(tmp_path / "mongod", "")))
    options = [dict(zip(command[1::2], command[2::2], strict=False)) for command in server.commands()]
    assert len(options) == 3 == len({command["--port"] for command in options})
    keys = {Path(command[command.index("--keyFile") + 1]).read_bytes() for command in server.commands()}
    assert len(keys) == 1, "members know one another by one key"
    server.destroy()


def test_what_was_asked_for_and_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """MONGOD that is not there is an error; containers that cannot be had are said in a line, and the stand-in is taken."""
    monkeypatch.setenv("MONGOD", str(tmp_path / "nothing"))
    with pytest.raises(RuntimeError, match="MONGOD names .*nothing, which does not exist"):
        servers.mongodb()
    monkeypatch.delenv("MONGOD")
    monkeypatch.setattr(servers, "MongoStandIn", lambda: "the stand-in")
    monkeypatch.setenv("MONGO_IMAGE", "mongo:8")
    monkeypatch.setenv("PATH", str(tmp_path))
    docker = tmp_path / "docker"
    for script, why in (
        (None, "there is no docker"),
        ("#!/bin/sh\nexit 1\n", "Docker's engine does not answer"),
        ('#!/bin/sh\n[ "$1" = info ]\n', "the image mongo:8 is not here and cannot be fetched"),
        ('#!/bin/sh\n[ "$1" != compose ]\n', "there is no docker compose"),
    ):
        if script:
            executable(docker, script)
        assert servers.mongodb() == "the stand-in"
        assert f"no MongoDB in containers: {why}; MONGODB_URI and MONGOD are not set" in capsys.readouterr().out


def test_containers_are_three_members_of_one_set() -> None:
    services = yaml.safe_load(servers.COMPOSE_FILE.read_text())["services"]
    assert [service["command"] for service in services.values()] == [
        [f"${{MONGO_PORT_{number}}}"] for number in (1, 2, 3)
    ]
    for service in services.values():
        assert service["image"] == "${MONGO_IMAGE}" and service["network_mode"] == "host"
        script = service["entrypoint"][-1]
        assert "mongod --replSet rs0 --bind_ip localhost" in script and "--keyFile" in script and "chmod 400" in script


def test_an_address_for_another_user() -> None:
    assert servers.with_user("mongodb://h:1/?directConnection=true", "u", "p") == (
        "mongodb://u:p@h:1/?directConnection=true&authSource=admin"
    )
    assert servers.with_user("mongodb://a:b@h:1,i:2/?replicaSet=rs0&authSource=admin", "u", "p") == (
        "mongodb://u:p@h:1,i:2/?replicaSet=rs0&authSource=admin"
    )
    assert servers.with_user("mongodb://h", "u", "p") == "mongodb://u:p@h/?authSource=admin"
