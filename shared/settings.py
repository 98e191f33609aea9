"""Configuration from the environment, read once at start; what is wrong is named."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

PEERS = ("customers", "customers_bulk", "associates", "portal", "imports")


class SettingsError(RuntimeError):
    """A variable is missing or unusable; the message names it."""


@dataclass(frozen=True)
class Settings:
    """What a process needs to know about its surroundings.

    `urls` maps a peer's name (`customers_bulk`) to the base URL under which it is reached inside.
    """

    service: str
    database_url: str
    redis_url: str
    keys_dir: Path
    files_url: str
    public_url: str
    log_format: str = "json"
    urls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, service: str, environment: Mapping[str, str] | None = None) -> Self:
        """Read the variables of `service`; raise SettingsError naming all that are missing."""
        env = os.environ if environment is None else environment
        needed = ("DATABASE_URL", "REDIS_URL", "KEYS_DIR", "FILES_URL", "PUBLIC_URL")
        missing = [name for name in needed if not env.get(name)]
        if missing:
            raise SettingsError(f"{service}: set {', '.join(missing)} in the environment (see docker-compose.yml).")
        if not env["DATABASE_URL"].startswith("postgresql+psycopg://"):
            raise SettingsError(f"{service}: DATABASE_URL must start with postgresql+psycopg://")
        keys = Path(env["KEYS_DIR"])
        if not (keys / f"{service}.pem").is_file():
            raise SettingsError(f"{service}: KEYS_DIR ({keys}) has no {service}.pem; run `python -m shared.keyring`.")
        return cls(
            service=service,
            database_url=env["DATABASE_URL"],
            redis_url=env["REDIS_URL"],
            keys_dir=keys,
            files_url=env["FILES_URL"],
            public_url=env["PUBLIC_URL"].rstrip("/"),
            log_format=env.get("LOG_FORMAT", "json"),
            urls={peer: env[f"{peer.upper()}_URL"].rstrip("/") for peer in PEERS if env.get(f"{peer.upper()}_URL")},
        )
