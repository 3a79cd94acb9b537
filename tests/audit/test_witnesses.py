"""The city gives its checkpoints to witnesses, goes on without them, and hears when one has seen another ledger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs
from werkzeug.serving import make_server

from services.audit.ledger import Ledger
from services.audit.service import AuditService
from services.audit.witnesses import Witnesses
from services.witness.server import create_app
from services.witness.witness import Witness
from shared.domain.errors import CorruptionError, NotFoundError, UnavailableError
from shared.ledger import checkpoint
from shared.ledger.policy import Policy, read_policy
from tests.audit.ledgers import forge
from tests.audit.test_signing import ORIGIN, City
from tests.bench.subject import commits


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve a WSGI application on a free port; gives its address."""
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path / "city")
    city.folder.mkdir()
    city.start()
    grow(city, 30)
    yield city
    city.stop()


def grow(city: City, events: int) -> None:
    """Let so many facts happen, and sign them."""
    have = sum(one.stream.startswith("case-") for one in city.logs["issues"].read_commits())
    for number, commit in enumerate(commits(have + events, 1)):
        if number >= have:
            city.logs["issues"].append(commit)
    city.enter()
    city.ledger.checkpoint()


def office(folder: Path, city: City, name: str) -> Witness:
    return Witness(folder / name, f"{name}.example/w", [checkpoint.vkey(ORIGIN, city.ledger.key.public_key())])


def policy(rule: str, **witnesses: tuple[Witness, str]) -> Policy:
    lines = [f"witness {name} {one.vkey} {url}" for name, (one, url) in witnesses.items()]
    return read_policy("\n".join([*lines, rule]))


def ask(city: City, wanted: Policy) -> list[Any]:
    """Ask the witnesses; returns what is logged about it."""
    city.ledger.policy = wanted
    with capture_logs() as logged:
        Witnesses().ask(city.ledger)
    return [line for line in logged if line["event"] == "not cosigned"]


def verify(city: City, wanted: Policy) -> Any:
    from services.audit.copies import Copies
    from services.audit.verify import verify_ledger

    reader = Ledger(city.views, ORIGIN, policy=wanted)
    return verify_ledger(reader, city.logs, city.ledger.key.public_key(), lambda *_: None, copies=Copies(city.keys))


def test_a_quorum_of_witnesses_is_kept_and_demanded(city: City, tmp_path: Path) -> None:
    court, archive = office(tmp_path, city, "court"), office(tmp_path, city, "archive")
    with serving(create_app(court)) as url:
        wanted = policy(
            "group g all court archive\nquorum g", court=(court, url), archive=(archive, "http://127.0.0.1:9")
        )
        (said,) = ask(city, wanted)
        assert (said["witness"], said["log_level"]) == ("archive", "warning"), "it is down, and nothing stops"
        with pytest.raises(CorruptionError, match="cosignatures that the policy asks for: 2 of court, archive"):
            verify(city, wanted)
        with pytest.raises(NotFoundError):
            city.ledger.last_checkpoint()
        either = policy("group g any court archive\nquorum g", court=(court, url), archive=(archive, ""))
        assert verify(city, either).cosigned_size == 30
        grow(city, 12)
        report = verify(city, either)
        assert (report.entries, report.signed_size, report.cosigned_size) == (42, 42, 30), "the tail is told"
        city.ledger.policy = either
        assert checkpoint.read_checkpoint(city.ledger.last_checkpoint()).size == 30
        assert ask(city, either) == [] and verify(city, either).cosigned_size == 42
        assert ask(city, either) == [], "and it is not asked again for what it has"
        with serving(create_app(archive)) as there:
            both = policy("group g all court archive\nquorum g", court=(court, url), archive=(archive, there))
            assert ask(city, both) == [] and verify(city, both).cosigned_size == 42


