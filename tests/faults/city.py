"""A city to break: Linli in one process with SQLite files, or a process per service with its own gates to broker and database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.console.catalogue import OWNERS, SERVICES, definition
from shared.service.settings import Settings
from tests.faults.gate import Gate
from tests.faults.processes import LINLI, ROOT, LinliProcess
from tests.processes import free_port, wait_until
from tests.servers import MongoStandIn, RabbitMQ, mongodb

#: Seconds to wait for a city that heals, on a machine that may have much else to do.
PATIENCE = 120.0


class City:
    """Linli at work. `processes` by name; in the city shape `gates` by service and server ("broker", "database")."""

    broker: RabbitMQ | None = None
    database: MongoStandIn | None = None

    def __init__(
        self,
        shape: str,
        broker: RabbitMQ | None = None,
        database: MongoStandIn | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`shape` is "embedded" or "city"; servers given are used and left, others are started and ended with the city.

        `settings` are further environment variables of its processes.
        """
        self.shape = shape
        self._folder = tempfile.TemporaryDirectory(prefix="linli-faults-")
        self.data = Path(self._folder.name) / "data"
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.environment = {
            "LINLI_DATA": str(self.data), "LINLI_PORT": str(port), "LINLI_LOG_LEVEL": "warning", "LINLI_CATCH_UP": "1",
            "AMQP_URI": "", "MONGODB_URI": "", "LINLI_SECRET_FILE": "", "LINLI_TRIAL": "yes",
        } | dict(settings or {})  # fmt: skip
        self.gates: dict[tuple[str, str], Gate] = {}
        self._own: list[Any] = []
        self._supervisor = threading.Event()
        self._held: set[str] = set()
        if shape == "city":
            self._servers(broker, database)
        names = ("linli",) if shape == "embedded" else tuple(SERVICES)
        self.processes = {name: LinliProcess(name, self.environment_of(name)) for name in names}

    def _servers(self, broker: RabbitMQ | None, database: MongoStandIn | None) -> None:
        with ThreadPoolExecutor() as pool:
            brokers, databases = (
                pool.submit(lambda: broker or RabbitMQ()),
                pool.submit(lambda: database or mongodb(members=1)),
            )
            self.broker, self.database = brokers.result(), databases.result()
        self._own += [server for server, given in ((self.broker, broker), (self.database, database)) if given is None]
        self.broker_uri, self.database_uri = self.broker.vhost(), self.database.uri
        self._database_port = self.database.port
        self.environment |= {"AMQP_URI": self.broker_uri, "MONGODB_URI": self.database_uri}
        self.vhost = urlsplit(self.broker_uri).path[1:]
        self._migrate()
        for name in SERVICES:
            self.gates[name, "broker"] = Gate(self.broker.port)
            self.gates[name, "database"] = Gate(self._database_port)

    def _migrate(self) -> None:
        """Prepare the databases as an operator does before the first start."""
        import pymongo

        from shared.log.mongodb_opening import migrate

        with pymongo.MongoClient(self.database_uri, tz_aware=True) as client:
            for name in client.list_database_names():
                if name.startswith("linli_"):
                    client.drop_database(name)
            for name in OWNERS:
                migrate(client[f"linli_{name}"])

    def environment_of(self, name: str) -> dict[str, str]:
        """The environment of one process: in the city shape its own gates stand for the servers, and it tells its health."""
        if not self.gates:
            return self.environment
        broker, database = self.gates[name, "broker"].port, self.gates[name, "database"].port
        amqp = f"amqp://guest:guest@127.0.0.1:{broker}/{self.vhost}"
        uri = self.database_uri.replace(f":{self._database_port}/", f":{database}/")
        return self.environment | {
            "AMQP_URI": amqp,
            "MONGODB_URI": uri,
            "LINLI_METRICS_PORT": str(free_port()),
        }

    @property
    def settings(self) -> Settings:
        """The settings of a process beside the city that reads its files or databases."""
        return Settings.read(self.environment)

    def start(self) -> None:
        """Start every process at once, wait until all answer, and keep them running from now on."""
        for process in self.processes.values():
            process.start()
        self.wait_ready()
        threading.Thread(target=self._supervise, daemon=True).start()

    def stop(self) -> None:
        """End the processes, the city's own servers, and its files."""
        self._supervisor.set()
        for process in self.processes.values():
            process.destroy()
        for gate in self.gates.values():
            gate.close()
        for server in self._own:
            server.destroy()
        self._folder.cleanup()

    def hold(self, name: str) -> None:
        """Do not start this process again when it ends, until `release`."""
        self._held.add(name)

    def release(self, name: str) -> None:
        """Start it again when it has ended, now and later."""
        self._held.discard(name)

    def _supervise(self) -> None:
        while not self._supervisor.wait(0.25):
            for name, process in self.processes.items():
                if name not in self._held:
                    process.supervise()

    def heal(self) -> None:
        """Open every gate."""
        for gate in self.gates.values():
            gate.heal()

    def ready(self) -> bool:
        """Whether the gateway and all services behind it answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait_ready(self, seconds: float = 90.0) -> None:
        """Wait until everybody answers; TimeoutError with the last lines of each process."""
        wait_until(self.ready, seconds, lambda: f"not ready after {seconds:g} s:\n{self.tails()}")

    def tails(self) -> str:
        """The last lines of every process; their whole logs are kept in build/faults."""
        kept = ROOT / "build" / "faults" / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
        kept.mkdir(parents=True, exist_ok=True)
        for name, process in self.processes.items():
            shutil.copy(process.log, kept / f"{name}.log")
        tails = "\n".join(f"--- {name}\n{process.tail()}" for name, process in self.processes.items())
        return f"{tails}\nwhole logs: {kept}"

    def token(self) -> str:
        """The operator's token."""
        return (self.data / "operator.token").read_text().strip()

    def status(self) -> dict[str, Any]:
        """Heads, checkpoints and parked facts of every service, as the gateway tells them."""
        request = urllib.request.Request(f"{self.url}/api/operations/status")
        request.add_header("Authorization", f"Bearer {self.token()}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            services: dict[str, Any] = json.load(answer)["services"]
        return services

    def behind(self, relays: bool = True) -> dict[str, int]:
        """What followers, clocks and relays have still to do, by name; raises OSError or KeyError while somebody does not answer."""
        status = self.status()
        heads = {name: int(service["head"]) for name, service in status.items()}
        lags = {f"{name} of {source}": heads[source] - follower["position"]
                for name, service in status.items() for source, follower in service["followers"].items()}  # fmt: skip
        for name, service in status.items():
            if (
                definition(name).clock
                and service["clock"] < self.processes.get(name, self.processes.get("linli")).today.isoformat()
            ):
                lags[f"clock of {name}"] = 1
        if relays:
            lags |= {f"relay of {name}": heads[name] - service["relayed"] for name, service in status.items()}
        return {name: lag for name, lag in lags.items() if lag}

    def converge(self, seconds: float = PATIENCE, relays: bool = False) -> float:
        """Wait until every follower has reached the heads; returns the seconds it took.

        With `relays` wait for these too: one that was killed leaves a lease behind, and its successor waits until that runs out.
        """
        started = time.monotonic()
        left: object = None

        def done() -> bool:
            nonlocal left
            try:
                left = self.behind(relays)
            except (OSError, KeyError, urllib.error.HTTPError) as error:
                left = repr(error)
            return left == {}

        wait_until(done, seconds, lambda: f"not converged after {seconds:g} s: {left}\n{self.tails()}")
        return time.monotonic() - started

    def server(self, name: str) -> RabbitMQ | MongoStandIn:
        """The "broker" or the "database"."""
        server = self.broker if name == "broker" else self.database
        assert server is not None, f"an embedded city has no {name}"
        return server

    def pause_server(self, name: str, seconds: float) -> None:
        """Freeze the broker or the database for some seconds: connections stand and nothing answers."""
        pid = self.server(name)._process.pid if name == "database" else self.server(name)._node.pid  # type: ignore[union-attr]
        os.killpg(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.killpg(pid, signal.SIGCONT)

    def wipe_broker(self) -> int:
        """Delete every queue of the virtual host with all messages in it; returns how many there were."""
        assert self.broker is not None
        delete = (f'Qs = rabbit_amqqueue:list(<<"{self.vhost}">>), [catch rabbit_amqqueue:delete(Q, false, false, '
                  f'<<"tests">>) || Q <- Qs], length(Qs).')  # fmt: skip
        return int(self.broker.ctl("eval", delete).strip())

    def linli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `linli` command beside the city."""
        return subprocess.run(
            [*LINLI, *arguments], env=os.environ | self.environment | {"PYTHONPATH": str(ROOT)}, cwd=ROOT,
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
