"""Properties that hold in every reachable history: slower than the specs, run apart."""
