"""Projects: their course, and the ledger that holds balances and what is open (C19, C21, C22, C23, C37)."""
