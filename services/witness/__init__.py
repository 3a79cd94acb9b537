"""A witness: a process of another office that cosigns the city ledger only while it goes on from what it has seen."""
