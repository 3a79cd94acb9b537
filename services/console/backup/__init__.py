"""Backups of a city: written, verified, cut and restored."""
