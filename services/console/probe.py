"""A container's health check: asks the local service whether it is ready; exits 1 with the reason when it is not."""

from __future__ import annotations

import http.client
import os
import ssl
import sys


def main() -> int:
    """Return 0 when ready; needs only the variables of the operators' port, and imports no module of Linli."""
    port = int(os.environ.get("LINLI_METRICS_PORT", "9100"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    if os.environ.get("LINLI_CERTIFICATE_FILE"):
        context = ssl.create_default_context(cafile=os.environ.get("LINLI_CA_FILE") or None)
        connection = http.client.HTTPSConnection("localhost", port, timeout=4, context=context)
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
