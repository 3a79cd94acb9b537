"""The broker: connections, topology, and the way out for messages."""
