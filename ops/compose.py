"""docker-compose.yml as the real Compose reads it: interpolated, merged, validated."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.failure import Failure

STARTED, HEALTHY, COMPLETED = "service_started", "service_healthy", "service_completed_successfully"
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Health:
    """When a service counts as healthy. Times in seconds."""

    test: tuple[str, ...]
    interval: float = 30
    timeout: float = 30
    retries: int = 3
    start_period: float = 0


@dataclass(frozen=True)
class Spec:
    """One service of the compose file. `needs` maps a service to the condition it must meet first."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    health: Health | None = None
    restarts: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10


def read_compose(
    file: Path, program: Path, env_files: Iterable[Path], environment: Mapping[str, str]
) -> dict[str, Spec]:
    """Return the services of `file` by name; Failure with Compose's own words when it is not valid."""
    command = [str(program), "--file", str(file), "--project-directory", str(file.parent)]
    for one in env_files:
        command += ["--env-file", str(one)]
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failure(f"{file.name} is not valid: {done.stderr.strip()}")
    services = json.loads(done.stdout)["services"]
    return {name: _spec(name, raw) for name, raw in services.items()}


def _spec(name: str, raw: Mapping[str, Any]) -> Spec:
    return Spec(
        name=name,
        image=raw.get("image") or "",
        command=tuple(raw.get("command") or ()),
        environment={key: value for key, value in (raw.get("environment") or {}).items() if value is not None},
        needs={other: rule["condition"] for other, rule in (raw.get("depends_on") or {}).items()},
        health=_health(raw.get("healthcheck")),
        restarts=(raw.get("restart") or "no") != "no",
        stop_signal=signal.Signals[raw.get("stop_signal") or "SIGTERM"],
        grace=seconds(raw.get("stop_grace_period"), 10),
    )


def _health(raw: Mapping[str, Any] | None) -> Health | None:
    if not raw or raw.get("disable") or not raw.get("test"):
        return None
    return Health(
        test=tuple(raw["test"]),
        interval=seconds(raw.get("interval"), 30),
        timeout=seconds(raw.get("timeout"), 30),
        retries=raw.get("retries") or 3,
        start_period=seconds(raw.get("start_period"), 0),
    )


def seconds(text: str | None, default: float) -> float:
    """Return a Compose duration such as `1m30s` in seconds."""
    if not text:
        return default
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(us|ms|s|m|h)", text))


def closure(specs: Mapping[str, Spec], wanted: Iterable[str]) -> dict[str, Spec]:
    """Return the wanted services and all they need, in the order of the file."""
    found = list(wanted)
    for name in found:
        found += [other for other in specs[name].needs if other not in found]
    return {name: spec for name, spec in specs.items() if name in found}


def stop_order(specs: Mapping[str, Spec]) -> list[list[str]]:
    """Return the services in waves to be stopped one after the other: who needs others goes before them."""
    left = dict(specs)
    waves = []
    while left:
        wave = [name for name in left if not any(name in spec.needs for spec in left.values())]
        if not wave:
            raise Failure(f"docker-compose.yml: {', '.join(left)} need each other in a circle.")
        waves.append(wave)
        left = {name: spec for name, spec in left.items() if name not in wave}
    return waves
