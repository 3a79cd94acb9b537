"""Known traps of the libraries and of distributed work: each has a test that fails when it is stepped into again."""
