"""Where a copy of Liaison lives: its folders and its ports, all of which the environment can move."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.failure import Failure

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"

INTERNAL_PORTS = (
    "DB_PORT",
    "CACHE_PORT",
    "GATEWAY_PROBE_PORT",
    "PORTAL_PORT",
    "CUSTOMERS_PORT",
    "CUSTOMERS_BULK_PORT",
    "ASSOCIATES_PORT",
    "IMPORTS_PORT",
    "IMPORTS_STREAM_PORT",
)
BLOCK = 20
BLOCKS = 1100  # 10,000 to 31,999: below the ports that systems hand out by themselves


@dataclass(frozen=True)
class Place:
    """The state folder and the ports of one copy. `ports` holds LIAISON_PORT and each internal port by name."""

    state: Path
    ports: Mapping[str, int]

    @property
    def address(self) -> str:
        """The address for the browser."""
        return f"http://localhost:{self.ports['LIAISON_PORT']}"

    def environment(self) -> dict[str, str]:
        """Return what ops/native.env builds upon."""
        return {
            "LIAISON_ROOT": str(ROOT),
            "LIAISON_STATE_DIR": str(self.state),
            **{name: str(port) for name, port in self.ports.items()},
        }


def find_place(environment: Mapping[str, str]) -> Place:
    """Read LIAISON_STATE, LIAISON_PORT, LIAISON_BASE_PORT, LIAISON_DB_PORT and so on; Failure for what is no port."""
    state = Path(environment.get("LIAISON_STATE") or ROOT / ".state").expanduser().absolute()
    public = _port(environment, "LIAISON_PORT", 8080)
    base = _port(environment, "LIAISON_BASE_PORT", _base_for(public))
    ports = {"LIAISON_PORT": public}
    for offset, name in enumerate(INTERNAL_PORTS):
        ports[name] = _port(environment, variable(name), base + offset)
    owner: dict[int, str] = {}
    for name, port in ports.items():
        if port in owner:
            raise Failure(f"{variable(name)} and {variable(owner[port])} are both {port}. Give one another port.")
        owner[port] = name
    return Place(state, ports)


def variable(name: str) -> str:
    """Return the variable that sets a port: ours by its prefix, as many a shell has a DB_PORT for something else."""
    return name if name.startswith("LIAISON_") else f"LIAISON_{name}"


def _base_for(public: int) -> int:
    """Return the first internal port: a block of its own for every public port, so that neighbours get along."""
    base = 10_000 + BLOCK * (public % BLOCKS)
    return base + BLOCK if base <= public < base + BLOCK else base


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise Failure(f"{name} is {text!r}, which is no port. Use a number from 1 to 65535.")
    return int(text)


def check_ports_free(place: Place) -> None:
    """Raise Failure naming the first port that another program holds or that needs more rights."""
    for name, port in place.ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                raise Failure(f"Port {port} needs root. Choose another: LIAISON_PORT=8080 ./liaison up") from None
            except OSError:
                raise Failure(_in_use(name, port)) from None


def _in_use(name: str, port: int) -> str:
    if name == "LIAISON_PORT":
        return f"Port {port} is in use. Choose another one: LIAISON_PORT={port + 10} ./liaison up"
    return f"Port {port} ({variable(name)}) is in use. Move the internal ports: LIAISON_BASE_PORT=20000 ./liaison up"


def open_state(place: Place) -> Path:
    """Make the state folder. Others may pass through (PostgreSQL's own user has to), not look in."""
    try:
        place.state.mkdir(parents=True, exist_ok=True)
        for name in ("logs", "files", "keys"):
            (place.state / name).mkdir(mode=0o700, exist_ok=True)
        if place.state.stat().st_uid == os.geteuid():
            place.state.chmod(0o711)
    except OSError as error:
        raise Failure(
            f"Cannot write to {place.state} ({error.strerror}). Choose another folder: LIAISON_STATE=... ./liaison up"
        ) from None
    return place.state
