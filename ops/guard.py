"""A second pair of eyes: ends all services if the launcher is killed, also those that ignore their stop signal."""

import os
import signal
import time
from pathlib import Path

from ops.processes import await_end, know
from ops.record import end_leftovers


def post_guard(state: Path) -> None:
    """Leave a process behind that waits for our end, then ends what we recorded. After a good end that is nothing.

    The kernel closes the launcher's end of the pipe when the launcher ends, however it ends; nobody else has it.
    """
    launcher = know(os.getpid())
    read_end, _ = os.pipe()
    if os.fork():
        os.close(read_end)
        return
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.dup2(read_end, 0)
        os.closerange(3, 4096)  # all that others wait on: the pipe's other end, a report, a lock
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.read(0, 1)
        if launcher:  # its files are closed a little before it is gone
            await_end([launcher], time.monotonic() + 10)
            end_leftovers(state, launcher)
    finally:
        os._exit(0)
