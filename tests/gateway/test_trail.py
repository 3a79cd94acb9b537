"""Security acts are noted once, counted where they repeat, kept while the audit service is away, and never fill its log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.credentials import Credentials
from services.gateway.problems import TooManyRequestsError
from services.gateway.trail import MOST, WINDOW, Trail
from shared.domain.errors import UnauthenticatedError, UnavailableError
from shared.views.sqlite import SqliteViews

PASSWORD = "correct horse 9"


class Audit:
    """The audit service as the gateway sees it."""

    def __init__(self) -> None:
        self.away = False
        self.noted: dict[str, dict[str, Any]] = {}

    def call(self, service: str, method: str, context: Any, ask: dict[str, Any], timeout: float) -> dict[str, Any]:
        assert (service, method, context.kind) == ("audit", "note_act", "service")
        if self.away:
            raise UnavailableError("away")
        assert context.command_id == f"note:{ask['security_act_id']}"
        self.noted[ask["security_act_id"]] = ask
        return {}

    def acts(self) -> list[tuple[str, int]]:
        return [(one["act"], one["count"]) for one in self.noted.values()]


@pytest.fixture
def views(tmp_path: Path) -> Iterator[SqliteViews]:
    store = SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True)
    yield store
    store.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_is_noted_at_once_and_what_follows_is_counted(views: SqliteViews) -> None:
    audit, clock = Audit(), Clock()
    trail = Trail(audit.call, views, clock=clock)
    for _ in range(1000):
        trail.count("sign_in_failed", account="chen", person_id="p-chen", address="10.0.0.1")
    assert audit.acts() == [("sign_in_failed", 1)]
    clock.now += WINDOW
    trail.flush()
    assert audit.acts() == [("sign_in_failed", 1), ("sign_in_failed", 999)]
    told = list(audit.noted.values())[1]
    assert (told["account"], told["address"], told["since"][:2]) == ("chen", "10.0.0.1", "20")


def test_an_attacker_with_many_names_and_addresses_cannot_fill_the_log(views: SqliteViews) -> None:
    audit, clock = Audit(), Clock()
    trail = Trail(audit.call, views, clock=clock)
    for number in range(5 * MOST):
        trail.count("sign_in_failed", address=f"10.0.{number // 256}.{number % 256}")
    clock.now += WINDOW
    trail.flush()
    assert len(audit.noted) <= MOST + 2
    assert sum(count for _, count in audit.acts()) == 5 * MOST, "each is counted"


def test_who_reads_many_contacts_is_still_named(views: SqliteViews) -> None:
    audit = Audit()
    trail = Trail(audit.call, views)
    for number in range(2 * MOST):
        trail.count("contact_read", by="p-grid", detail=f"issues {number}")
    trail.rest()
    trail.flush()
    assert {one["by"] for one in audit.noted.values()} == {"p-grid"}
    assert sum(count for _, count in audit.acts()) == 2 * MOST


def test_nothing_is_lost_while_the_audit_service_is_away(views: SqliteViews) -> None:
    audit, clock = Audit(), Clock()
    audit.away = True
    trail = Trail(audit.call, views, clock=clock)
    accounts = Accounts(views)
    accounts.create("chen", PASSWORD, "person", "p-chen", beside=trail.prepared("account_made", by="operator:lin"))
    trail.flush()
    trail.note("declined", by="operator:lin")
    assert audit.noted == {} and views.count("notes", None) == 2, "kept with the account"
    audit.away = False
    again = Trail(audit.call, views, clock=clock)  # another process
    again.flush()
    assert audit.acts() == [("account_made", 1), ("declined", 1)] and views.count("notes", None) == 0


def test_a_change_that_is_refused_is_not_noted(views: SqliteViews) -> None:
    audit = Audit()
    trail = Trail(audit.call, views)
    accounts = Accounts(views)
    accounts.create("chen", PASSWORD, "person", "p-chen")
    with pytest.raises(Exception, match="already"):
        accounts.create("chen", PASSWORD, "person", "p-2", beside=trail.prepared("account_made", by="operator:lin"))
    trail.flush()
    assert audit.noted == {}


def test_sign_ins_failures_and_locks_are_told_apart(views: SqliteViews) -> None:
    audit = Audit()
    accounts = Accounts(views)
    accounts.create("chen", PASSWORD, "person", "p-chen")
    credentials = Credentials(accounts, (b"s" * 32,), trail=Trail(audit.call, views))
    credentials.sign_in("chen", PASSWORD, "10.0.0.1")
    for _ in range(5):
        with pytest.raises(UnauthenticatedError):
            credentials.sign_in("chen", "wrong", "10.0.0.2")
    with pytest.raises(TooManyRequestsError):
        credentials.sign_in("chen", "wrong", "10.0.0.2")
    with pytest.raises(UnauthenticatedError):
        credentials.sign_in("my-password-by-mistake", "wrong", "10.0.0.3")
    told = [(one["act"], one.get("account", ""), one["address"]) for one in audit.noted.values()]
    assert told == [
        ("signed_in", "chen", "10.0.0.1"),
        ("sign_in_failed", "chen", "10.0.0.2"),
        ("sign_in_stopped", "chen", "10.0.0.2"),
        ("sign_in_failed", "", "10.0.0.3"),  # never what was typed: it may be a password
    ]
