"""The `linli` command, with which operators and auditors run, load, check and audit a city."""
