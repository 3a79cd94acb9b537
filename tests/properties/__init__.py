"""Slow properties: state machines and histories that Hypothesis makes up, a folder a service."""
