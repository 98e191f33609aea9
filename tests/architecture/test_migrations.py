"""Each service's migrations end where its models are."""

import importlib
from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from shared import migrate


@pytest.mark.parametrize("service", ["customers", "associates", "portal", "imports"])
def test_migrations_when_run_match_the_models(service: str, make_database: Callable[[str], str]) -> None:
    url = make_database(service)
    metadata = importlib.import_module(f"services.{service}.models").Base.metadata
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_server_default": False})
            assert compare_metadata(context, metadata) == []
    finally:
        engine.dispose()


@pytest.mark.parametrize("service", ["customers", "associates", "portal", "imports"])
def test_migrations_when_current_are_recognised_without_alembic(
    service: str, make_database: Callable[[str], str]
) -> None:
    assert migrate.current_revision(make_database(service)) == migrate.newest_revision(service)
