"""The public port: a process of its own that takes requests in whole, and passes on only those that are in order and within limits."""
