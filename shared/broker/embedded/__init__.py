"""The broker inside one process, as a transport of kombu."""
