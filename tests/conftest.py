"""What all tests share: the header says which servers are used."""

from __future__ import annotations

from tests.contract import mongo


def pytest_report_header() -> str:
    """Name the MongoDB server, so that a figure from the stand-in is never taken for MongoDB's."""
    return mongo.header()
