"""What runs over a state folder, on disk: who holds it, and which processes to look for after a crash."""

import contextlib
import fcntl
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ops.processes import Known, Leader, alive, end_all, know

# Without a launcher the database and the cache stop together with those who need them: waiting helps nobody.
LEFTOVER_GRACE = 8


@dataclass(frozen=True)
class Record:
    """The content of run.json: the launcher, its address, whether all is ready, and its services."""

    launcher: Known
    address: str
    ready: bool
    services: dict[str, dict[str, Any]]

    def leaders(self) -> dict[str, Leader]:
        """Return the recorded process of each service."""
        return {
            name: Leader(
                Known(entry["pid"], entry["started"]),
                signal.Signals[entry["stop_signal"]],
                min(entry["grace"], LEFTOVER_GRACE),
            )
            for name, entry in self.services.items()
            if entry.get("pid")
        }


class Holder:
    """The right to run over a state folder: one launcher at a time, known by a lock that the kernel takes back."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.lock: TextIO | None = None

    def take(self) -> bool:
        """Take the lock; False when another launcher has it."""
        lock = (self.state / "lock").open("a")  # held until the process ends
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self.lock = lock
        return True

    def write(self, address: str, ready: bool, services: dict[str, dict[str, Any]]) -> None:
        """Write the record, whole or not at all. On a full disk the old one stays."""
        me = know(os.getpid())
        content = {
            "launcher": {"pid": os.getpid(), "started": me.started if me else 0},
            "address": address,
            "ready": ready,
            "services": services,
        }
        fresh = self.state / f".run.{os.getpid()}"
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps(content, indent=1))
            fresh.rename(self.state / "run.json")

    def clear(self) -> None:
        """Forget the run: all its processes have ended."""
        (self.state / "run.json").unlink(missing_ok=True)


def read_record(state: Path) -> Record | None:
    """Return what run.json says, whether its launcher still lives or not; None when there is nothing."""
    try:
        raw = json.loads((state / "run.json").read_text())
        return Record(
            Known(raw["launcher"]["pid"], raw["launcher"]["started"]), raw["address"], raw["ready"], raw["services"]
        )
    except (OSError, ValueError, KeyError):
        return None


def running(state: Path) -> Record | None:
    """Return the record when its launcher runs."""
    record = read_record(state)
    return record if record and alive(record.launcher) else None


def end_leftovers(state: Path, launcher: Known | None = None) -> list[str]:
    """End what a launcher that died left behind; return the names of the services that still ran.

    The caller knows that it died: from holding its lock, or from having waited for the end of this one `launcher`.
    """
    record = read_record(state)
    if record is None or (launcher and record.launcher != launcher):
        return []
    found = end_all(record.leaders())
    if read_record(state) == record:  # else the next launcher has begun
        (state / "run.json").unlink(missing_ok=True)
    return found
