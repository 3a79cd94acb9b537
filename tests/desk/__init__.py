"""Whole services at their desks: real commands, rows, keys and clock, without a broker; what is decided alone is in tests/domain."""
