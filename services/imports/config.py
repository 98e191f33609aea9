"""What imports takes from its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.settings import Settings, SettingsError
from shared.web.features import PARTNER_MANAGEMENT

TARGETS = {
    "customers": "customers_bulk",
    "vendors": "customers_bulk",
    "contacts": "customers_bulk",
    "associates": "associates",
    "assignments": "associates",
    "users": "portal",
}
"""What can be imported, and which peer takes its chunks; see docs/add-an-import-target.md."""
MASS_CHANGES = {"mass_change": "associates"}
"""Which peer takes the chunks of mass changes; `SNAPSHOTS` is the peer whose customers they are of."""
SNAPSHOTS = "customers_bulk"
FEATURES = dict.fromkeys(("associates", "assignments", *MASS_CHANGES), PARTNER_MANAGEMENT)
"""The kinds that belong to a part of Liaison which may be switched off."""
NEEDS = {"users": "users.manage", "associates": "associates.edit", "assignments": "assign"}
"""Which permission a kind needs beside `import`; without it nobody sees that there is such a kind."""
ASSOCIATE_FIELDS = ("associate_code", "associate_name", "associate_email", "associate_role")
FIELDS = {kind: dict.fromkeys(ASSOCIATE_FIELDS, (PARTNER_MANAGEMENT, "assign")) for kind in ("customers", "vendors")}
"""The fields of a kind that belong to such a part, too, and the permission that feeding them needs."""
EXPORTS = {"customers": "customers_bulk", "contacts": "customers_bulk"}
"""What can be exported, and which peer streams it."""

OWNER_SECONDS = 25.0
LEASE_SECONDS = 30.0
EXPORT_SECONDS = 300.0
"""How long the owner of an export may be silent, while PostgreSQL sorts what it is about to send."""


@dataclass(frozen=True)
class ImportsConfig:
    """How the job engine runs. A lease is longer than any call to an owner, so that it ends for the dead only."""

    lease: timedelta
    owner_seconds: float
    most_bytes: int | None  # of an uploaded file


def imports_config(environment: Mapping[str, str] | None = None) -> ImportsConfig:
    """Read UPLOAD_MAX_MB, and IMPORTS_LEASE_SECONDS, which drills make short.

    Raises SettingsError naming what is wrong.
    """
    env = os.environ if environment is None else environment
    try:
        seconds = float(env.get("IMPORTS_LEASE_SECONDS") or LEASE_SECONDS)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 600:
        raise SettingsError("imports: IMPORTS_LEASE_SECONDS must be a number from 1 to 600.")
    most = env.get("UPLOAD_MAX_MB") or "0"
    if not most.isdecimal():
        raise SettingsError("imports: UPLOAD_MAX_MB must be whole megabytes, or empty for files of any size.")
    return ImportsConfig(timedelta(seconds=seconds), min(OWNER_SECONDS, seconds * 0.8), int(most) * 1_000_000 or None)


def imports_settings() -> Settings:
    """Read what every service needs, and check that the owner of each kind can be reached."""
    settings = Settings.from_environment("imports")
    missing = sorted(
        {peer for peer in (*TARGETS.values(), *EXPORTS.values(), *MASS_CHANGES.values()) if peer not in settings.urls}
    )
    if missing:
        raise SettingsError(f"imports: set {', '.join(f'{peer.upper()}_URL' for peer in missing)} in the environment.")
    return settings
