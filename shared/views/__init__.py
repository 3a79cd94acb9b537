"""Stores of views: rows folded from events."""

from shared.domain.view import Page
from shared.views.port import ViewStore

__all__ = ["Page", "ViewStore"]
