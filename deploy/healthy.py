"""Exit code 0 while the service answers, for a container that has neither a shell nor curl."""

import http.client
import os
import sys

SECONDS_MAX = 4


def main() -> int:
    port = int(os.environ.get("LEAFCRAFT_PORT") or 8000)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    try:
        connection.request("GET", "/healthz")
        return int(connection.getresponse().status != http.HTTPStatus.OK)
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
