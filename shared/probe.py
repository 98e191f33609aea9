"""`python -m shared.probe URL`: exit 0 when the address answers 2xx within 2 seconds. For container health checks."""

import sys
import urllib.request

if __name__ == "__main__":
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=2) as answer:  # noqa: S310 - the URL comes from the compose file
            sys.exit(0 if 200 <= answer.status < 300 else 1)
    except OSError:
        sys.exit(1)
