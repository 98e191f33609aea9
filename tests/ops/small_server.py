"""A service of the test stacks: `small_server.py NAME PORT`. Tells its name when it starts and when it is stopped.

Its address is a health check; /crash ends it at once; with STUBBORN set it ignores its stop signal.
"""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME, PORT = sys.argv[1], int(sys.argv[2])


def note(event: str) -> None:
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(f"{event} {NAME} {os.getpid()}\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/crash":
            os._exit(3)
        if self.path == "/error":
            print('{"level": "error", "event": "a thing went wrong"}', flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: object) -> None:
        pass


def stop(*_: object) -> None:
    note("stopped")
    os._exit(0)


signal.signal(signal.SIGTERM, signal.SIG_IGN if os.environ.get("STUBBORN") else stop)
note("started")
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
