"""Settings of portal from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from shared.settings import Settings


def load() -> Settings:
    """Return the settings of portal; raise SettingsError naming what is missing."""
    return Settings.from_environment("portal")


def first_sign_in_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that tells the first administrator's password, if there shall be one."""
    path = (os.environ if environment is None else environment).get("FIRST_SIGN_IN_FILE")
    return Path(path) if path else None
