"""Receipts: money that came in, each with a stream of its own (C22, D32)."""
