"""The known traps of nameko, kombu, eventlet and pymongo: each has a test that fails when it is stepped into again.

`TRAPS` names the test of each; those that no other test meets are here.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shared.service.settings import Settings, write_private
from tests.component.city import City, city
from tests.faults.processes import LINLI, ROOT
from tests.green import green
from tests.processes import free_port

#: Trap to the tests that meet it, as module and function.
TRAPS = {
    "nameko acks and drops an event when its handler raises": (
        "tests.component.test_runtime", "test_poison_is_parked_and_other_streams_go_on"),
    "an undecodable body is acked": ("tests.component.test_runtime", "test_what_is_not_a_fact_is_parked_with_its_bytes"),
    "dispatch of an unbound event returns OK": ("tests.faults.test_traps", "test_a_fact_that_no_queue_takes_is_not_lost"),
    "ten workers reorder events": ("tests.component.test_runtime", "test_facts_are_applied_in_order"),
    "publishers have no heartbeat": ("tests.faults.test_traps", "test_an_idle_relay_keeps_its_connection"),
    "a blocking handler misses the heartbeat and its message is redelivered": (
        "tests.component.test_heartbeat", "test_heartbeats_are_sent_while_a_view_is_worked_on"),
    "nested RPC in a full worker pool deadlocks": ("tests.faults.test_traps", "test_services_make_no_nested_calls"),
    "service-to-service RPC has no timeout": ("tests.component.test_runtime", "test_a_call_without_an_answer_times_out"),
    "stop() waits for ever when the broker is gone": ("tests.faults.test_stop", "test_each_process_of_a_city_ends_in_time"),
    "an error in a dependency provider's set-up kills the container": (
        "tests.faults.test_traps", "test_a_service_without_its_servers_waits_and_says_why"),
    "context data of a call can be forged by any client of the broker": (
        "tests.component.test_runtime", "test_a_forged_context_is_refused"),
    "ClusterRpcProxy is not safe between threads": ("tests.faults.test_traps", "test_one_caller_serves_many_green_threads"),
    "eventlet must patch before pymongo is imported": ("tests.faults.test_traps", "test_the_command_patches_before_pymongo"),
    "an answer that cannot be sent kills the container": ("tests.faults.test_poison", "test_malformed_calls_end_no_service"),
    "services that start at once each make a secret": (
        "tests.faults.test_traps", "test_processes_that_start_at_once_agree_on_one_secret"),
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_has_its_test(trap: str) -> None:
    module, name = TRAPS[trap]
    assert callable(getattr(importlib.import_module(module), name))


@pytest.fixture(scope="module")
def broker():  # type: ignore[no-untyped-def]
    """A RabbitMQ of its own."""
    from tests.servers import RabbitMQ

    broker = RabbitMQ()
    yield broker
    broker.destroy()


@pytest.fixture
def amqp_uri(broker) -> str:  # type: ignore[no-untyped-def]
    uri: str = broker.vhost()
    return uri


def _open(here: City, number: int) -> int:
    position: int = here.call(
        "shops", "open_shop", {"shop_id": f"s{number}", "name": "tea"}, command_id=f"open-{number}"
    )["position"]
    return position


@green
def test_a_fact_that_no_queue_takes_is_not_lost(amqp_uri: str, tmp_path: Path) -> None:
    """Nobody follows yet: the broker confirms and forgets; who comes later asks the log."""
    from tests.component.toy import ShopService

    with city(amqp_uri, tmp_path, ShopService) as here:
        for number in range(5):
            _open(here, number)
        _wait(lambda: here.here("shops").node.views.checkpoint("relay") == 5)
    with city(amqp_uri, tmp_path) as here:
        here.settled()
        assert here.call("watchers", "seen", {"shop_id": "s4"})["row"]["times"] == 1


@green
def test_an_idle_relay_keeps_its_connection(amqp_uri: str, tmp_path: Path) -> None:
    """A broker hangs up on who is silent for two heartbeats; the publisher's own ticks keep it open."""
    from shared.broker.message import Message
    from shared.broker.publisher import Publisher
    from shared.broker.topology import EXCHANGE

    publisher = Publisher(amqp_uri, EXCHANGE, heartbeat=1)
    publisher.publish([Message("shops.X", b"{}")], 10)
    before = publisher._connection
    end = time.monotonic() + 4.0  # four heartbeats of one second: silence would have ended it twice over
    while time.monotonic() < end:
        publisher.tick()
        time.sleep(0.2)
    publisher.publish([Message("shops.X", b"{}")], 10)
    assert publisher._connection is before
    publisher.close()


