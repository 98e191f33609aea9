"""Fixtures for tests on the real PostgreSQL: one database per service, one outer transaction per test.

`./liaison test` starts the servers and sets LIAISON_TEST_POSTGRES and LIAISON_TEST_REDIS.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import Connection, event
from sqlalchemy.orm import sessionmaker

from shared import databases, keyring, migrate
from shared.identity import HEADER, Identity, sign_identity, sign_service
from shared.settings import PEERS, Settings


def server_url() -> str:
    """Return the address of the test server (superuser)."""
    url = os.environ.get("LIAISON_TEST_POSTGRES")
    if not url:
        pytest.exit(
            "Run the tests with ./liaison test: it starts the PostgreSQL and Valkey that they need.", returncode=2
        )
    return url


def cache_url() -> str:
    """Return the address of the test Valkey, in a database of its own for each process of a run."""
    server = os.environ.get("LIAISON_TEST_REDIS", "redis://127.0.0.1:1/0").rpartition("/")[0]
    return f"{server}/{os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw')}"


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fresh key pair per service."""
    folder = tmp_path_factory.mktemp("keys")
    keyring.make_missing(folder)
    return folder


@pytest.fixture(scope="session")
def make_database() -> Iterator[Callable[[str], str]]:
    """Give `make(service)`, which returns the SQLAlchemy URL of a fresh, migrated database, dropped at the end."""
    made: list[str] = []

    def make(service: str) -> str:
        name = f"test_{service}_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server_url(), autocommit=True) as admin:
            admin.execute("SELECT pg_advisory_lock(1)")  # roles belong to all processes of a run
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            databases.add_scoped_role(admin, service)
        made.append(name)
        url = psycopg.conninfo.conninfo_to_dict(server_url())
        plain = f"postgresql://{url['user']}@{url['host']}:{url['port']}/{name}"
        databases.add_extensions(plain, service)
        target = plain.replace("postgresql://", "postgresql+psycopg://", 1)
        migrate.upgrade(service, target)
        return target

    yield make
    with psycopg.connect(server_url(), autocommit=True) as admin:
        for name in made:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def make_settings(keys_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Settings]:
    """Give `make(service, database_url)`, which returns Settings whose peers point at a closed port."""

    def make(service: str, database_url: str, **urls: str) -> Settings:
        return Settings(
            service=service,
            database_url=database_url,
            redis_url=cache_url(),
            keys_dir=keys_dir,
            files_url=tmp_path_factory.mktemp("files").as_uri(),
            public_url="http://localhost",
            log_format="console",
            urls={**dict.fromkeys(PEERS, "http://127.0.0.1:1"), **urls},
        )

    return make


def _leave_role(connection: Connection, *_: object) -> None:
    """A session's transaction is a savepoint here, at whose end PostgreSQL does not take `SET LOCAL` back."""
    connection.exec_driver_sql("RESET ROLE")


@contextmanager
def outer_transaction(app: Flask) -> Iterator[Connection]:
    """Let every session of `app` run inside one transaction that is rolled back at the end of the block."""
    with app.extensions["liaison.engine"].connect() as connection:
        transaction = connection.begin()
        event.listen(connection, "release_savepoint", _leave_role)
        before = app.extensions["liaison.sessions"]
        app.extensions["liaison.sessions"] = sessionmaker(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        try:
            yield connection
        finally:
            app.extensions["liaison.sessions"] = before
            transaction.rollback()


class SignedClient(FlaskClient):
    """A test client that carries a signed identity, as the gateway would add it."""

    identity: Identity | None = None
    service_token: str | None = None

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send the request with the identity or the service's token."""
        headers = dict(kwargs.pop("headers", None) or {})
        if self.identity is not None:
            keys = self.application.extensions["liaison.settings"].keys_dir
            headers.setdefault(HEADER, sign_identity(keys, self.identity))
        if self.service_token is not None:
            headers.setdefault("Authorization", f"Bearer {self.service_token}")
        return super().open(*args, headers=headers, **kwargs)


def client_as(
    app: Flask, *permissions: str, name: str = "Ada Admin", kind: str = "employee", **identity: Any
) -> SignedClient:
    """Return a client signed in as a person with these permissions."""
    app.test_client_class = SignedClient
    client = app.test_client(use_cookies=False)
    assert isinstance(client, SignedClient)
    user = identity.pop("user_id", uuid.uuid5(uuid.NAMESPACE_URL, name))
    client.identity = Identity(user, name, kind, frozenset(permissions), **identity)
    return client


def client_of_service(app: Flask, caller: str) -> SignedClient:
    """Return a client that calls as service `caller`."""
    app.test_client_class = SignedClient
    client = app.test_client(use_cookies=False)
    assert isinstance(client, SignedClient)
    settings = app.extensions["liaison.settings"]
    client.service_token = sign_service(settings.keys_dir, caller, settings.service)
    return client
