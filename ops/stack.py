"""Reading the compose file for a copy, and running a command inside the surroundings of one of its services."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ops.compose import Spec, read_compose
from ops.failure import Failure
from ops.native import environment_of
from ops.passwords import keep_passwords
from ops.place import BIN, ROOT, Place
from ops.record import running

COMPOSE_FILE = ROOT / "docker-compose.yml"


def read_stack(place: Place) -> dict[str, Spec]:
    """Return the services of docker-compose.yml with this copy's ports, folders and passwords."""
    passwords = keep_passwords(place.state / "secrets.env")
    file = os.environ.get("LIAISON_COMPOSE_FILE")  # another stack over the same launcher, for tests
    return read_compose(
        ROOT / file if file else COMPOSE_FILE,
        BIN / "docker-compose",
        [ROOT / "ops/native.env"],
        place.environment() | passwords,
    )


def need_running(place: Place) -> None:
    """Raise Failure unless this copy runs and is ready."""
    record = running(place.state)
    if record is None:
        raise Failure("Liaison does not run. Start it first: ./liaison up --detach")
    if not record.ready:
        raise Failure("Liaison is just starting. Try again when it is ready (./liaison status).")


def run_in_service(
    place: Place,
    service: str,
    arguments: list[str],
    extra: Mapping[str, str] | None = None,
    *,
    folder: Path = ROOT,
    capture: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run `python ...` with the environment that `service` has; its output goes where ours goes, or is captured."""
    spec = read_stack(place)[service]
    return subprocess.run(
        [str(BIN / "python"), *arguments],
        cwd=folder,
        env=environment_of(spec) | dict(extra or {}),
        stdout=subprocess.PIPE if capture else None,
        stdin=sys.stdin if not capture else subprocess.DEVNULL,
        text=True,
        check=False,
    )
