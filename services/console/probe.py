"""Asks this machine's service whether it is ready, for a container's health check; exits 1 and says why when it is not."""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    """0 when ready; needs only LINLI_METRICS_PORT, and loads nothing of Linli."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("LINLI_METRICS_PORT", "9100")), timeout=4)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        print(answer.read().decode())
    except OSError as error:
        print(error)
        return 1
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
