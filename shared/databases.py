"""`python -m shared.databases`: give each service its role and database; nobody can open another's. Safe to repeat."""

import os
import sys
from typing import Any

import psycopg
from psycopg import sql

# The role of a service's transactions for people who see only a part; row-level security holds for it (`shared.scope`).
SCOPED = {"customers": "customers_scoped", "associates": "associates_scoped"}
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
        add_scoped_role(admin, service)
    add_extensions(psycopg.conninfo.make_conninfo(admin_url, dbname=service), service)


def add_scoped_role(admin: psycopg.Connection[Any], service: str) -> None:
    """Add the role that `service` steps into for who sees only a part; it can do nothing that it is not granted."""
    if role := SCOPED.get(service):
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
            admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (service,)).fetchone():
            grant = sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE")
            admin.execute(grant.format(sql.Identifier(role), sql.Identifier(service)))


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
