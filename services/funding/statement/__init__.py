"""Statements of income and spending, as they were published, each with a stream of its own (D25, D37)."""
