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
from ops.tokens import own_token

NEEDS_DEVELOPMENT = {"test", "lint", "bench"}
NEEDS_NOTHING = {"down", "status", "logs"}
PASSED_ON = {"test", "bench", "import", "export", "undo", "jobs"}  # whose arguments are for the program that they start
COPYING = {  # services that keep copies of what others own, and what compares them
    "customers": "services.customers.cli",
    "associates": "services.associates.cli",
    "portal": "services.portal.copies_cli",
}


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
    add("test", help="run the tests; further arguments go to pytest, --drills adds the long ones", add_help=False)
    add("lint", help="check style, types and who imports whom")
    add("migrate", help="bring the databases to the newest form")
    add("bench", help="measure, beside a floor from the same run: bench [NAME ...]", add_help=False)
    add("demo", help="fill a running copy with sample data")
    add("import", help="import a CSV file and wait for the end: import KIND FILE", add_help=False)
    add("export", help="export a list to a CSV file: export KIND FILE [--filter NAME=VALUE ...]", add_help=False)
    add("undo", help="take an import back and wait for the end: undo JOB", add_help=False)
    add("jobs", help="list the latest imports, mass changes and exports", add_help=False)
    add("check", help="compare what services copy from each other with its owners; 1 if something differs")
    rebuild = add("rebuild", help="make anew what a service copies from others")
    rebuild.add_argument("service", choices=COPYING)
    token = add("token", help="print a personal access token for the API")
    token.add_argument("user")
    password = add("password", help="print a new temporary password")
    password.add_argument("user")
    return top


def main(arguments: list[str]) -> int:
    """Run one subcommand and return its exit code. Foreseeable trouble is one sentence on stderr."""
    if arguments and arguments[0] in PASSED_ON:
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


PROGRAMS = {
    "import": ["services.imports.cli", "import"],
    "export": ["services.imports.export_cli"],
    "undo": ["services.imports.jobs_cli", "undo"],
    "jobs": ["services.imports.jobs_cli", "jobs"],
}


def _by_api(options: argparse.Namespace, place: Place) -> int:
    """Run a program that works through the API of this copy."""
    asks_for_help = {"-h", "--help"} & {*options.arguments}
    if not asks_for_help:
        need_running(place)
    extra = {"PYTHONPATH": str(ROOT), "LIAISON_URL": os.environ.get("LIAISON_URL") or place.address}
    extra["LIAISON_TOKEN"] = os.environ.get("LIAISON_TOKEN") or ("" if asks_for_help else own_token(place))
    program = ["-m", *PROGRAMS[options.command], *options.arguments]
    return run_in_service(place, "imports", program, extra, folder=Path.cwd()).returncode


def _check(options: argparse.Namespace, place: Place) -> int:
    """Compare all copies with their owners; each service says what differs."""
    need_running(place)
    codes = [run_in_service(place, one, ["-m", module, "check"]).returncode for one, module in COPYING.items()]
    if not any(codes):
        print("All copies agree with their owners.")
    return 1 if any(codes) else 0


def _rebuild(options: argparse.Namespace, place: Place) -> int:
    need_running(place)
    return run_in_service(place, options.service, ["-m", COPYING[options.service], "rebuild"]).returncode


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
    "import": _by_api,
    "export": _by_api,
    "undo": _by_api,
    "jobs": _by_api,
    "check": _check,
    "rebuild": _rebuild,
    "token": _portal_user,
    "password": _portal_user,
}
