"""A service as a process: entrypoints, followers, relay, settings, storage, metrics."""
