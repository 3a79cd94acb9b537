"""`python -m services.console` is `linli`."""

from services.console.main import main

main()
