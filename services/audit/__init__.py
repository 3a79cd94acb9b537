"""The audit service: the city ledger, its proofs, replay, and exports."""
