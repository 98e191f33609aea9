"""`up`, `down`, `status`, `logs` and `migrate`."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

from ops.compose import closure
from ops.failure import Failure
from ops.guard import post_guard
from ops.journal import Terminal, follow, last_lines
from ops.place import ROOT, Place, check_ports_free, open_state
from ops.processes import alive, families, memory
from ops.record import Holder, end_leftovers, running
from ops.stack import read_stack, run_in_service
from ops.supervisor import Supervisor

READY = b"ready\n"
SPARE_BYTES = 300_000_000


def up(place: Place, *, verbose: bool) -> int:
    """Run everything in the foreground until Ctrl-C, or until a signal; 0 after a good end."""
    terminal = Terminal(sys.stdout, verbose=verbose)
    report = _reporter()
    try:
        _run(place, terminal, lambda: _announce(place, terminal, report), until=())
    except Failure as failure:
        report(str(failure).encode())
        raise
    return 0


def _run(place: Place, terminal: Terminal, on_ready: Callable[[], None], until: Collection[str]) -> None:
    open_state(place)
    post_guard(place.state)
    holder = Holder(place.state)
    if not holder.take():
        record = running(place.state)
        raise Failure(f"Liaison already runs over {place.state}{f', at {record.address}' if record else ''}.")
    if left := end_leftovers(place.state):
        terminal.print(f"Ended what an earlier run left behind: {', '.join(left)}.")
    _check_disk(place.state)
    specs = read_stack(place)
    if until:
        specs = closure(specs, until)
    else:
        check_ports_free(place)
    asyncio.run(Supervisor(place, holder, specs, terminal).run(on_ready, until))


def _check_disk(state: Path) -> None:
    filesystem = os.statvfs(state)
    free = filesystem.f_bavail * filesystem.f_frsize
    if free < SPARE_BYTES:
        raise Failure(
            f"The disk of {state} is full ({free // 1_000_000} MB left). Make room, or move it: LIAISON_STATE=..."
        )


def _announce(place: Place, terminal: Terminal, report: Callable[[bytes], None]) -> None:
    terminal.print(welcome(place))
    terminal.print("Ctrl-C stops it.")
    report(READY)


def welcome(place: Place) -> str:
    """Return where Liaison is to be found and, until the first password is changed, how to get in."""
    lines = [f"Liaison is ready: {place.address}"]
    first = place.state / "first-sign-in.txt"
    if first.exists():
        user, password = first.read_text().splitlines()[:2]
        lines.append(f"Sign in as {user} with password {password} (kept in {first} until you change it).")
    return "\n".join(lines)


def _reporter() -> Callable[[bytes], None]:
    """Return what tells the waiting `up --detach`, if there is one, how the start went."""
    channel = os.environ.pop("LIAISON_REPORT_TO", "")
    if not channel:
        return lambda _: None
    pipe = int(channel)
    os.set_inheritable(pipe, False)

    def report(message: bytes) -> None:
        nonlocal pipe
        if pipe >= 0:
            os.write(pipe, message)
            os.close(pipe)
            pipe = -1

    return report


def up_detached(place: Place) -> int:
    """Start a launcher in the background; return once everything is ready, or raise why it is not."""
    open_state(place)
    if record := running(place.state):
        print(f"Liaison already runs over {place.state}, at {record.address}.")
        return 0
    read_end, write_end = os.pipe()
    with (place.state / "logs/launcher.log").open("ab") as log:
        launcher = subprocess.Popen(
            [sys.executable, str(ROOT / "liaison"), "up"],
            cwd=ROOT,
            env={**os.environ, "LIAISON_REPORT_TO": str(write_end), "LIAISON_STATE": str(place.state)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[write_end],
        )
    os.close(write_end)
    try:
        message = _read_all(read_end)
    except KeyboardInterrupt:
        launcher.send_signal(signal.SIGTERM)
        raise
    if message != READY:
        launcher.wait()
        raise Failure(message.decode() or f"Liaison did not start; see {place.state / 'logs/launcher.log'}.")
    print(welcome(place))
    print("It runs in the background: ./liaison status, ./liaison logs SERVICE, ./liaison down.")
    return 0


def _read_all(pipe: int) -> bytes:
    with open(pipe, "rb") as file:
        return file.read()


def down(place: Place, patience: float = 120) -> int:
    """Stop the launcher of this copy, and with it everything, in order."""
    record = running(place.state)
    if record is None:
        left = end_leftovers(place.state)
        print(f"Ended what an earlier run left behind: {', '.join(left)}." if left else "Liaison does not run.")
        return 0
    os.kill(record.launcher.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while alive(record.launcher):
        if time.monotonic() > deadline:
            raise Failure(f"Liaison is still stopping after {patience:g} s; see {place.state / 'logs/launcher.log'}.")
        time.sleep(0.05)  # not our child: there is nothing to wait on
    print("Liaison is stopped.")
    return 0


def status(place: Place) -> int:
    """Print each service with its state and memory; 0 when all is ready, 3 when it does not run."""
    record = running(place.state)
    if record is None:
        print("Liaison does not run.")
        return 3
    services = record.services
    pids = {name: entry["pid"] for name, entry in services.items() if entry["pid"]}
    groups = families(pids.values())
    sizes = {name: memory(one.pid for one in groups[pid]) for name, pid in pids.items()}
    own = memory([record.launcher.pid])
    print(f"{'SERVICE':<20}{'STATE':<12}{'PID':>8}{'RESTARTS':>10}{'MEMORY':>10}")
    for name, entry in services.items():
        if entry["state"] == "done":
            continue
        size = f"{sizes[name] / 1e6:.0f} MB" if name in sizes else ""
        print(f"{name:<20}{entry['state']:<12}{entry['pid'] or '':>8}{entry['restarts']:>10}{size:>10}")
    print(f"{'launcher':<20}{'running':<12}{record.launcher.pid:>8}{'':>10}{f'{own / 1e6:.0f} MB':>10}")
    whole = (sum(sizes.values()) + own) / 1e6
    print(f"{record.address}  {'ready' if record.ready else 'starting'}, {whole:.0f} MB in all")
    fine = record.ready and all(entry["state"] in ("done", "healthy", "running") for entry in services.values())
    return 0 if fine else 1


def logs(place: Place, service: str, *, lines: int, following: bool) -> int:
    """Print the end of a service's log."""
    path = place.state / "logs" / f"{service}.log"
    if not path.exists():
        known = sorted(one.stem for one in (place.state / "logs").glob("*.log"))
        raise Failure(f"There is no log of {service}. Known: {', '.join(known) or 'none yet'}.")
    print("\n".join(last_lines(path, lines)))
    if following:
        follow(path)
    return 0


def migrate(place: Place) -> int:
    """Bring all databases to the newest form: beside a running copy, or with a database started for it."""
    open_state(place)
    specs = read_stack(place)
    names = [name for name in specs if name.endswith("-migrate")]
    if running(place.state):
        for name in names:
            done = run_in_service(place, name, list(specs[name].command[1:]))
            if done.returncode:
                raise Failure(f"{name} failed; nothing after it was done.")
        return 0
    terminal = Terminal(sys.stdout, verbose=False)
    _run(place, terminal, lambda: terminal.print("All databases are in their newest form."), until=names)
    return 0
