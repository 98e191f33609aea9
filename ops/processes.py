"""Starting processes that die with us, knowing them again later, and ending what was left behind."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
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


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()  # from the state on: the name before may hold anything


def know(pid: int) -> Known | None:
    """Return the process `pid`, or None when it has ended."""
    if LINUX:
        fields = _stat(pid)
        return None if fields is None or fields[0] in "ZX" else Known(pid, int(fields[19]))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Known(pid, 0)
    return None


def alive(known: Known) -> bool:
    """Tell whether this very process still runs."""
    return know(known.pid) == known


def children() -> dict[int, list[int]]:
    """Return parent -> children for every process that can be seen."""
    tree: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir() if LINUX else ():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) and fields[0] not in "ZX":
            tree.setdefault(int(fields[1]), []).append(int(entry.name))
    return tree


def family(pid: int, tree: dict[int, list[int]]) -> list[int]:
    """Return `pid` and all below it."""
    found = [pid]
    for one in found:
        found += tree.get(one, [])
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


def end_all(left: dict[str, tuple[Known, signal.Signals]], patience: float = 15) -> list[str]:
    """End processes of an earlier run, by their own stop signals first; return the names of those that were there.

    Only for leaders of their own group that were recorded with their start time: a stranger's number is safe.
    """
    found = {name: entry for name, entry in left.items() if alive(entry[0])}
    families = {known.pid: family(known.pid, children()) for known, _ in found.values()}
    relatives = [one for pids in families.values() for pid in pids if (one := know(pid))]
    for known, stop in found.values():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(known.pid, stop)
    _wait_until_gone(relatives, patience)
    for one in relatives:
        if alive(one):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(one.pid, signal.SIGKILL)
    _wait_until_gone(relatives, 5)
    return list(found)


def _wait_until_gone(processes: Iterable[Known], patience: float) -> None:
    deadline = time.monotonic() + patience
    for one in processes:
        while alive(one) and time.monotonic() < deadline:
            time.sleep(0.02)  # no child of ours, so there is nothing to wait on
