"""The subcommands of `./liaison`: what they are called, what they take, and which function does them."""

import argparse
import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ops import run
from ops.failure import Failure
from ops.place import BIN, ROOT, Place, find_place, open_state
from ops.provision import provision
from ops.stack import need_running, run_in_service
from ops.testing import run_tests

NEEDS_DEVELOPMENT = {"test", "lint", "bench"}
NEEDS_NOTHING = {"down", "status", "logs"}


def parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    top = argparse.ArgumentParser(prog="./liaison", description="Runs Liaison and all that goes with it.")
    add = top.add_subparsers(dest="command", required=True, metavar="COMMAND").add_parser
    up = add("up", help="set up what is missing and run everything until Ctrl-C")
    up.add_argument("--detach", action="store_true", help="return once it is ready and leave it running")
    up.add_argument("--verbose", action="store_true", help="print everything that the services print")
    add("down", help="stop what `up --detach` left running")
    add("status", help="show the services, their state and memory")
    logs = add("logs", help="show what a service printed")
    logs.add_argument("service")
    logs.add_argument("-n", "--lines", type=int, default=100)
    logs.add_argument("-f", "--follow", action="store_true")
    test = add("test", help="run the tests; further arguments go to pytest", prefix_chars="+", add_help=False)
    test.add_argument("arguments", nargs="*")
    add("lint", help="check style, types and who imports whom")
    add("migrate", help="bring the databases to the newest form")
    bench = add("bench", help="measure, beside a floor from the same run", prefix_chars="+", add_help=False)
    bench.add_argument("arguments", nargs="*")
    add("demo", help="fill a running copy with sample data")
    imports = add("import", help="import a CSV file and wait for the end")
    imports.add_argument("kind")
    imports.add_argument("file", type=Path)
    imports.add_argument("--mode", choices=("create", "update", "both"))
    imports.add_argument("--map", action="append", default=[], metavar="COLUMN=FIELD")
    imports.add_argument("--json", action="store_true")
    token = add("token", help="print a personal access token for the API")
    token.add_argument("user")
    password = add("password", help="print a new temporary password")
    password.add_argument("user")
    return top


def main(arguments: list[str]) -> int:
    """Run one subcommand and return its exit code. Foreseeable trouble is one sentence on stderr."""
    if arguments and arguments[0] in ("test", "bench"):  # all further options are for pytest or bench
        options = argparse.Namespace(command=arguments[0], arguments=arguments[1:])
    else:
        options = parser().parse_args(arguments)
    try:
        place = find_place(os.environ)
        if options.command not in NEEDS_NOTHING:
            provision(_tell, development=options.command in NEEDS_DEVELOPMENT)
        return COMMANDS[options.command](options, place)
    except Failure as failure:
        print(failure, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        print(_disk_sentence(error), file=sys.stderr)
    return 1


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _disk_sentence(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full. Make room and start again."
    return f"Cannot write or read {error.filename} ({error.strerror}). Does it belong to another user?"


def _up(options: argparse.Namespace, place: Place) -> int:
    return run.up_detached(place) if options.detach else run.up(place, verbose=options.verbose)


def _logs(options: argparse.Namespace, place: Place) -> int:
    return run.logs(place, options.service, lines=options.lines, following=options.follow)


def _test(options: argparse.Namespace, place: Place) -> int:
    open_state(place)
    return run_tests(place, options.arguments)


def _bench(options: argparse.Namespace, place: Place) -> int:
    return subprocess.run([BIN / "python", "-m", "bench", *options.arguments], cwd=ROOT, check=False).returncode


def _demo(options: argparse.Namespace, place: Place) -> int:
    need_running(place)
    return run_in_service(place, "customers", ["-m", "services.customers.demo"]).returncode


def _portal_user(options: argparse.Namespace, place: Place) -> int:
    need_running(place)
    return run_in_service(place, "portal", ["-m", "services.portal.cli", options.command, options.user]).returncode


def _import(options: argparse.Namespace, place: Place) -> int:
    need_running(place)
    if not options.file.is_file():
        raise Failure(f"There is no file {options.file}.")
    arguments = ["-m", "services.imports.cli", "import", options.kind, str(options.file.absolute())]
    if options.mode:
        arguments += ["--mode", options.mode]
    for pair in options.map:
        arguments += ["--map", pair]
    if options.json:
        arguments.append("--json")
    extra = {"LIAISON_URL": os.environ.get("LIAISON_URL") or place.address}
    extra["LIAISON_TOKEN"] = os.environ.get("LIAISON_TOKEN") or _token(place)
    return run_in_service(place, "imports", arguments, extra).returncode


def _token(place: Place) -> str:
    """Return an access token of the admin, made for this copy once and kept for its owner alone."""
    user = os.environ.get("LIAISON_USER", "admin")
    done = run_in_service(place, "portal", ["-m", "services.portal.cli", "token", user], capture=True)
    if done.returncode or not done.stdout.strip():
        raise Failure(f"Could not get an access token for {user}. Set LIAISON_TOKEN, or LIAISON_USER to another user.")
    return done.stdout.split()[-1]


LINTERS = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",), ("lint-imports",))


def _lint(options: argparse.Namespace, place: Place) -> int:
    """Run every linter, so that one call shows all there is to mend; 1 when any complains."""
    failed = 0
    for command in LINTERS:
        print(f"--- {' '.join(command)}", flush=True)
        failed |= subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, check=False).returncode
    return 1 if failed else 0


COMMANDS: dict[str, Callable[[argparse.Namespace, Place], int]] = {
    "up": _up,
    "down": lambda _, place: run.down(place),
    "status": lambda _, place: run.status(place),
    "logs": _logs,
    "test": _test,
    "lint": _lint,
    "migrate": lambda _, place: run.migrate(place),
    "bench": _bench,
    "demo": _demo,
    "import": _import,
    "token": _portal_user,
    "password": _portal_user,
}
