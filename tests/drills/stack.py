"""The parts that a job needs, as real processes from docker-compose.yml, to be killed and started again.

Each part runs its own command in its own environment, as `./liaison up` would run it. What dies is started again after
a moment, as its supervisor would, unless the drill holds it down.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg

from ops.native import Program, program_for
from ops.place import BLOCK, ROOT, find_place
from ops.probes import passes
from ops.processes import die_with_parent
from ops.stack import read_stack
from shared.identity import HEADER, Identity, sign_identity
from shared.web.features import PARTNER_MANAGEMENT

IMPORTING = ("db", "cache", "customers-bulk", "imports", "imports-short", "imports-long", "beat")
LINKING = (*IMPORTING, "customers", "customers-events", "associates", "associates-events")
PERSON = Identity(
    uuid.UUID(int=0xADA),
    "Ada Admin",
    "employee",
    frozenset({"import", "undo", "assign", "associates.view", "associates.edit", "customers.view"}),
    features=frozenset({PARTNER_MANAGEMENT}),
)
MOMENT = 0.3


def until(true: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Return what `true` returns as soon as it is something; fail when it never is."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.02)
    return found


class Stack:
    """The running `parts`. `kill` ends one without warning; it comes back by itself."""

    def __init__(self, folder: Path, parts: Sequence[str] = IMPORTING, **environment: str) -> None:
        self.folder, self.parts = folder, parts
        self.place = find_place({"LIAISON_STATE": str(folder), **_ports()})
        for name in ("logs", "keys", "files"):
            (folder / name).mkdir(exist_ok=True)
        self.specs = read_stack(self.place)
        self.extra = environment
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.held: set[str] = set()
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self.http = httpx.Client(timeout=60)

    def up(self) -> None:
        """Start everything and return once it works."""
        self.start("db")
        self.wait_for("db")
        self.start("cache")
        migrations = {f"{name.partition('-')[0]}-migrate" for name in self.parts} & self.specs.keys()
        for name in ("keys", "databases", *sorted(migrations)):
            program = self._program(name)
            done = subprocess.run(
                program.argv, env=program.environment, cwd=program.folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        for name in self.parts[2:]:
            self.start(name)
        for name in self.parts[1:]:
            if self.specs[name].health:
                self.wait_for(name)
        self.keeper.start()

    def down(self) -> None:
        """End everything; nothing stays behind."""
        self.ended.set()
        if self.keeper.is_alive():
            self.keeper.join()
        self.http.close()
        for name in reversed(self.parts):
            if process := self.processes.get(name):
                _signal_group(process, signal.SIGQUIT if name == "db" else signal.SIGKILL)
                process.wait()

    def start(self, name: str) -> None:
        """Start a part."""
        program = self._program(name)
        with (self.folder / f"logs/{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                program.argv,
                env=program.environment,
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - it only calls prctl
                **program.start_as,  # type: ignore[call-overload]
            )

    def wait_for(self, name: str) -> None:
        """Return once a part passes its health check."""
        program, health = self._program(name), self.specs[name].health
        assert health
        until(lambda: asyncio.run(passes(health, program.environment, ROOT)), f"{name} is healthy")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a part with all its processes at once."""
        _signal_group(self.processes[name], number)

    def kill_children(self, name: str) -> int:
        """End the children of a part, not the part; return how many there were."""
        leader = self.processes[name].pid
        text = Path(f"/proc/{leader}/task/{leader}/children").read_text()
        for child in text.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        return len(text.split())

    def lose_redis(self) -> None:
        """Kill the broker and lose all that it held."""
        with self.kept_down("cache"):
            self.kill("cache")
            self.processes["cache"].wait()
            for file in (self.folder / "cache").rglob("*"):
                if file.is_file():
                    file.unlink()

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Let a part neither answer nor hang up while the block runs, as a machine that swaps does."""
        with self.kept_down(name):
            self.kill(name, signal.SIGSTOP)
            try:
                yield
            finally:
                self.kill(name, signal.SIGCONT)

    def restart_postgres(self) -> None:
        """Restart PostgreSQL as after a loss of power (immediate shutdown); one that is being started lies still."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.processes["db"].pid, signal.SIGQUIT)

    @contextlib.contextmanager
    def kept_down(self, name: str) -> Iterator[None]:
        """Do not start a part again before the block ends."""
        with self.lock:
            self.held.add(name)
        try:
            yield
        finally:
            with self.lock:
                self.held.discard(name)

    def database(self, service: str) -> "psycopg.Connection[Any]":
        """Return a connection to the database of a service, waiting for one that restarts."""
        url = self.specs[f"{service}-migrate"].environment["DATABASE_URL"].replace("+psycopg", "", 1)

        def connect() -> Any:
            with contextlib.suppress(psycopg.OperationalError):
                return psycopg.connect(url, autocommit=True)

        connection: psycopg.Connection[Any] = until(connect, "PostgreSQL answers")
        return connection

    def ask(self, method: str, path: str, allowed: int = 200, service: str = "imports", **what: Any) -> httpx.Response:
        """Call the API of a service as a person who may, waiting for parts that restart.

        The answer must be a good one, or have the status `allowed`.
        """

        def call() -> httpx.Response | None:
            headers = {HEADER: sign_identity(self.folder / "keys", PERSON), **what.get("headers", {})}
            try:
                answer = self.http.request(method, f"{self.api(service)}{path}", **{**what, "headers": headers})
            except httpx.TransportError:
                return None
            return None if answer.status_code == 503 else answer

        response: httpx.Response = until(call, f"{method} {path} is answered")
        assert response.status_code < 400 or response.status_code == allowed, response.text
        return response

    def api(self, service: str = "imports") -> str:
        """Return the address of the API of a service."""
        return f"{self.specs['beat'].environment[f'{service.upper()}_URL']}/api/{service}/v1"

    def run(self, part: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `python ARGUMENTS` in the surroundings of a part, and return what it printed."""
        program = self._program(part)
        return subprocess.run(
            [sys.executable, *arguments], env=program.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def _program(self, name: str) -> Program:
        program = program_for(self.specs[name], self.folder)
        return Program(program.argv, {**program.environment, **self.extra}, program.folder, program.start_as)

    def _keep(self) -> None:
        while not self.ended.wait(MOMENT):
            with self.lock:
                for name in set(self.parts) - self.held:
                    if self.processes[name].poll() is not None:
                        self.start(name)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _ports() -> dict[str, str]:
    """Return a block of free ports."""
    base = 30_000 - BLOCK * (os.getpid() % 400)
    while True:
        base -= BLOCK
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(base, base + BLOCK):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return {"LIAISON_BASE_PORT": str(base), "LIAISON_PORT": str(base + BLOCK - 1)}