def test_a_ledger_that_the_witness_has_not_seen_like_this_is_an_error(city: City, tmp_path: Path) -> None:
    """Cut, rewritten, or signed by another key: said once, as an error, and the city goes on signing."""
    court = office(tmp_path, city, "court")
    other = City(tmp_path / "other")
    other.folder.mkdir()
    other.start()
    grow(other, 20)
    with serving(create_app(court)) as url:
        wanted = policy("quorum court", court=(court, url))
        assert ask(city, wanted) == []
        (said,) = ask(other, wanted)
        assert said["log_level"] == "error" and "HTTP 403" in said["reason"]
        other.ledger._key = city.ledger.key  # a thief has the key too
        grow(other, 5)
        (said,) = ask(other, wanted)
        assert said["log_level"] == "error" and "has seen a ledger of 30 entries: ours of 25 was cut" in said["reason"]
        grow(other, 15)
        (said,) = ask(other, wanted)
        assert said["log_level"] == "error" and "HTTP 422" in said["reason"]
        with pytest.raises(CorruptionError):
            verify(other, wanted)
    other.stop()


def test_a_city_that_forgot_what_was_cosigned_asks_for_the_size(city: City, tmp_path: Path) -> None:
    court = office(tmp_path, city, "court")
    with serving(create_app(court)) as url:
        wanted = policy("quorum court", court=(court, url))
        assert ask(city, wanted) == []
        forge(city.views, {("cosigned", row["key"]): None for row in city.views.find("cosigned").rows})
        grow(city, 3)
        assert ask(city, wanted) == []
        assert verify(city, wanted).cosigned_size == 33


def test_an_answer_that_is_no_cosignature_is_not_kept(city: City, tmp_path: Path) -> None:
    court, stranger = office(tmp_path, city, "court"), office(tmp_path, city, "stranger")
    with serving(create_app(stranger)) as url:
        (said,) = ask(city, policy("quorum court", court=(court, url)))
        assert "no cosignature of its key" in said["reason"]
    with serving(lambda environ, start: (start("200 OK", []), [b"\xff\xfe nonsense\n"])[1]) as url:
        (said,) = ask(city, policy("quorum court", court=(court, url)))
        assert said["log_level"] == "warning"
    assert city.views.count("cosigned") == 0


class Told:
    """A caller that notes whom it was asked to tell; `down` does not answer."""

    def __init__(self) -> None:
        self.down, self.told = "", list[str]()

    def call(self, service: str, method: str, context: Any, arguments: Any, wait: bool) -> None:
        assert method == "anchor_checkpoint" and checkpoint.read_checkpoint(arguments["checkpoint"]).origin == ORIGIN
        if service == self.down:
            raise UnavailableError("is down")
        self.told.append(service)


def test_anchors_are_few(city: City) -> None:
    """None in the first hour, then one an hour at most for each service, whichever is down, and none while nothing else happens."""
    every = ["registry", "issues", "volunteers", "funding", "audit"]
    caller, hour = Told(), timedelta(hours=1)
    service: Any = AuditService()
    node = SimpleNamespace(log=city.logs["audit"])
    followers = SimpleNamespace(caller=caller)
    service.signing = SimpleNamespace(ledger=city.ledger, node=node, followers=followers, told={}, anchor_every=hour)
    service.anchor()
    assert caller.told == [], "the city is new"
    service.signing.anchor_every = timedelta(0)
    caller.down = "funding"
    service.signing.anchor_every = timedelta(microseconds=1)
    service.anchor()
    assert caller.told == every[:3]
    service.signing.told = dict.fromkeys(every[:3], datetime.now(UTC) + hour)
    caller.down = ""
    service.anchor()
    assert caller.told == every, "those who were told are not told again"
    city.anchor()  # as the services do
    city.enter()
    city.ledger.checkpoint()
    service.anchor()
    assert caller.told == every, "nothing but the anchors has happened"
    grow(city, 10)
    service.signing.anchor_every = hour
    service.anchor()
    assert caller.told == every, "not within the hour"
    service.signing.anchor_every = timedelta(0)
    service.anchor()
    assert caller.told == every * 2
