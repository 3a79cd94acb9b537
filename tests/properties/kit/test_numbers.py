"""Short numbers with a digit that checks them, read however they are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.numbers import Typed, check_digit, number_of, read

NUMBER = number_of("2026-11-28", 487)
SERIALS = st.integers(1, 10**7)


def test_a_number_is_the_month_a_serial_number_and_a_check_digit() -> None:
    assert (NUMBER[:9], check_digit("572")) == ("2611-0487", "4")
    assert number_of("2026-01-02", 1234567).startswith("2601-1234567-")


@given(SERIALS, st.integers(0, 30), st.integers(0, 9))
def test_one_wrong_digit_and_neighbours_that_are_swapped_are_noticed(serial: int, at: int, other: int) -> None:
    digits = number_of("2026-11-28", serial).replace("-", "")
    at %= len(digits) - 1
    wrong = digits[:at] + str(other) + digits[at + 1 :]
    swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
    for typed in {wrong, swapped} - {digits}:
        assert read(typed) == Typed(wrong=True)


@given(SERIALS)
def test_whatever_is_numbered_is_read(serial: int) -> None:
    number = number_of("2026-11-28", serial)
    assert read(number) == read(number.replace("-", "")) == Typed(number)


@pytest.mark.parametrize(
    "typed",
    [
        NUMBER,
        NUMBER.replace("-", " "),
        NUMBER.replace("-", ""),
        NUMBER.replace("-", "－"),
        NUMBER.replace("-", "—"),
        NUMBER.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}),
        f"  {NUMBER}\u3000",
        "-".join(NUMBER.replace("-", "")),
        NUMBER.replace("-", "·"),
    ],
)
def test_a_number_is_read_however_it_is_typed(typed: str) -> None:
    assert read(typed) == Typed(NUMBER)


def test_parts_are_enough() -> None:
    assert read("0487") == Typed(serials=(487,)) == read("487")
    assert read("2611-0487") == Typed(serials=(487,)) == read(f"０４８７ {NUMBER[-1]}")
    assert read("04873") == Typed(serials=(4873, 487)), "with its check digit, or a longer one"
    assert read("abc") == read("") == read("a6c578da") == read("٣٤") == Typed()
