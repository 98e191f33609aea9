"""What stands behind the gateway in its tests: servers that answer with what they were asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Upstream(ThreadingHTTPServer):
    """Echoes requests as JSON; the portal among them also says who somebody is, from their cookie."""

    daemon_threads = True

    def __init__(self, name: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), Echo)
        self.name = name
        self.requests: list[str] = []
        self.away = False
        self.release = threading.Event()


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_GET(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        if self.server.away:
            self.close_connection = True
        elif self.path == "/internal/identity":
            self.identify()
        elif self.path.endswith("/events"):
            self.stream()
        else:
            self.echo()

    def do_POST(self) -> None:
        self.do_GET()

    def identify(self) -> None:
        cookie = self.headers.get("Cookie", "")
        if cookie == "session=ok":
            return self.reply(200, b"", {"Liaison-Identity": "signed"})
        if self.headers["X-Forwarded-Uri"].startswith("/api/"):
            return self.reply(401, b'{"code": "unauthorized"}', {"Content-Type": "application/problem+json"})
        return self.reply(303, b"", {"Location": f"/sign-in?next={self.headers['X-Forwarded-Uri']}"})

    def echo(self) -> None:
        length = 0
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                length += len(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            length = len(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        asked: dict[str, Any] = {"by": self.server.name, "method": self.command, "path": self.path, "length": length}
        asked["headers"] = {name.lower(): value for name, value in self.headers.items()}
        self.reply(200, json.dumps(asked).encode(), {"Content-Type": "application/json", "Server": "secret"})

    def stream(self) -> None:
        """Send one event, wait until the test has seen it, send another."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.wfile.flush()
        if self.server.release.wait(10):
            self.wfile.write(f"data: from {self.server.name}\n\n".encode())

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(name: str, port: int) -> Iterator[Upstream]:
    """Serve in a thread while the block runs."""
    server = Upstream(name, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
