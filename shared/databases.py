"""`python -m shared.databases`: give each service its role and database; nobody can open another's. Safe to repeat."""

import os
import sys

import psycopg
from psycopg import sql

EXTENSIONS = {"customers": ("pg_trgm", "btree_gin"), "associates": ("pg_trgm",)}


def create(admin_url: str, service: str, password: str) -> None:
    """Create role and database `service` when missing, set the password, and close the database to others."""
    name = sql.Identifier(service)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (service,)).fetchone():
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password)))
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (service,)).fetchone():
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    add_extensions(psycopg.conninfo.make_conninfo(admin_url, dbname=service), service)


def add_extensions(url: str, service: str) -> None:
    """Add the extensions that `service` needs, which takes a superuser."""
    if extensions := EXTENSIONS.get(service):
        with psycopg.connect(url, autocommit=True) as connection:
            for extension in extensions:
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


def main() -> None:
    """Do this for every service whose `X_DB_PASSWORD` is set."""
    admin_url = os.environ.get("ADMIN_DATABASE_URL")
    if not admin_url:
        sys.exit("databases: set ADMIN_DATABASE_URL in the environment.")
    suffix = "_DB_PASSWORD"
    for variable in sorted(name for name in os.environ if name.endswith(suffix)):
        create(admin_url, variable.removesuffix(suffix).lower(), os.environ[variable])


if __name__ == "__main__":
    main()
