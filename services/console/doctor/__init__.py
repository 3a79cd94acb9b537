"""`linli doctor`: checks files, broker and database, and advises on what is wrong."""
