"""Specs of money run over facts as they lie today, and as they lay in the project's stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.domain.event import Event
from tests.domain.funding.office import FORMS, Form, Given

Project = Callable[..., Given]


@pytest.fixture(params=FORMS, ids=lambda form: form.__name__)
def form(request: pytest.FixtureRequest) -> Form:
    """How a history lies in the log."""
    found: Form = request.param
    return found


@pytest.fixture()
def project(form: Form) -> Project:
    """A spec on project p1 with a history."""

    def given(*history: Event) -> Given:
        return Given(form, history)

    return given
