"""Faults in a running city: real processes are killed, frozen and cut off, and nothing acknowledged may be lost or doubled."""
