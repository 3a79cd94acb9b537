"""A container's health check: asks the local service whether it is ready; exits 1 with the reason when it is not."""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    """Return 0 when ready; needs only LINLI_METRICS_PORT, and imports no module of Linli."""
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
