"""How a service runs: who calls, what they may do, decisions, followers, and the nameko parts around them."""
