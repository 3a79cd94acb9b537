"""Read models: rows folded from events, and the stores that keep them."""

from shared.views.port import Page, Row, View, ViewStore, by

__all__ = ["Page", "Row", "View", "ViewStore", "by"]
