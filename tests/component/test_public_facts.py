"""What other systems get over a real broker: the lines of the ledger, and nothing of them that the ledger shows to staff only."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from jsonschema import Draft7Validator
from kombu import Connection, Consumer, Queue

from services.audit.definition import DEFINITION as AUDIT
from services.audit.ledger import Ledger, LedgerFollower
from services.audit.publishing import Entry, PublicRelay, message_of
from services.console.catalogue import definition
from services.issues.service import IssueService
from shared.domain.errors import ForbiddenError
from shared.domain.event import Event
from shared.domain.identity import new_id
from shared.domain.privacy import classes_of
from shared.following.node import ServiceRuntime
from shared.ledger import merkle
from shared.log import Commit, EventLog, NewEvent
from shared.log.memory import MemoryStorage
from shared.service.logging import configure
from shared.service.runner import runner_for
from shared.service.settings import Settings
from shared.service.storage import open_log, open_views
from shared.views import ViewStore
from tests.component.city import city, wait_for
from tests.contract.test_cloudevents import SCHEMA
from tests.green import green
from tests.kit.city import COMPOUND
from tests.kit.spec import AT
from tests.properties.test_privacy import FACTS, entry_of, marked, old
from tests.servers import RabbitMQ

DEFINITIONS = Path(__file__).resolve().parents[2] / "deploy" / "rabbitmq" / "definitions.json"
PASSWORD, VHOST = "a-password_1", "outside"


@pytest.fixture(scope="module")
def outside(rabbitmq: RabbitMQ, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address, without a user, of a broker with the city's definitions."""
    text = re.sub(r'"@linli-[a-z-]+@"', f'"{PASSWORD}"', DEFINITIONS.read_text())
    file = tmp_path_factory.mktemp("definitions") / "definitions.json"
    file.write_text(
        text.replace('"vhost": "linli"', f'"vhost": "{VHOST}"').replace('{"name": "linli"}', f'{{"name": "{VHOST}"}}')
    )
    rabbitmq.ctl("import_definitions", str(file))
    return f"{urlsplit(rabbitmq.uri).hostname}:{urlsplit(rabbitmq.uri).port}/{VHOST}"


def uri(outside: str, user: str) -> str:
    return f"amqp://linli-{user}:{PASSWORD}@{outside}"


def report(log: EventLog, number: int) -> dict[str, str]:
    """Record a case with a mark in every field that is not public; the marks by field."""
    codec = definition("issues").codec
    event, marks = marked(codec.events["IssueReported"], "issue_id", f"i-{number}")
    data = msgspec.Raw(codec.encode(event))
    new = NewEvent(type="IssueReported", schema=event.schema, data=data, id=new_id(), occurred=AT)
    about = {"command": "report_issue", "command_id": new_id(), "actor": marks["reporter"], "place": COMPOUND}
    log.append(Commit(stream=f"issue-i-{number}", expected_version=0, events=(new,), **about))
    return marks


def reported(folder: str, number: int) -> dict[str, str]:
    log = open_log(settings(folder, "linli://embedded"), "issues")
    try:
        return report(log, number)
    finally:
        log.close()


def settings(folder: str, uri: str) -> Settings:
    return Settings.read({"LINLI_DATA": folder, "AMQP_URI": uri, "LINLI_CATCH_UP": "1"})


def views_of(folder: Path) -> ViewStore:
    return open_views(settings(str(folder), "linli://embedded"), "audit", AUDIT.all_views, durable=True)


def taken(uri: str, queue: str, count: int) -> list[Any]:
    found: list[Any] = []
    with Connection(uri) as connection:

        def take(message: Any) -> None:
            found.append(message)
            message.ack()

        with Consumer(
            connection.channel(), [Queue(queue, no_declare=True)], on_message=take, auto_declare=False, accept=None
        ):
            while len(found) < count:
                connection.drain_events(timeout=20)
            with pytest.raises(TimeoutError):
                connection.drain_events(timeout=0.5)
    return found


