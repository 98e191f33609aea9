"""A copy of Liaison for a benchmark alone: its own state, its own ports, gone afterwards."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ops.place import ROOT, Place, find_place
from ops.stack import read_stack
from ops.testing import free_port


@dataclass(frozen=True)
class OwnCopy:
    """A running copy, its access token for the API, and how long its start took in seconds."""

    place: Place
    environment: dict[str, str]
    token: str
    start_seconds: float

    def api(self) -> httpx.Client:
        """Return a client of the API through the gateway."""
        return httpx.Client(
            base_url=self.place.address, headers={"Authorization": f"Bearer {self.token}"}, timeout=60, trust_env=False
        )

    def database(self, name: str) -> str:
        """Return the superuser's address of one of its databases, for psycopg."""
        admin = str(read_stack(self.place)["databases"].environment["ADMIN_DATABASE_URL"])
        return f"{admin.rpartition('/')[0]}/{name}"

    def import_file(self, path: Path) -> dict[str, Any]:
        """Import a file of customers from the command line; return its job as the API tells it."""
        done = liaison(self.environment, "import", "customers", str(path), "--json", check=False)
        job = json.loads(done.stdout)
        with self.api() as api:
            return dict(api.get(f"/api/imports/v1/jobs/{job['id']}").json())

    def memory(self) -> int:
        """Return the memory of all parts in MB, as `./liaison status` tells it."""
        found = re.search(r"([\d,]+) MB in all", liaison(self.environment, "status").stdout)
        return int(found.group(1).replace(",", "")) if found else 0

    def peak_of(self, *words: str) -> int:
        """Return the highest memory in MB (VmHWM) that any process of this copy with these words ever had."""
        mark = f"LIAISON_DB_PORT={self.place.ports['DB_PORT']}", f":{self.place.ports['DB_PORT']}/"
        peaks = [0]
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (folder / "environ").read_bytes().decode(errors="replace")
                if all(word in command for word in words) and any(one in environment for one in mark):
                    status = (folder / "status").read_text()
                    peaks += [int(size) // 1024 for size in re.findall(r"VmHWM:\s+(\d+)", status)]
        return max(peaks)


def liaison(environment: dict[str, str], *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `./liaison ARGUMENTS` with this environment."""
    return subprocess.run(
        [ROOT / "liaison", *arguments], env=environment, capture_output=True, text=True, check=check, cwd=ROOT
    )


@contextlib.contextmanager
def own_copy(name: str, **more: str) -> Iterator[OwnCopy]:
    """Start a copy with `more` in its environment, yield it when it is ready, stop it and remove its state."""
    state = ROOT / ".state" / f"bench-{name}-{os.getpid()}"
    environment = {**os.environ, "LIAISON_STATE": str(state), "LIAISON_PORT": str(free_port()), **more}
    try:
        started = time.monotonic()
        liaison(environment, "up", "--detach")
        seconds = time.monotonic() - started
        token = liaison(environment, "token", "admin").stdout.split()[-1]
        yield OwnCopy(find_place(environment), environment, token, seconds)
    finally:
        liaison(environment, "down", check=False)
        shutil.rmtree(state, ignore_errors=True)
