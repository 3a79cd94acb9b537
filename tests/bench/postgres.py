"""A PostgreSQL of the benchmark's own, in a folder of its own, on a socket nobody else uses."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

#: Debian's place first, then whatever the path names.
_INSTALLED = "/usr/lib/postgresql"
_USER = "postgres"


def binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; None where PostgreSQL is not installed."""
    found = sorted(Path(_INSTALLED).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class Postgres:
    """A cluster that runs while the benchmark does; `environment` is what the library needs to reach it."""

    def __init__(self, programs: Path, build: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=build))
        self._user = _USER if os.geteuid() == 0 else None  # it refuses to run as root
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._sockets = Path(tempfile.mkdtemp(prefix="pg-"))  # socket paths must be short
        self._sockets.chmod(0o777)
        self.version = ""

    def __enter__(self) -> Postgres:
        data = self._folder / "data"
        self._call("initdb", "-D", str(data), "-U", "bench", "-A", "trust", "--no-instructions")
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._sockets}' -c max_connections=100"
        self._call("pg_ctl", "-D", str(data), "-w", "-l", str(self._folder / "log"), "-o", options, "start")
        self.version = self._call("postgres", "--version").split()[2]
        return self

    def __exit__(self, *_: object) -> None:
        self._call("pg_ctl", "-D", str(self._folder / "data"), "-m", "fast", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """The library's settings: a connection for each of 32 writers, so that none waits for one."""
        return {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": "postgres",
            "POSTGRES_HOST": str(self._sockets),
            "POSTGRES_PORT": "5432",
            "POSTGRES_USER": "bench",
            "POSTGRES_PASSWORD": "unused",
            "POSTGRES_POOL_SIZE": "32",
            "POSTGRES_MAX_OVERFLOW": "8",
            "POSTGRES_MAX_WAITING": "64",
        }

    def _call(self, program: str, *arguments: str) -> str:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command, user=self._user, group=self._user, extra_groups=[] if self._user else None,
            cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout[-2000:]}")
        return done.stdout
