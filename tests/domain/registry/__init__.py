"""Specs of the registry."""
