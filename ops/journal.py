"""What services print: all of it into `.state/logs/<service>.log`, what matters also on the terminal."""

import contextlib
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TextIO

LIMIT = 10 * 1024 * 1024
KEPT = 3
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
ERROR = re.compile(r"\b(ERROR|CRITICAL|FATAL|PANIC|Traceback)\b")
HARMLESS = re.compile(r"the database system is (starting up|shutting down|not yet accepting connections)|@%WARNING$")
WARNING = re.compile(r"\bWARN(ING)?\b")
ERROR_LEVELS = ("error", "critical", "fatal", "panic")
WARNING_LEVELS = ("warn", "warning")


class LogFile:
    """A log that never grows past KEPT + 1 files of LIMIT bytes. A full disk loses lines, never the service."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self.path, self.limit = path, limit
        self._open()

    def _open(self) -> None:
        self.file = self.path.open("ab", buffering=0)
        self.size = self.file.tell()

    def write(self, line: bytes) -> None:
        """Append a line."""
        with contextlib.suppress(OSError):
            if self.size + len(line) > self.limit:
                self._rotate()
            self.size += self.file.write(line) or 0

    def _rotate(self) -> None:
        self.file.close()
        for number in range(KEPT - 1, 0, -1):
            older = Path(f"{self.path}.{number}")
            if older.exists():
                older.rename(f"{self.path}.{number + 1}")
        self.path.rename(f"{self.path}.1")
        self._open()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Terminal:
    """Short lines for the person who watches: a name, a sentence. Silent when nobody can read it any more."""

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self.stream, self.verbose = stream, verbose
        self.coloured = stream.isatty() and not os.environ.get("NO_COLOR")
        self.began = time.monotonic()
        self.colours: dict[str, int] = {}

    def say(self, name: str, sentence: str) -> None:
        """Print one line under the name of a service."""
        mark = f"{time.monotonic() - self.began:6.1f} s  {name:<18}"
        if self.coloured:
            colour = self.colours.setdefault(name, COLOURS[len(self.colours) % len(COLOURS)])
            mark = f"\x1b[{colour}m{mark}\x1b[0m"
        self.print(f"{mark} {sentence}")

    def print(self, text: str) -> None:
        """Print as it is."""
        with contextlib.suppress(OSError, ValueError):  # the terminal was closed: go on without
            print(text, file=self.stream, flush=True)

    def show_log(self, name: str, line: str, *, warnings: bool) -> None:
        """Show a line of a service's log if it is an error, a warning that matters, or if all was asked for."""
        if self.verbose:
            self.say(name, line)
        elif short := trouble_in(line, warnings=warnings):
            self.say(name, short)


def trouble_in(line: str, *, warnings: bool) -> str | None:
    """Return a short form of a log line that is an error (or a warning), else None. Reads JSON and plain lines."""
    if line.startswith("{"):
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            shown = ERROR_LEVELS + (WARNING_LEVELS if warnings else ())
            if str(entry.get("level", "")).lower() not in shown:
                return None
            return f"{entry['level']}: {entry.get('event') or entry.get('msg') or line}"[:300]
    if HARMLESS.search(line):
        return None
    if ERROR.search(line) or (warnings and WARNING.search(line)):
        return line[:300]
    return None


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log, reading only its end."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 400 * count))
        return file.read().decode(errors="replace").splitlines()[-count:]


def follow(path: Path, stream: TextIO = sys.stdout) -> None:
    """Print what is added to a log until interrupted, across rotation."""
    file = path.open(errors="replace")
    file.seek(0, os.SEEK_END)
    while True:
        if text := file.read():
            stream.write(text)
            stream.flush()
            continue
        with contextlib.suppress(OSError):
            if path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = path.open(errors="replace")
                continue
        time.sleep(0.2)
