"""The registry's figures: counted from views, with qualifiers, as of a day."""

from __future__ import annotations

from collections import Counter

import pytest

from services.registry.census import combined


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ({}, "exact"),
        ({"exact": 3}, "exact"),
        ({"exact": 3, "at_least": 1}, "at_least"),
        ({"exact": 1, "below": 2}, "below"),
        ({"at_least": 1, "below": 1}, "about"),
        ({"about": 1, "at_least": 4}, "about"),
    ],
)
def test_the_qualifier_of_a_sum(parts: dict[str, int], whole: str) -> None:
    """(part of X04)"""
    assert combined(Counter(parts)) == whole
