"""Starting processes that die with us, knowing them again later, and ending what was left behind."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None  # loaded before any fork


@dataclass(frozen=True)
class Known:
    """A process told apart from a later one with the same number by when it started (clock ticks since boot)."""

    pid: int
    started: int


def die_with_parent(stop: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program: the kernel sends it `stop` when the launcher ends, however."""
    parent = os.getpid()

    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(stop), 0, 0, 0)
            if os.getppid() != parent:  # it died between the fork and the line above
                os._exit(1)

    return before_exec


@dataclass(frozen=True)
class _Entry:
    parent: int
    group: int
    known: Known


def _entry(pid: int) -> _Entry | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()  # from the state on: the name before may hold anything
    if fields[0] in "ZX":
        return None
    return _Entry(int(fields[1]), int(fields[2]), Known(pid, int(fields[19])))


def know(pid: int) -> Known | None:
    """Return the process `pid`, or None when it has ended."""
    if LINUX:
        entry = _entry(pid)
        return entry.known if entry else None
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Known(pid, 0)
    return None


def alive(known: Known) -> bool:
    """Tell whether this very process still runs."""
    return know(known.pid) == known


def families(leaders: Iterable[int]) -> dict[int, list[Known]]:
    """Return for each pid all that run below it or in the group it leads, itself first if it runs."""
    everyone: dict[int, _Entry] = {}
    for item in Path("/proc").iterdir() if LINUX else ():
        if item.name.isdigit() and (entry := _entry(int(item.name))):
            everyone[int(item.name)] = entry
    below: dict[int, list[int]] = {}
    for pid, entry in everyone.items():
        below.setdefault(entry.parent, []).append(pid)
    found: dict[int, list[Known]] = {}
    for leader in leaders:
        pids = [leader, *(pid for pid, entry in everyone.items() if entry.group == leader and pid != leader)]
        for pid in pids:
            pids += [child for child in below.get(pid, ()) if child not in pids]
        found[leader] = [everyone[pid].known for pid in pids if pid in everyone]
    return found


def memory(pids: Iterable[int]) -> int:
    """Return the bytes these processes hold, shared pages counted in parts (PSS)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def send_group(pid: int, number: signal.Signals) -> None:
    """Send to every process of the group that `pid` leads; gone is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


@dataclass(frozen=True)
class Leader:
    """A recorded process that leads its own group, the signal that stops it, and how long it may take (seconds)."""

    known: Known
    stop: signal.Signals
    grace: float


def end_all(left: Mapping[str, Leader]) -> list[str]:
    """End processes of an earlier run, by their own stop signals first; return the names of those that were there.

    They were recorded with their start time, so a stranger that got the number since is safe.
    """
    ours = {name: leader for name, leader in left.items() if know(leader.known.pid) in (None, leader.known)}
    members = families(leader.known.pid for leader in ours.values())
    for leader in ours.values():
        if alive(leader.known):
            _send(leader.known, leader.stop)
    began = time.monotonic()
    for leader in ours.values():
        group = members[leader.known.pid]
        await_end(group, began + leader.grace)
        for one in group:
            if alive(one):
                _send(one, signal.SIGKILL)
        await_end(group, time.monotonic() + 5)
    return [name for name, leader in ours.items() if members[leader.known.pid]]


def _send(known: Known, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(known.pid, number)


def await_end(processes: Iterable[Known], deadline: float) -> None:
    """Return when these processes, no children of ours, have ended, or at the deadline (monotonic clock)."""
    for one in processes:
        while alive(one) and time.monotonic() < deadline:
            time.sleep(0.02)  # no child of ours, so there is nothing to wait on
