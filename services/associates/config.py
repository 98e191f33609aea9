"""Settings of associates from the environment."""

from shared.settings import Settings

# Who reads our feed.
READERS = ("customers", "portal")


def load() -> Settings:
    """Return the settings of associates; raise SettingsError naming what is missing."""
    return Settings.from_environment("associates")
