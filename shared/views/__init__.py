"""Stores of views: rows folded from events."""

from shared.views.port import Page, ViewStore

__all__ = ["Page", "ViewStore"]
