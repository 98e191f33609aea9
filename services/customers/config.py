"""Configuration of customers."""

from shared.settings import Settings

# While an import fills the pending list of the search index, a save of a person never flushes it: the importer does,
# in small steps (measured: the save's p95 stays below 100 ms, else it is 400).
WEB_DATABASE = {"gin_pending_list_limit": "1GB"}
BULK_DATABASE = {"statement_timeout": 110, "gin_pending_list_limit": "16MB", "work_mem": "64MB"}
SERVICE = "customers"
# Who reads our feed.
READERS = ("portal", "associates")


def load_settings() -> Settings:
    """Read the environment; raise SettingsError naming what is wrong."""
    return Settings.from_environment(SERVICE)
