"""Households as people name them, within a building."""

from __future__ import annotations


def plain(household: str) -> str:
    """A household however it is typed: 302, 302 室."""
    return "".join(household.casefold().split()).removesuffix("室")
