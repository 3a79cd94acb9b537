"""The author's kit: what an aggregate needs to say what happens, and nothing about where it runs."""
