"""The broker as `deploy/rabbitmq` sets it up: least rights that work, and clear words for a broker that is otherwise (§4)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from amqp.exceptions import AccessRefused, PreconditionFailed
from kombu import Connection, Consumer, Exchange, Queue

from services.console.catalogue import OWNERS, SERVICES, definition
from shared.broker import topology
from shared.broker.message import Message, NotConfirmed
from shared.broker.publisher import Publisher
from shared.broker.topology import TopologyError
from shared.domain.errors import UnavailableError
from shared.service.runner import runner_for
from shared.service.settings import Settings
from tests.component.city import City, Door, wait_for
from tests.component.toy import ShopService, WatcherService
from tests.green import green
from tests.processes import free_port
from tests.servers import RabbitMQ

RABBITMQ = Path(__file__).resolve().parents[2] / "deploy" / "rabbitmq"
DEFINITIONS = json.loads((RABBITMQ / "definitions.json").read_text())
#: The toy services in the places of real ones, with exactly their rights.
TOYS = {"registry": "shops", "issues": "watchers", "gateway": "door"}
PASSWORD = "a-password_1"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The city's definitions with passwords, and with the toy services in the places of real ones."""
    tmp_path = tmp_path_factory.mktemp("definitions")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    text = (RABBITMQ / "definitions.json").read_text()
    for real, toy in TOYS.items():
        text = text.replace(real, toy)
    (tmp_path / "definitions.json").write_text(text)
    for user in re.findall(r"@linli-([a-z-]+)@", text):
        (secrets / f"amqp_{user}").write_text(PASSWORD + "\n")
    rendered = tmp_path / "rendered.json"
    command = [str(RABBITMQ / "render"), str(tmp_path / "definitions.json"), str(secrets)]
    rendered.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return rendered


@pytest.fixture(scope="module")
def restricted(rabbitmq: RabbitMQ, rendered: Path) -> str:
    """The address, without a user, of a broker that has loaded the definitions."""
    rabbitmq.ctl("import_definitions", str(rendered))
    return f"{urlsplit(rabbitmq.uri).hostname}:{urlsplit(rabbitmq.uri).port}/linli"


def uri(restricted: str, user: str, password: str = PASSWORD) -> str:
    return f"amqp://linli-{user}:{password}@{restricted}"


@contextmanager
def city(restricted: str, folder: str) -> Iterator[City]:
    """The toy services, each with the user of its own."""
    with ExitStack() as stack:
        runners = []
        for user, service in (("shops", ShopService), ("watchers", WatcherService), ("door", Door)):
            given = {"LINLI_DATA": folder, "AMQP_URI": uri(restricted, user), "LINLI_CATCH_UP": "3600"}
            runner = runner_for(Settings.read(given), [service])
            runner.start()
            stack.callback(runner.stop)
            runners.append(runner)
        yield City(SimpleNamespace(containers=[container for runner in runners for container in runner.containers]))


@green
def test_services_work_with_the_rights_of_their_users(restricted: str, tmp_path: str) -> None:
    with city(restricted, tmp_path) as toys:
        toys.settled()  # what was missed while starting is asked for once; from here on facts come through the broker alone
        for number in range(20):
            toys.call("shops", "open_shop", {"shop_id": str(number), "name": "n"})
        toys.settled()
        wait_for(lambda: toys.call("watchers", "seen", {"shop_id": "19"})["sights"] is not None, "a policy's own fact")
        with Connection(uri(restricted, "operator")) as operator:
            dead = operator.channel().queue_declare("linli.dead-letters", passive=True)
            assert dead.message_count == 0


def test_a_missing_fact_queue_is_made_anew_by_its_own_service(restricted: str) -> None:
    with Connection(uri(restricted, "operator")) as operator:
        operator.channel().queue_delete("linli.facts.watchers")
    topology.check(uri(restricted, "watchers"), "watchers", ("shops",))
    with Connection(uri(restricted, "operator")) as operator:
        assert operator.channel().queue_declare("linli.facts.watchers", passive=True).consumer_count == 0


