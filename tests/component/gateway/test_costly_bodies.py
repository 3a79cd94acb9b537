"""Bodies that would take long to read: the gateway does one thing at a time, and everybody would wait."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.gateway.requests import FORM

#: Forms that would take long to read, or cannot be read, with the status of their refusal.
FORMS = [
    (FORM, b"a&" * 30_000, 413),
    (FORM, b"%41" * 340_000, 413),
    (FORM, b"a" * 1_100_000, 413),
    ("multipart/form-data; boundary=B", b'--B\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n' * 15_000, 403),
    ("multipart/form-data", b"--B\r\nnothing", 403),
]


@pytest.mark.parametrize(("kind", "text", "status"), FORMS)
@pytest.mark.parametrize("path", ["/report", "/sign-in", "/work/issues/report_issue", "/nowhere"])
def test_a_form_that_takes_long_to_read_is_refused(
    shared_client: FlaskClient, path: str, kind: str, text: bytes, status: int
) -> None:
    begun = time.monotonic()
    for headers, wanted in (({}, status), ({"Sec-Fetch-Site": "cross-site"}, 403)):
        answer = shared_client.post(path, data=text, content_type=kind, headers={"Accept": "text/html", **headers})
        assert answer.status_code == wanted and "text/html" in answer.content_type
    assert time.monotonic() - begun < 2


def test_who_is_signed_in_may_send_a_longer_form(shared_client: FlaskClient, shared_app: Flask) -> None:
    with shared_client.session_transaction() as session:
        session["token"] = "somebody's"
    answer = shared_client.post("/report", data=b"a=" + b"b" * 100_000, content_type=FORM)
    assert answer.status_code == 403, "for the token of the form, not for its length"
    answer = shared_client.post("/report", data=b"a&" * 20_000, content_type=FORM)
    assert answer.status_code == 413


@pytest.mark.parametrize("text", [b'{"a":"' + b'\\"' * 500_000, b'"' * 1_000_000, b'{"a":"' + b"\\" * 999_999])
def test_a_text_that_nobody_closes_takes_no_time(shared_client: FlaskClient, text: bytes) -> None:
    """It would hold up everybody: each of its characters was once looked at as often as there are quotes before it."""
    begun = time.monotonic()
    answer = shared_client.post("/api/issues/report_issue", data=text, content_type="application/json")
    assert answer.status_code == 422 and time.monotonic() - begun < 3
