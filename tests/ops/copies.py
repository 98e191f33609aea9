"""Small copies of Liaison for tests: a compose file of a few servers, a state folder and ports of their own."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from ops.place import BLOCK, ROOT

SERVER = Path(__file__).parent / "small_server.py"
COMPOSE = """
x-server: &server
  restart: unless-stopped
  image: small
services:
  below:
    <<: *server
    command: [python, {server}, below, "${{PORTAL_PORT}}"]
    environment: {{NOTES: {notes}, STUBBORN: "{stubborn}"}}
    healthcheck: {{test: [CMD, python, -m, shared.probe, "http://127.0.0.1:${{PORTAL_PORT}}/"], interval: 1s, timeout: 2s}}
    stop_grace_period: 2s
  once:
    image: small
    command: [python, -c, "{once}"]
    depends_on: {{below: {{condition: service_healthy}}}}
    restart: "no"
  above:
    <<: *server
    command: [python, {server}, above, "${{CUSTOMERS_PORT}}"]
    environment: {{NOTES: {notes}}}
    healthcheck: {{test: [CMD, python, -m, shared.probe, "http://127.0.0.1:${{CUSTOMERS_PORT}}/"], interval: 1s, timeout: 2s}}
    depends_on: {{once: {{condition: service_completed_successfully}}}}
"""


def free_base() -> int:
    """Return the first of some neighbouring ports that nobody uses."""
    while True:
        base = random.randrange(22_000, 31_000, BLOCK)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(base, base + BLOCK):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return base


def eventually(what: Callable[[], object], seconds: float = 15) -> None:
    """Return as soon as `what` is true; fail when it never is."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.02)


class Copy:
    """A compose file with its own state; `liaison` runs a subcommand over it."""

    def __init__(self, folder: Path, *, once: str = "print('done')", stubborn: str = "") -> None:
        self.folder, self.state, self.notes = folder, folder / "state", folder / "notes.txt"
        self.notes.touch()
        self.base = free_base()
        (folder / "compose.yml").write_text(
            COMPOSE.format(server=SERVER, notes=self.notes, once=once, stubborn=stubborn)
        )
        self.environment = {
            **os.environ,
            "LIAISON_STATE": str(self.state),
            "LIAISON_COMPOSE_FILE": str(folder / "compose.yml"),
            "LIAISON_PORT": str(self.base + BLOCK - 1),
            "LIAISON_BASE_PORT": str(self.base),
            "NO_COLOR": "1",
        }
        self.below, self.above = self.base + 3, self.base + 4  # PORTAL_PORT and CUSTOMERS_PORT
        self.launchers: list[subprocess.Popen[str]] = []

    def liaison(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ROOT / "liaison", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def up(self) -> subprocess.Popen[str]:
        """Start in the foreground and return once it says that it is ready."""
        launcher = subprocess.Popen(
            [sys.executable, ROOT / "liaison", "up"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.launchers.append(launcher)
        assert launcher.stdout
        said = []
        for line in launcher.stdout:
            said.append(line)
            if line.startswith("Liaison is ready"):
                return launcher
        raise AssertionError("".join(said))

    def told(self) -> list[list[str]]:
        """Return what the servers noted: event, name, pid."""
        return [line.split() for line in self.notes.read_text().splitlines()]

    def pids(self) -> list[int]:
        return [int(pid) for event, _, pid in self.told() if event == "started"]

    def answers(self, port: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def crash(self, port: int) -> None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/crash", timeout=2).close()

    def end(self) -> None:
        for launcher in self.launchers:
            if launcher.poll() is None:
                launcher.send_signal(signal.SIGTERM)
                launcher.wait(30)
            assert launcher.stdout
            launcher.stdout.close()
        self.liaison("down")
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def small_copy(folder: Path, **options: str) -> Iterator[Copy]:
    """Yield a copy; nothing of it runs afterwards."""
    folder.mkdir(exist_ok=True)
    copy = Copy(folder, **options)
    try:
        yield copy
    finally:
        copy.end()