@pytest.mark.parametrize("exchange", [topology.EXCHANGE, topology.CALLS, topology.DEAD_LETTERS])
def test_no_user_but_the_operator_may_make_or_remove_an_exchange(restricted: str, exchange: str) -> None:
    """Not even as it is: services see that it is there."""
    kind = {name: given["type"] for given in DEFINITIONS["exchanges"] if (name := given["name"])}[exchange]
    acts = (
        lambda channel: channel.exchange_declare(exchange, kind, durable=True, auto_delete=False),
        lambda channel: channel.exchange_declare("mine", "topic"),
        lambda channel: channel.exchange_delete(exchange),
    )
    for user in ("shops", "watchers", "audit", "door", "subscriber-finance"):
        with Connection(uri(restricted, user)) as connection:
            for act in acts:
                with pytest.raises(AccessRefused):
                    act(connection.channel())
            connection.channel().exchange_declare(exchange, kind, passive=True)


def test_an_exchange_that_is_missing_and_may_not_be_made_is_waited_for(
    rabbitmq: RabbitMQ, restricted: str, rendered: Path
) -> None:
    with Connection(uri(restricted, "operator")) as operator:
        operator.channel().exchange_delete(topology.EXCHANGE)
    publisher = Publisher(uri(restricted, "shops"), topology.EXCHANGE)
    try:
        with pytest.raises(
            NotConfirmed, match=r"exchange linli\.events is missing .* load deploy/rabbitmq/definitions\.json"
        ):
            publisher.publish([Message("shops.X", b"{}")], 10)
        with (
            Connection(uri(restricted, "shops")) as connection,
            pytest.raises(connection.connection_errors, match="is missing"),
        ):  # on which nameko's consumer comes again
            topology.exchange()(connection.channel()).declare()
        rabbitmq.ctl("import_definitions", str(rendered))
        publisher.publish([Message("shops.X", b"{}")], 10)
    finally:
        publisher.close()


def test_where_exchanges_may_be_made_they_are(rabbitmq: RabbitMQ) -> None:
    with Connection(rabbitmq.vhost()) as connection:
        channel = connection.channel()
        for exchange in (topology.exchange(), topology.calls()):
            exchange(channel).declare()
            exchange(channel).declare()
            channel.exchange_declare(exchange.name, "topic", passive=True)
            with pytest.raises(PreconditionFailed), connection.channel() as other:
                other.exchange_declare(exchange.name, "fanout", durable=True, auto_delete=False)


REFUSED = {
    "publish facts": lambda channel: _publish(channel, "linli.events", "funding.PaymentMade.350104"),
    "publish to its queue": lambda channel: _publish(channel, "", "linli.public.finance"),
    "call a service": lambda channel: _publish(channel, "nameko-rpc", "shops.open_shop"),
    "read another subscriber's queue": lambda channel: channel.basic_get("linli.public.street"),
    "read a service's queue": lambda channel: channel.basic_get("linli.facts.watchers"),
    "read the dead letters": lambda channel: channel.basic_get("linli.dead-letters"),
    "make a queue": lambda channel: channel.queue_declare("mine"),
    "bind its queue to more": lambda channel: channel.queue_bind("linli.public.finance", "linli.public", "#"),
    "bind its queue to whole facts": lambda channel: channel.queue_bind("linli.public.finance", "linli.events", "#"),
    "empty its queue by deleting it": lambda channel: channel.queue_delete("linli.public.finance"),
}


def _publish(channel: object, exchange: str, routing_key: str) -> None:
    channel.confirm_select()  # type: ignore[attr-defined]
    channel.basic_publish_confirm(channel.prepare_message(b"{}"), exchange=exchange, routing_key=routing_key)  # type: ignore[attr-defined]


