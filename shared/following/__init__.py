"""Deciding on the log and following logs: everything a service does, without any framework."""