@green
def test_one_caller_serves_many_green_threads(amqp_uri: str, tmp_path: Path) -> None:
    """Hundreds of calls at once over one connection: each gets its own answer."""
    import eventlet

    with city(amqp_uri, tmp_path) as here:
        pool = eventlet.GreenPool(50)
        positions = dict(zip(range(200), pool.imap(lambda number: _open(here, number), range(200)), strict=True))
        assert sorted(positions.values()) == list(range(1, 201))
        assert all(_open(here, number) == position for number, position in positions.items())


def test_services_make_no_nested_calls() -> None:
    """No command or query calls another service, so a full worker pool never waits for itself; only loops and the gateway call."""
    for service in ("registry", "issues", "volunteers", "funding", "audit"):
        for path in (ROOT / "services" / service).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for word in ("shared.service.rpc", "nameko.rpc", "nameko.standalone", "RpcProxy"):
                assert word not in text, f"{path} uses {word}"


def test_a_service_without_its_servers_waits_and_says_why(tmp_path: Path) -> None:
    """No broker and no database: no traceback and no crash loop, but a line that names what is missing; and SIGTERM ends it."""
    environment = {
        "LINLI_DATA": str(tmp_path),
        "AMQP_URI": f"amqp://guest:guest@127.0.0.1:{free_port()}//",
        "MONGODB_URI": "",
    }
    process = subprocess.Popen([*LINLI, "up", "issues"], cwd=ROOT, env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    output: list[bytes] = []
    reader = threading.Thread(target=lambda: output.extend(iter(process.stdout.readline, b"")), daemon=True)  # type: ignore[union-attr]
    reader.start()
    try:
        _wait(lambda: any(b"does not answer" in line for line in output), 30)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(10) == 0
    assert not any(b"Traceback" in line for line in output), output


def test_the_command_patches_before_pymongo() -> None:
    """Sockets and locks of the driver must be green, or one slow query would stop every green thread of a service."""
    program = (
        "import sys, eventlet\n"
        "patch, too_late = eventlet.monkey_patch, []\n"
        "eventlet.monkey_patch = lambda *args, **kwargs: (too_late.append('pymongo' in sys.modules), patch(*args, **kwargs))\n"
        "sys.argv = ['linli', 'up']\n"
        "import services.console.main, services.console.up, pymongo\n"
        "assert too_late == [False], too_late\n"
        "assert eventlet.patcher.is_monkey_patched('socket') and eventlet.patcher.is_monkey_patched('thread')\n"
        "assert pymongo.pool_shared.socket.socket is eventlet.green.socket.socket\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    """Whoever is second takes what is there, else nobody would believe the calls of the others."""
    read = "import sys; from shared.service.settings import Settings; print(Settings.read({'LINLI_DATA': sys.argv[1]}).secrets()[0].hex())"

    def start(_: int) -> str:
        return subprocess.run([sys.executable, "-c", read, str(tmp_path / "data")], cwd=ROOT, capture_output=True, text=True,
                              check=True).stdout  # fmt: skip

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        secrets = set(pool.map(start, range(6)))
    assert len(secrets) == 1
    path = Settings.read({"LINLI_DATA": str(tmp_path / "data")}).secret_file
    write_private(path, b"y" * 64, replace=False)
    assert {path.read_bytes().hex() + "\n"} == secrets
    assert path.stat().st_mode & 0o777 == 0o600


def _wait(ready, seconds: float = 20) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)
