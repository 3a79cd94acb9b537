"""Where a weakness is reported: the file of RFC 9116, or a refusal where a city names nobody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from services.gateway.well_known import create_well_known
from shared.domain.errors import BadInputError, NotFoundError
from shared.service.settings import Settings


def app(contact: str) -> Flask:
    made = Flask("city")
    made.testing = True
    made.register_blueprint(create_well_known(contact))
    return made


def test_the_file_names_the_contact_and_until_when_it_holds() -> None:
    answer = app("mailto:security@linli.example").test_client().get("/.well-known/security.txt")
    assert answer.content_type == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:security@linli.example" and fields["Preferred-Languages"] == "zh, en"
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert 0 < left.days < 365


def test_a_city_that_names_nobody_says_so() -> None:
    with pytest.raises(NotFoundError, match="LINLI_SECURITY_CONTACT is empty"):
        app("").test_client().get("/.well-known/security.txt")


@pytest.mark.parametrize("contact", ["security@linli.example", "http://x", "javascript:x", "mailto:a\nContact: b"])
def test_a_contact_is_an_address_and_one_line(contact: str) -> None:
    with pytest.raises(BadInputError, match="LINLI_SECURITY_CONTACT must begin with"):
        Settings.read({"LINLI_SECURITY_CONTACT": contact})
