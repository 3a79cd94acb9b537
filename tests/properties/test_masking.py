"""Masking the numbers of persons holds for whatever is written."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.masking import masked


@settings(deadline=None)  # the first number loads what is known of numbers
@given(st.text(st.sampled_from("0123456789+-. ()转xX王１２３８"), max_size=40))
def test_masking_twice_changes_nothing(said: str) -> None:
    once = masked(said)
    assert masked(once) == once
