"""The servers that come as wheels: made in any folder, found by their address, gone afterwards."""

import os
from pathlib import Path

import psycopg
import pytest
import redis

from ops import postgres
from ops.testing import free_port, remove, servers_for_tests


def test_servers_for_tests_when_done_leave_nothing(tmp_path: Path) -> None:
    """As root this also shows that PostgreSQL moves: pytest's folders are closed to its user."""
    old = tmp_path / "test-4194305"  # no process has such a number
    old.mkdir()
    with servers_for_tests(tmp_path) as addresses:
        assert not old.exists()
        with psycopg.connect(addresses["LIAISON_TEST_POSTGRES"]) as connection:
            assert connection.execute("SELECT uuidv7() IS NOT NULL").fetchone() == (True,)
        with redis.Redis.from_url(addresses["LIAISON_TEST_REDIS"]) as cache:
            assert cache.ping()
        database = tmp_path / f"test-{os.getpid()}/db"
        if os.geteuid() == 0:
            assert database.is_symlink()
        elsewhere = database.resolve().parent
        assert elsewhere.exists()
    assert list(tmp_path.iterdir()) == []
    assert not elsewhere.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(addresses["LIAISON_TEST_POSTGRES"])


def test_database_when_half_made_is_made_anew(tmp_path: Path) -> None:
    home = tmp_path / "test-1/db"
    home.parent.mkdir()
    first = postgres.make_cluster(home, "secret", ("--no-sync",))
    try:
        half_made = first.data.rename(first.data.with_name("new"))  # as a kill in the middle of initdb leaves it
        (half_made / "left").touch()
        second = postgres.make_cluster(home, "secret", ("--no-sync",))
        assert second.data == first.data
        assert (second.data / "PG_VERSION").exists()
        assert not (second.data / "left").exists()
        assert not half_made.exists()
        again = (second.data / "global/pg_control").stat().st_mtime_ns
        postgres.make_cluster(home, "secret")
        assert (second.data / "global/pg_control").stat().st_mtime_ns == again
    finally:
        remove(home.parent)


@pytest.mark.parametrize(
    ("number", "stays"), [(os.getpid(), False), (4194305, True), ("", True)], ids=["own", "none", "no"]
)
def test_lock_of_the_database_when_another_program_has_its_number_is_dropped(
    tmp_path: Path, number: object, stays: bool
) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{number}\n{tmp_path}\n")
    postgres.drop_stale_lock(tmp_path)
    assert lock.exists() is stays


def test_cluster_when_served_listens_on_loopback_without_a_socket_file(tmp_path: Path) -> None:
    command = postgres.Cluster(tmp_path, tmp_path, postgres.Owner()).command(free_port(), "-cjit=off")
    assert command[command.index("-h") + 1] == "127.0.0.1"
    assert "unix_socket_directories=" in command
