"""What a fresh installation gets, and the ways in from the command line."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.portal import cli, seed
from services.portal.domain import access, passwords, setup
from services.portal.domain.permissions import ALL
from services.portal.errors import UserNotFound
from services.portal.models import AccessToken, Role, User
from shared.db import make_engine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def empty_url(make_database: Callable[[str], str]) -> str:
    return make_database("portal")


def _read(url: str, look: Callable[[Session], Any]) -> Any:
    engine = make_engine(url, pool_size=1)
    with Session(engine) as session:
        found = look(session)
    engine.dispose()
    return found


def test_seed_when_run_makes_one_administrator_whose_password_works(empty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "state" / "first.txt"
    env = {**os.environ, "DATABASE_URL": empty_url, "FIRST_SIGN_IN_FILE": str(file)}
    command = [sys.executable, "-m", "services.portal.seed"]
    said = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    username, password = file.read_text().split()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert password not in said
    users = _read(empty_url, lambda session: session.scalars(select(User)).all())
    assert [user.username for user in users] == [username] == ["admin"]
    assert passwords.is_right(users[0].password_hash, password)
    assert users[0].password_is_temporary is False
    assert list(file.parent.iterdir()) == [file]


def test_seed_when_run_twice_at_once_makes_one_administrator(make_database: Callable[[str], str]) -> None:
    url = make_database("portal")
    results: list[str | None] = []
    thread = threading.Thread(target=lambda: results.append(seed.run(url, None)))
    engine = make_engine(url, pool_size=2)
    with Session(engine) as first, first.begin():
        assert setup.prepare(first) is not None
        thread.start()
        with engine.connect() as watcher:  # the second one waits for the first to commit
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            while thread.is_alive() and not watcher.execute(text(waiting)).scalar_one():
                watcher.rollback()
    thread.join()
    engine.dispose()
    assert results == [None]
    assert len(_read(url, lambda session: session.scalars(select(User)).all())) == 1


def test_seed_when_repeated_leaves_what_people_changed_and_refreshes_the_administrator(empty_url: str) -> None:
    seed.run(empty_url, None)
    engine = make_engine(empty_url, pool_size=1)
    with Session(engine) as session, session.begin():
        roles = {role.name: role for role in session.scalars(select(Role))}
        roles["Viewer"].permissions = ["export"]
        roles["Administrator"].permissions = ["import"]
        session.delete(roles["Staff"])
    engine.dispose()
    assert seed.run(empty_url, None) is None
    roles = _read(
        empty_url, lambda session: {role.name: set(role.permissions) for role in session.scalars(select(Role))}
    )
    assert roles["Viewer"] == {"export"}
    assert roles["Administrator"] == ALL
    assert "Staff" not in roles


def test_seed_when_the_file_can_not_be_written_makes_nobody(
    make_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = make_database("portal")
    (tmp_path / "taken").write_text("")
    with pytest.raises(OSError, match="taken"):
        seed.run(url, tmp_path / "taken" / "first.txt")
    assert _read(url, lambda session: session.scalars(select(User)).all()) == []


def test_token_when_made_by_command_line_works_beside_earlier_ones(empty_url: str) -> None:
    seed.run(empty_url, None)
    made = [cli.run(empty_url, "token", "ADMIN") for _ in range(2)]
    known = _read(empty_url, lambda session: [access.who_has_token(session, token) for token in made])
    assert [one.permissions == ALL for one in known] == [True, True]
    names = _read(empty_url, lambda session: sorted(session.scalars(select(AccessToken.name))))
    assert names == ["command line", "command line 2"]


def test_password_when_made_by_command_line_is_temporary(empty_url: str) -> None:
    seed.run(empty_url, None)
    password = cli.run(empty_url, "password", "admin")
    user = _read(empty_url, lambda session: session.scalars(select(User)).one())
    assert passwords.is_right(user.password_hash, password)
    assert user.password_is_temporary
    with pytest.raises(UserNotFound):
        cli.run(empty_url, "password", "nobody")


def test_trail_when_the_owner_of_the_database_migrates_is_insert_only_for_them_too(
    empty_url: str, make_database: Callable[[str], str]
) -> None:
    """A plain role that owns the database can migrate (the extension is a trusted one) and still can't rewrite history."""
    from shared import migrate
    from shared.testing import server_url

    name = f"owner_{os.getpid()}"
    with psycopg.connect(server_url(), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
        admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    try:
        parts = psycopg.conninfo.conninfo_to_dict(server_url())
        url = f"postgresql+psycopg://{name}:x@{parts['host']}:{parts['port']}/{name}"
        migrate.upgrade("portal", url)
        seed.run(url, None)
        with psycopg.connect(url.replace("+psycopg", "")) as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("DELETE FROM audit_entry")
    finally:
        with psycopg.connect(server_url(), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            admin.execute(f"DROP ROLE {name}")
