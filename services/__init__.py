"""The services of Linli, one folder each."""
