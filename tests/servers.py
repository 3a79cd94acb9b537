"""Real servers for the tests: RabbitMQ here, and databases that speak MongoDB's protocol, each private to one test run.

`RABBITMQ_URI`, `MONGODB_URI` and `MONGOD` (a binary) name servers to use instead. A server that cannot be had is an
error that says what to install, never a skip.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.mongodb_servers import STAND_IN, ExternalMongo, MongoStandIn, describe, mongodb
from tests.processes import Process, free_port, wait_until

__all__ = ["STAND_IN", "ExternalMongo", "MongoStandIn", "RabbitMQ", "describe", "free_port", "mongodb"]

ROOT = Path(__file__).resolve().parent.parent
RABBITMQ_HOMES = ("/usr/lib/rabbitmq/bin", "/usr/local/lib/rabbitmq/bin", "/opt/rabbitmq/sbin")


def _frozen(group: int) -> bool:
    """Whether every thread of a process group is stopped; a signal reaches a thread that runs only a little later."""
    states = []
    for stat in Path("/proc").glob("[0-9]*/task/[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()  # the name before it may hold blanks
        except OSError:  # ended meanwhile
            continue
        if int(fields[2]) == group:
            states.append(fields[0])
    return bool(states) and all(state in "TZX" for state in states)


class RabbitMQ:
    """A RabbitMQ node with its own folder, ports, cookie and port mapper, so that it meets no other broker.

    With `RABBITMQ_URI` set it is that broker: virtual hosts are then made through its management API
    (`RABBITMQ_MANAGEMENT`, by default port 15672 of the same host), and stop, kill and ctl are refused.

    With `tls`, a folder that `deploy/certificates` has filled, it is always a node of our own that takes TLS connections
    only, set up by `deploy/rabbitmq/tls.conf`; `more` are further lines of its configuration, `plugins` what is on.
    """

    def __init__(
        self, *, management: bool = False, tls: Path | None = None, more: Sequence[str] = (), plugins: str = ""
    ) -> None:
        self.external = "" if tls else os.environ.get("RABBITMQ_URI", "")
        self._tls = tls
        self._vhosts: list[str] = []
        self._made: list[str] = []
        self._management = os.environ.get("RABBITMQ_MANAGEMENT", "") if self.external else ""
        if self.external:
            self.uri = self.external
            return
        home = next((Path(home) for home in RABBITMQ_HOMES if (Path(home) / "rabbitmq-server").exists()), None)
        if home is None:
            raise RuntimeError("no RabbitMQ here: run `apt-get install rabbitmq-server`, or set RABBITMQ_URI")
        self._home = home
        self._node, self._mapper = Process("rabbitmq"), Process("epmd")
        self.port, self.mapper_port = free_port(), free_port()
        self.name = f"linli{uuid.uuid4().hex[:8]}@localhost"
        self.uri = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        folder = self._node.folder
        settings = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "loopback_users = none",
            "log.console = true",
            "disk_free_limit.absolute = 50MB",
            "log.file = false",
            "vm_memory_high_watermark.relative = 0.4",
        ]
        if tls:
            self.uri = f"amqps://guest:guest@localhost:{self.port}//"
            lines = (ROOT / "deploy" / "rabbitmq" / "tls.conf").read_text().replace("/run/secrets", str(tls))
            settings += lines.replace("listeners.ssl.default = 5671", f"listeners.ssl.1 = 127.0.0.1:{self.port}").split(
                "\n"
            )
        settings += more
        if management:
            self._management = f"http://guest:guest@127.0.0.1:{free_port()}"
            settings += [f"management.tcp.port = {urlsplit(self._management).port}", "management.tcp.ip = 127.0.0.1"]
            plugins = "rabbitmq_management"
        (folder / "rabbitmq.conf").write_text("\n".join(settings) + "\n")
        (folder / "enabled_plugins").write_text(f"[{plugins}].\n")
        (folder / "env.conf").write_text("")
        cookie = folder / ".erlang.cookie"
        cookie.write_text(uuid.uuid4().hex)
        cookie.chmod(0o400)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))},
            "HOME": str(folder),
            "HOSTNAME": "localhost",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_NODE_IP_ADDRESS": "",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -noinput",
            "RABBITMQ_CTL_ERL_ARGS": "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}",
        }
        self.start()

    @property
    def folder(self) -> Path:
        """Where everything lies that it writes; only of a node of our own."""
        self._own("folder")
        return self._node.folder

    @property
    def description(self) -> str:
        """What this is, for test headers and bench tables."""
        return f"RabbitMQ at {urlsplit(self.uri).hostname}" if self.external else f"RabbitMQ {self._version()}"

    def start(self) -> None:
        """Start the node and wait until it takes connections."""
        self._own("start")
        if not self._mapper.running():
            self._mapper.spawn(["epmd", "-port", str(self.mapper_port), "-address", "127.0.0.1"], self._environment)
        self._node.spawn([str(self._home / "rabbitmq-server")], self._environment)
        wait_until(
            lambda: self._node.running() and self._answers(),
            90,
            lambda: f"RabbitMQ did not start in 90 s:\n{self._node.tail()}",
        )

    def stop(self) -> None:
        """Stop the node in order (SIGTERM); its messages stay in its folder."""
        self._own("stop")
        self._node.signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the node (SIGKILL), as a power cut would."""
        self._own("kill")
        self._node.signal(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start with the same data."""
        self.stop()
        self.start()

    def destroy(self) -> None:
        """End everything and remove the folder; virtual hosts made on an external broker are removed."""
        if self.external:
            for name in self._made:
                self._http("DELETE", f"/api/vhosts/{quote(name, safe='')}")
            return
        self._node.destroy()
        self._mapper.destroy()

    def pause(self) -> None:
        """Freeze the node (SIGSTOP): connections stay open and nothing answers."""
        self._own("pause")
        os.killpg(self._node.pid, signal.SIGSTOP)
        wait_until(lambda: _frozen(self._node.pid), 5, lambda: "the broker does not stand still")

    def resume(self) -> None:
        """Let a frozen node go on."""
        os.killpg(self._node.pid, signal.SIGCONT)

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl against the node and return its output; RuntimeError when it fails."""
        self._own("rabbitmqctl")
        command = [str(self._home / "rabbitmqctl"), "-q", "-n", self.name, *arguments]
        done = subprocess.run(
            command,
            env=self._environment,
            cwd=self._node.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def vhost(self) -> str:
        """Make an empty virtual host and return the URI to it. They are made eight at a time: rabbitmqctl is slow."""
        if not self._vhosts:
            fresh = [f"t{uuid.uuid4().hex[:10]}" for _ in range(1 if self._management else 8)]
            if self.external or self._management:
                for name in fresh:
                    self._http("PUT", f"/api/vhosts/{name}")
            else:
                names = ",".join(f'<<"{name}">>' for name in fresh)
                self.ctl(
                    "eval",
                    f'[begin ok = rabbit_vhost:add(V, <<"tests">>), ok = rabbit_auth_backend_internal:'
                    f'set_permissions(<<"guest">>, V, <<".*">>, <<".*">>, <<".*">>, <<"tests">>) end '
                    f"|| V <- [{names}]].",
                )
            self._vhosts, self._made = fresh, self._made + fresh
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.netloc}/{self._vhosts.pop()}" + (f"?{parts.query}" if parts.query else "")

    def _own(self, act: str) -> None:
        if self.external:
            raise RuntimeError(f"{act}: the broker named by RABBITMQ_URI is not the tests' own; unset it for this test")

    def _answers(self) -> bool:
        try:
            with self._connected() as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), 2)
        if self._tls is None:
            return connection
        context = ssl.create_default_context(cafile=self._tls / "tls_authority")
        context.load_cert_chain(self._tls / "tls_mongodb")  # for a broker that asks for one
        return context.wrap_socket(connection, server_hostname="localhost")

    def _version(self) -> str:
        return self.ctl("eval", "rabbit_misc:version().").strip().strip('"')

    def _http(self, method: str, path: str) -> Any:
        parts = urlsplit(self._management or self.uri)
        host = f"{parts.hostname}:{parts.port if self._management else 15672}"
        request = urllib.request.Request(f"http://{host}{path}", method=method)
        account = f"{parts.username or 'guest'}:{parts.password or 'guest'}"
        request.add_header("Authorization", "Basic " + base64.b64encode(account.encode()).decode())
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.URLError as error:
            raise RuntimeError(
                f"the management API at {host} refused {method} {path} ({error}); enable "
                "rabbitmq_management or set RABBITMQ_MANAGEMENT"
            ) from error