@pytest.mark.parametrize("act", REFUSED)
def test_a_subscriber_may_only_read_its_own_queue(restricted: str, act: str) -> None:
    with Connection(uri(restricted, "subscriber-finance")) as connection, pytest.raises(AccessRefused):
        REFUSED[act](connection.channel())
        connection.drain_events(timeout=5)  # a refused publish without a confirm closes the channel a little later


def test_a_subscriber_reads_what_it_asked_for_and_nothing_else(restricted: str) -> None:
    with Connection(uri(restricted, "funding")) as funding, Connection(uri(restricted, "shops")) as shops:
        _publish(funding.channel(), "linli.events", "funding.PaymentMade.350104.013")  # whole facts go to services only
        _publish(shops.channel(), "linli.events", "shops.ShopOpened.350104.013")
    with Connection(uri(restricted, "audit")) as audit:
        _publish(audit.channel(), "linli.public", "funding.PaymentMade.350104.014")
        _publish(audit.channel(), "linli.public", "shops.ShopOpened.350104.014")
    read: list[str] = []
    with Connection(uri(restricted, "subscriber-finance")) as connection:
        own = Queue("linli.public.finance", no_declare=True)

        def take(message: object) -> None:
            read.append(message.delivery_info["routing_key"])  # type: ignore[attr-defined]
            message.ack()  # type: ignore[attr-defined]

        with Consumer(connection.channel(), [own], on_message=take, auto_declare=False):
            connection.drain_events(timeout=5)
            with pytest.raises(TimeoutError):
                connection.drain_events(timeout=0.5)
    assert read == ["funding.PaymentMade.350104.014"]


