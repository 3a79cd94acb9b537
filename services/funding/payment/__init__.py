"""Payments: request, review by the bodies, one signature, cashier, each with a stream of its own (D31, D34, D35)."""
