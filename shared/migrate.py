"""`python -m shared.migrate SERVICE`: bring that service's database to its newest revision.

Revisions are files `NNNN_what.py` in `services/<service>/migrations/versions`, with revision id `NNNN`; so a database
that is already at the newest one is recognised without loading anything heavy.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[1]
LOCK = 0x6C69_0002


def newest_revision(service: str) -> str:
    """Return the id of the newest revision of `service`."""
    files = (ROOT / "services" / service / "migrations" / "versions").glob("[0-9]*_*.py")
    return max(file.name.partition("_")[0] for file in files)


def current_revision(url: str) -> str | None:
    """Return the revision that the database is at, None for an empty one."""
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        if not found or not found[0]:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None


def upgrade(service: str, url: str) -> None:
    """Run the missing revisions; two processes may do this at once."""
    from alembic import command

    command.upgrade(configuration(service, url), "head")


def configuration(service: str, url: str) -> Any:
    """Return Alembic's configuration for the history of `service`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / service / "migrations"))
    config.set_main_option("version_path_separator", "os")
    config.attributes["url"] = url
    return config


def run_environment(target: Any) -> None:
    """Do what a service's `migrations/env.py` has to do; `target` is its metadata."""
    from alembic import context
    from sqlalchemy import create_engine, pool, text

    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
        context.configure(connection=connection, target_metadata=target, compare_server_default=False)
        with context.begin_transaction():
            context.run_migrations()


def main(service: str) -> None:
    """Bring `service` up to date, saying what was done."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        sys.exit("migrate: set DATABASE_URL in the environment.")
    newest = newest_revision(service)
    if (now := current_revision(url)) == newest:
        print(f"{service}: up to date at {newest}")
        return
    started = time.monotonic()
    upgrade(service, url)
    print(f"{service}: from {now or 'empty'} to {newest} in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m shared.migrate SERVICE")
    main(sys.argv[1])
