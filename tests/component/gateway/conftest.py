"""Gateways before a city in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from shared.views.sqlite import SqliteViews
from tests.component.gateway.city import OPERATOR, PASSWORD, City


@pytest.fixture(scope="module")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One gateway for the many tests that leave nothing behind."""
    accounts = Accounts(SqliteViews(tmp_path_factory.mktemp("gateway") / "gateway.views.sqlite", VIEWS, durable=True))
    yield create_app(City(), accounts, (b"s" * 32,), OPERATOR, trial=True)
    accounts.close()


@pytest.fixture
def shared_city(shared_app: Flask) -> City:
    made: City = shared_app.extensions["linli"].caller
    made.reset()
    return made


@pytest.fixture
def shared_client(shared_app: Flask, shared_city: City) -> FlaskClient:
    return shared_app.test_client()


@pytest.fixture
def city() -> City:
    return City()


@pytest.fixture
def app(city: City, tmp_path: Path) -> Iterator[Flask]:
    accounts = Accounts(SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True))
    yield create_app(city, accounts, (b"s" * 32,), OPERATOR, max_requests=1, trial=True)
    accounts.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def operator(client: FlaskClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {OPERATOR}"}


@pytest.fixture
def chen(client: FlaskClient, app: Flask, operator: dict[str, str]) -> dict[str, str]:
    """A person with an account, as bearer headers."""
    ask = {"username": "chen", "password": PASSWORD, "person_id": "p-chen"}
    assert client.post("/api/accounts", json=ask, headers=operator).status_code == 201
    answer = app.test_client().post("/api/sign-in", json={"username": "chen", "password": PASSWORD})
    app.extensions["linli"].caller.calls.clear()  # whether the account weighs
    return {"Authorization": f"Bearer {answer.json['token']}"}