FORGED = {
    "another service's facts": ("linli.events", "funding.PaymentMade.350104"),
    "what other systems read": ("linli.public", "watchers.WatchKept.350104"),
    "a command of a citizen": ("nameko-rpc", "funding.pay"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_service_cannot_speak_for_another(restricted: str, what: str) -> None:
    with Connection(uri(restricted, "watchers")) as connection, pytest.raises(AccessRefused):
        _publish(connection.channel(), *FORGED[what])
        connection.drain_events(timeout=5)


def test_a_service_cannot_take_calls_meant_for_another(restricted: str) -> None:
    with Connection(uri(restricted, "watchers")) as connection, pytest.raises(AccessRefused):
        Queue("rpc-watchers", Exchange("nameko-rpc", "topic"), routing_key="shops.*")(connection.channel()).declare()


@pytest.mark.parametrize("user", ["shops", "volunteers", "funding", "audit", "door", "subscriber-finance"])
def test_nobody_reads_a_services_queue_or_binds_one_of_their_own_to_what_they_do_not_follow(
    restricted: str, user: str
) -> None:
    """Whole facts hold what staff alone may see: each service gets those of its sources, and no other queue holds them."""
    acts = [
        lambda channel: channel.basic_get("linli.facts.watchers"),
        lambda channel: channel.basic_get("linli.dead-letters"),
        lambda channel: channel.queue_bind("linli.facts.watchers", "linli.events", "#"),
    ]
    if user not in ("door", "subscriber-finance"):
        own = f"rpc-{user}"
        acts += [lambda channel, key=key: channel.queue_bind(own, "linli.events", key) for key in ("#", f"{user}.#")]
        with Connection(uri(restricted, user)) as connection:
            connection.channel().queue_declare(own, durable=True, auto_delete=False)
    for act in acts:
        with Connection(uri(restricted, user)) as connection, pytest.raises(AccessRefused):
            act(connection.channel())


def test_the_gateway_may_call_everything_but_read_a_log(restricted: str) -> None:
    with Connection(uri(restricted, "door")) as door:
        _publish(door.channel(), "nameko-rpc", "shops.open_shop")
    with Connection(uri(restricted, "door")) as door, pytest.raises(AccessRefused):
        _publish(door.channel(), "nameko-rpc", "shops.read_log")
        door.drain_events(timeout=5)


def test_a_wrong_queue_is_explained_with_the_way_out(rabbitmq: RabbitMQ) -> None:
    where = rabbitmq.vhost()
    with Connection(where) as connection:
        connection.channel().queue_declare("linli.facts.watchers", durable=True, auto_delete=False)
    with pytest.raises(TopologyError) as caught:
        topology.check(where, "watchers", ("shops",))
    vhost = urlsplit(where).path[1:]
    assert "inequivalent arg 'x-dead-letter-exchange'" in caught.value.message
    assert f"rabbitmqctl -p {vhost} delete_queue linli.facts.watchers" in caught.value.message
    rabbitmq.ctl("-p", vhost, "delete_queue", "linli.facts.watchers")  # what it says is what helps
    topology.check(where, "watchers", ("shops",))


def test_a_missing_exchange_that_may_not_be_made_is_named(rabbitmq: RabbitMQ, restricted: str, rendered: Path) -> None:
    with Connection(uri(restricted, "operator")) as operator:
        operator.channel().exchange_delete("linli.dead")
    with pytest.raises(
        TopologyError, match=r"exchange linli\.dead is missing .* load deploy/rabbitmq/definitions\.json"
    ):
        topology.check(uri(restricted, "watchers"), "watchers", ("shops",))
    rabbitmq.ctl("import_definitions", str(rendered))
    topology.check(uri(restricted, "watchers"), "watchers", ("shops",))


def test_wrong_credentials_are_told_without_the_password(restricted: str) -> None:
    with pytest.raises(TopologyError, match=r"refuses the user 'linli-watchers'.*AMQP_PASSWORD_FILE") as caught:
        topology.check(uri(restricted, "watchers", "wrong-secret"), "watchers", ("shops",))
    assert "wrong-secret" not in str(caught.value)


def test_a_missing_virtual_host_is_named(restricted: str) -> None:
    with pytest.raises(TopologyError, match="virtual host 'elsewhere'"):
        topology.check(uri(restricted.replace("/linli", "/elsewhere"), "watchers"), "watchers", ("shops",))


def test_a_broker_that_is_away_is_no_mistake_of_its_set_up() -> None:
    with pytest.raises(UnavailableError, match="does not answer") as caught:
        topology.check(f"amqp://guest:guest@127.0.0.1:{free_port()}//", "watchers", ("shops",))
    assert not isinstance(caught.value, TopologyError)


@pytest.mark.parametrize(("version", "fits"), [("3.9.29", False), ("3.10.0", True), ("3.13.7", True), ("4.1.0", True)])
def test_a_broker_that_is_too_old_is_refused(version: str, fits: bool) -> None:
    answers = SimpleNamespace(connection=SimpleNamespace(server_properties={"product": "RabbitMQ", "version": version}))
    if fits:
        topology.check_version(answers)  # type: ignore[arg-type]
    else:
        with pytest.raises(TopologyError, match=r"RabbitMQ 3\.9\.29, and Linli needs 3\.10 or later"):
            topology.check_version(answers)  # type: ignore[arg-type]


def test_a_service_waits_for_a_wrong_broker_instead_of_dying(rabbitmq: RabbitMQ, tmp_path: Path) -> None:
    where, port = rabbitmq.vhost(), free_port()
    with Connection(where) as connection:
        connection.channel().queue_declare("linli.facts.audit", durable=True, auto_delete=False)
    environment = os.environ | {
        "AMQP_URI": where, "LINLI_DATA": str(tmp_path), "LINLI_METRICS_PORT": str(port), "LINLI_HOST": "127.0.0.1",
    }  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-m", "services.console"]
    log = (tmp_path / "log").open("w+")
    service = subprocess.Popen([*command, "up", "audit"], env=environment, stdout=log, stderr=log)

    def probe() -> str:
        return subprocess.run(
            [*command[:-1], "services.console.probe"], env=environment, capture_output=True, text=True
        ).stdout

    try:
        wait_for(lambda: "delete_queue linli.facts.audit" in probe(), "the reason to be told", 30)
        assert service.poll() is None
        vhost = urlsplit(where).path[1:]
        rabbitmq.ctl("-p", vhost, "delete_queue", "linli.facts.audit")
        wait_for(lambda: probe().strip() == '{"status": "ok"}', "the service to go on by itself", 30)
    finally:
        service.terminate()
        ended = service.wait(10)  # R3
    assert ended == 0
    log.seek(0)
    assert log.read().count("delete_queue linli.facts.audit") == 1  # told once, not every few seconds


def test_the_definitions_are_what_the_program_declares() -> None:
    queues = {queue["name"]: queue for queue in DEFINITIONS["queues"]}
    bound: dict[str, set[str]] = {}
    for binding in DEFINITIONS["bindings"]:
        bound.setdefault(binding["destination"], set()).add(binding["routing_key"])
    for name in OWNERS:
        if sources := definition(name).sources:
            wanted = topology.queue_for(name, sources)
            assert queues[wanted.name]["arguments"] == wanted.queue_arguments
            assert bound[wanted.name] == {binding.routing_key for binding in wanted.bindings}
    dead = topology.dead_letters()
    assert queues[dead.name]["arguments"] == dead.queue_arguments
    exchanges = {exchange["name"]: exchange["type"] for exchange in DEFINITIONS["exchanges"]}
    topics = dict.fromkeys((topology.EXCHANGE, topology.PUBLIC, topology.CALLS), "topic")
    assert exchanges == topics | {topology.DEAD_LETTERS: "fanout"}
    assert {f"linli-{name}" for name in SERVICES} < {user["name"] for user in DEFINITIONS["users"]}


def test_a_service_may_take_in_the_facts_of_its_sources_ask_them_for_missed_ones_and_no_more() -> None:
    given = {(one["user"], one["exchange"]): one for one in DEFINITIONS["topic_permissions"]}
    for name in OWNERS:
        sources = set(definition(name).sources)
        facts, calls = given[f"linli-{name}", topology.EXCHANGE], given[f"linli-{name}", topology.CALLS]
        for other in OWNERS:
            assert bool(re.search(facts["read"], f"{other}.#")) is (other in sources), (name, other)
            assert bool(re.search(calls["write"], f"{other}.read_log")) is (other in sources), (name, other)
            assert bool(re.search(facts["write"], f"{other}.Fact.350104")) is (other == name)
        assert not re.search(facts["read"], "#") and not re.search(calls["write"], "issues.report_issue")


def test_what_other_systems_read_comes_from_the_public_exchange_alone() -> None:
    """Only the ledger's service writes there, and nothing but services' own queues takes whole facts."""
    whole = {one["destination"] for one in DEFINITIONS["bindings"] if one["source"] == topology.EXCHANGE}
    assert whole == {f"linli.facts.{name}" for name in OWNERS if definition(name).sources}
    others = [one for one in DEFINITIONS["permissions"] if one["user"].startswith("linli-subscriber-")]
    assert others and all((one["configure"], one["write"]) == ("^$", "^$") for one in others)
    assert [one["user"] for one in others if not one["read"].startswith(r"^linli\.public\.")] == []
    writers = [one["user"] for one in DEFINITIONS["permissions"] if re.search(one["write"], topology.PUBLIC)]
    assert writers == ["linli-audit", "linli-operator"]


def test_the_definitions_hold_no_password() -> None:
    assert [user for user in DEFINITIONS["users"] if user["password"] != f"@{user['name']}@"] == []


def test_a_missing_or_odd_password_is_refused(tmp_path: Path) -> None:
    command = [str(RABBITMQ / "render"), str(RABBITMQ / "definitions.json"), str(tmp_path)]
    missing = subprocess.run(command, capture_output=True, text=True)
    assert (missing.returncode, missing.stdout) == (1, "") and "no password for linli-registry" in missing.stderr
    (tmp_path / "amqp_registry").write_text('x", "tags": "administrator')
    odd = subprocess.run(command, capture_output=True, text=True)
    assert (odd.returncode, odd.stdout) == (1, "") and "letters, digits" in odd.stderr
