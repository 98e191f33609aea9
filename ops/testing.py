"""`./liaison test`: a PostgreSQL and a Valkey for this run alone, then pytest, then both are gone again."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ops.compose import Health
from ops.failure import Failure
from ops.journal import last_lines
from ops.native import UNWANTED, valkey_server
from ops.place import BIN, ROOT, Place
from ops.postgres import installed, make_cluster
from ops.probes import passes
from ops.processes import die_with_parent, know

# Nothing in it has to outlive the run, so it never waits for the disk.
POSTGRES_SETTINGS = (
    *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
    *("-c", "max_connections=200", "-c", "shared_buffers=128MB", "-c", "jit=off", "-c", "timezone=UTC"),
    *("-c", "max_wal_size=2GB", "-c", "autovacuum_naptime=10s"),
)
PATIENCE = 60
IN_TWO = ("-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder")


def run_tests(place: Place, arguments: list[str]) -> int:
    """Run pytest with the servers it needs and return its exit code. `--drills` takes in the long fault drills.

    All tests run in two processes. Chosen ones run in one, where a debugger and printed words come through, and so do
    drills, whose leases of a few seconds would run out on a machine that does too much at once.
    """
    drills = "--drills" in arguments
    chosen = [argument for argument in arguments if argument != "--drills"]
    if not arguments:
        chosen = [*IN_TWO]
    if not any(argument.startswith("-m") for argument in chosen):
        chosen = ["-m", "drills or not drills" if drills else "not drills", *chosen]
    with servers_for_tests(place.state) as addresses:
        environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        environment |= {"PATH": f"{BIN}:{environment.get('PATH', os.defpath)}", **addresses}
        pytest = subprocess.Popen([BIN / "python", "-m", "pytest", *chosen], cwd=ROOT, env=environment)
        with _passing_on(pytest):
            return pytest.wait()


@contextlib.contextmanager
def _passing_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let the child decide what Ctrl-C means (it gets it too), and pass a request to end on to it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.send_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def servers_for_tests(state: Path) -> Iterator[dict[str, str]]:
    """Start both servers below `state`; yield the variables that tell where they are; leave nothing behind."""
    _clear_old(state)
    folder = state / f"test-{os.getpid()}"
    folder.mkdir(mode=0o711)
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(remove, folder)
        postgres, valkey = free_ports(2)
        _start_postgres(folder, postgres, at_the_end)
        _start_valkey(folder, valkey, at_the_end)
        ready = (str(installed() / "bin/pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(postgres))
        asyncio.run(_await_passing(("CMD", *ready), folder / "postgres.log"))
        asyncio.run(_await_passing(("CMD", "valkey-cli", "-p", str(valkey), "ping"), folder / "valkey.log"))
        yield {
            "LIAISON_TEST_POSTGRES": f"postgresql://postgres@127.0.0.1:{postgres}/postgres",
            "LIAISON_TEST_REDIS": f"redis://127.0.0.1:{valkey}/0",
        }


def _start_postgres(folder: Path, port: int, at_the_end: contextlib.ExitStack) -> None:
    cluster = make_cluster(
        folder / "db", None, ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync")
    )
    command = cluster.command(port, *POSTGRES_SETTINGS)
    _start(command, folder / "postgres.log", signal.SIGINT, at_the_end, **cluster.owner.start_as())


def _start_valkey(folder: Path, port: int, at_the_end: contextlib.ExitStack) -> None:
    command = [str(valkey_server()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    _start(command, folder / "valkey.log", signal.SIGTERM, at_the_end)


def _start(
    command: list[str], log: Path, stop: signal.Signals, at_the_end: contextlib.ExitStack, **start_as: object
) -> None:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(stop),  # noqa: PLW1509 - there are no threads here
            **start_as,  # type: ignore[call-overload]
        )
    at_the_end.callback(_end, process, stop)


def _end(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    [port] = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Return so many different ports of 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


async def _await_passing(check: tuple[str, ...], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await passes(Health(check, timeout=5), os.environ, ROOT):
        if time.monotonic() > deadline:
            raise Failure(f"A server for the tests did not start: {' / '.join(last_lines(log, 3))}")
        await asyncio.sleep(0.02)


def _clear_old(state: Path) -> None:
    """Remove what runs left that were killed."""
    for folder in state.glob("test-*"):
        number = folder.name.removeprefix("test-")
        if number.isdigit() and know(int(number)) is None:
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder of servers, and what of it had to live elsewhere."""
    database = folder / "db"
    if database.is_symlink():  # it had to live elsewhere, see ops/postgres.py
        shutil.rmtree(database.resolve().parent, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
