"""The `linli` command: for whoever runs, loads, checks or audits a city."""
