"""A message broker in process memory, as a kombu transport."""
