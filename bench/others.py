"""The same rows into the same table by django-import-export, beside our import, in one run.

`./liaison bench others [ROWS]`. Ours reads the file, checks it and makes accounts with contacts; the other one gets the
finished accounts alone, keys and search words included, and writes them with `use_bulk`. It runs in an environment of
its own (requirements/others.txt), which is made for it.
"""

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from bench import generate
from bench.imports import FLOOR, empty, make_floor, timed
from bench.own_copy import OwnCopy, own_copy
from ops.place import BIN, ROOT

ROWS = 100_000
LOCK = ROOT / "requirements/others.txt"
KINDS = ("text", "boolean", "uuid")
KNOWN = """
SELECT column_name, data_type FROM information_schema.columns
WHERE table_name = 'account' AND data_type = ANY(%s)
    AND column_name NOT IN ('created_job', 'status_by')
ORDER BY ordinal_position
"""


def run(arguments: Sequence[str] = ()) -> None:
    """Print both times and their ratio."""
    rows = int(arguments[0].replace("_", "")) if arguments else ROWS
    with own_copy("others") as copy, tempfile.TemporaryDirectory() as folder:
        python = make_environment(Path(folder) / "venv")
        make_floor(copy)
        path = Path(folder) / "customers.csv"
        generate.write(rows, path, clean=True)
        ours = timed(copy, path, "created")
        theirs = by_django(copy, python, Path(folder) / "accounts.csv")
        print(
            f"{rows:>9,} rows: ours {ours:.1f} s ({rows / ours:,.0f} rows/s), with contacts;"
            f" django-import-export {theirs:.1f} s ({rows / theirs:,.0f} rows/s), ratio {theirs / ours:.1f}",
            flush=True,
        )


def make_environment(place: Path) -> Path:
    """Make an environment with the other one in it; return its Python."""
    venv.create(place)
    subprocess.run(
        [BIN / "uv", "pip", "install", "--quiet", "--require-hashes", "-r", LOCK],
        env={**os.environ, "VIRTUAL_ENV": str(place)},
        check=True,
    )
    return place / "bin/python"


def by_django(copy: OwnCopy, python: Path, path: Path) -> float:
    """Import the accounts that are there into the copy of the tables that has the same indexes; return the seconds."""
    with psycopg.connect(copy.database("customers")) as connection:
        known = connection.execute(KNOWN, [list(KINDS)]).fetchall()
        as_read = {"boolean": sql.SQL("{}::int AS {}")}
        names = sql.SQL(", ").join(
            as_read.get(kind, sql.SQL("{} AS {}")).format(sql.Identifier(name), sql.Identifier(name))
            for name, kind in known
        )
        query = sql.SQL("COPY (SELECT {} FROM account) TO STDOUT (FORMAT csv, HEADER)").format(names)
        with path.open("wb") as file, connection.cursor().copy(query) as rows:
            for piece in rows:
                file.write(piece)
    target = copy.database(f"{FLOOR}_b")
    empty(target)
    about = psycopg.conninfo.conninfo_to_dict(target)
    names_of = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    where = {name: str(about[part]) for name, part in names_of.items() if part in about}
    columns = [f"{name}:{kind}" for name, kind in known]
    done = subprocess.run(
        [python, ROOT / "bench/with_django.py", path, *columns],
        env={**os.environ, **where}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout)