@green
def test_another_system_gets_lines_of_the_ledger_and_of_a_case_only_what_anybody_may_read(
    outside: str, tmp_path: str
) -> None:
    from services.audit.service import AuditService

    configure("error")
    marks = reported(tmp_path, 1)
    with ExitStack() as stack:

        def start(user: str, service: type) -> Any:
            runner = runner_for(settings(tmp_path, uri(outside, user)), [service])
            runner.start()
            stack.callback(runner.stop)
            (container,) = runner.containers
            return container, runner

        container, audit = start("audit", AuditService)
        here = next(extension for extension in container.extensions if hasattr(extension, "definition"))
        views = here.node.views
        wait_for(lambda: views.checkpoint("public") == 1, "the public relay to begin")
        start("issues", IssueService)
        (message,) = taken(uri(outside, "subscriber-street"), "linli.public.street", 1)
        line = bytes(message.body).decode()
        assert merkle.leaf_hash(line.encode()) == Ledger(views, "any").root(1), "it can be proved by who got it"
        said = f"{line} {message.headers} {message.properties} {message.delivery_info}"
        assert len(marks) > 3 and [name for name, mark in marks.items() if mark in said] == []
        event = json.loads(line)
        Draft7Validator(SCHEMA).validate(event)
        assert (event["data"]["issue_id"], event["source"], event["place"]) == ("i-1", "/linli/issues", COMPOUND)
        assert {f"data.{name}" for name in marks} | {"actor"} <= event["digests"].keys()
        assert message.content_type == "application/cloudevents+json"
        assert (message.headers, message.delivery_info["routing_key"]) == (
            {"index": 0},
            f"issues.IssueReported.{COMPOUND}",
        )

        audit.stop()
        reported(tmp_path, 2)
        start("audit", AuditService)
        (message,) = taken(uri(outside, "subscriber-street"), "linli.public.street", 1)
        assert (json.loads(bytes(message.body))["data"]["issue_id"], message.headers["index"]) == ("i-2", 1)


@pytest.mark.parametrize("form", ["today", "before"])
@pytest.mark.parametrize(("service", "event"), FACTS)
def test_no_fact_tells_other_systems_what_is_not_public(service: str, event: type[Event], form: str) -> None:
    fact, marks = marked(event)
    row, record = entry_of(service, fact)
    message = message_of(Entry(7, row if form == "today" else old(row, service, record)), 3)
    said = f"{message.body.decode()} {message.headers} {message.properties} {message.routing_key}"
    assert [name for name, mark in marks.items() if mark in said] == [] and "mark-actor" not in said
    told = json.loads(message.body)["data"]
    assert set(told) == {name for name, one in classes_of(event).items() if one.kind == "public"} & set(told)
    assert message.routing_key == f"{service}.{event.__name__}.{COMPOUND}"
    assert message.headers == {"index": 6, "epoch": 3}


def test_a_city_that_knew_no_public_exchange_begins_with_what_comes_now(tmp_path: Path) -> None:
    """What is older stands in the export: it is not poured out over those who had it in another form already."""
    node = ServiceRuntime(AUDIT, EventLog("audit", MemoryStorage()), views := views_of(tmp_path), LedgerFollower)
    issues = EventLog("issues", MemoryStorage())
    relay = PublicRelay(settings(str(tmp_path), "linli://embedded"), None, None, None)  # type: ignore[arg-type]  # it is asked for its lines only
    relay._node = node

    def enter(number: int) -> None:
        report(issues, number)
        node.apply("issues", 0, list(issues.read(node.followers["issues"].position)), lambda *_: [])

    enter(1)
    assert relay._begin(node) == 1 and relay._begin(node) == 1 and views.checkpoint("public") == 2
    assert relay._read(node, 1) == []
    enter(2)
    enter(3)
    assert [entry.position for entry in relay._read(node, 1)] == [2, 3]
    relay._saved = 1
    relay._save(3)
    assert relay._begin(node) == 3 and relay._read(node, 3) == []
    views.close()


@green
def test_whole_facts_are_read_by_services_only_whatever_power_somebody_has(tmp_path: str) -> None:
    with city("linli://embedded", tmp_path) as toys:
        toys.call("shops", "open_shop", {"shop_id": "1", "name": "n"})
        ask = {"after": 0, "limit": 10}
        for kind in ("operator", "anonymous", "person"):
            with pytest.raises(ForbiddenError, match="only services read one another's logs"):
                toys.call("shops", "read_log", ask, kind=kind, actor="op")
        assert len(toys.call("shops", "read_log", ask, kind="service", actor="watchers")["facts"]) == 1
