"""Histories of the registry that Hypothesis makes up."""
