"""A Docker engine for the compose test: the one that runs here, or one of its own, started and stopped by the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.processes import Process, wait_until

#: Kept between runs, so that base images are made once a machine.
HOME = Path("/var/tmp/linli-docker")
NEEDED = "apt-get install docker.io docker-compose debootstrap iptables"


class Engine:
    """Docker's engine and command lines; `environment` is what the commands need to reach it."""

    def __init__(self) -> None:
        # Debian's client goes with Debian's engine: a newer one that lies elsewhere may lack BuildKit
        path = os.pathsep.join(["/usr/bin", "/usr/sbin", os.environ.get("PATH", "")])
        self.environment = os.environ | {"PATH": path, "DOCKER_BUILDKIT": "1"}
        self._process: Process | None = None
        if not shutil.which("docker", path=path):
            raise RuntimeError(f"no Docker here: {NEEDED}")
        if not self._answers():
            self._start(path)

    def _start(self, path: str) -> None:
        if os.geteuid() != 0 or not shutil.which("dockerd", path=path):
            raise RuntimeError(f"no Docker engine answers; start one, or as root: {NEEDED}")
        HOME.mkdir(mode=0o711, exist_ok=True)
        self.environment["DOCKER_HOST"] = f"unix://{HOME}/tests.sock"
        self._process = process = Process("dockerd")
        command = ["dockerd", "--data-root", str(HOME / "data"), "--exec-root", str(process.folder / "exec")]
        command += ["--pidfile", str(process.folder / "pid"), "--host", self.environment["DOCKER_HOST"]]
        process.spawn(command, self.environment)
        wait_until(
            lambda: process.running() and self._answers(), 60, lambda: f"dockerd did not start:\n{process.tail()}"
        )

    def _answers(self) -> bool:
        command = ["docker", "version", "--format", "{{.Server.Version}}"]
        return subprocess.run(command, env=self.environment, capture_output=True, check=False).returncode == 0

    @property
    def compose(self) -> str:
        """The compose command that is here: the plugin, or docker-compose."""
        plugin = subprocess.run(
            ["docker", "compose", "version"], env=self.environment, capture_output=True, check=False
        )
        if plugin.returncode == 0:
            return "docker compose"
        if shutil.which("docker-compose", path=self.environment["PATH"]):
            return "docker-compose"
        raise RuntimeError(f"no docker compose here: {NEEDED}")

    def run(self, *command: str, seconds: float = 120) -> str:
        """Run a command and return what it printed; RuntimeError with all its output when it fails."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def stop(self) -> None:
        """End the engine if it was started here, its containers first."""
        if self._process is None:
            return
        if running := self.run("docker", "ps", "-q").split():
            self.run("docker", "kill", *running)
        self._process.signal(signal.SIGTERM)
        # the engine leaves a mount behind, which would keep its folder, and its bridge
        left = [
            ["umount", str(self._process.folder / "exec" / "netns" / "default")],
            ["ip", "link", "delete", "docker0"],
        ]
        for command in left:
            subprocess.run(command, env=self.environment, capture_output=True, check=False)
        self._process.destroy()
