"""Importing customers with their contacts, end to end through the gateway, beside COPY of the same rows.

`./liaison bench import [ROWS ...]`. One round: empty tables; the import, from the accepted upload to the completed job;
the same file again, which changes nothing; then the very rows that were made by COPY into the same tables with the same
indexes (floor B), and with primary and unique keys only (floor A). Median of three rounds, and the spread; memory is
the highest that a process ever had.
"""

import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import psycopg

from bench import generate
from bench.own_copy import OwnCopy, own_copy
from shared import databases, migrate

SIZES = (100_000, 1_000_000)
ROUNDS = 3
TABLES = ("account", "contact")
PIECE = 1 << 20
FLOOR = "bench_floor"


def run(arguments: Sequence[str] = ()) -> None:
    """Print a line for every size."""
    sizes = [int(size.replace("_", "")) for size in arguments] or SIZES
    with own_copy("import") as copy, tempfile.TemporaryDirectory() as folder:
        make_floor(copy)
        for size in sizes:
            path = Path(folder) / f"customers-{size}.csv"
            generate.write(size, path)
            rounds = [one_round(copy, path, Path(folder)) for _ in range(ROUNDS)]
            report(size, path, rounds)
            reader = copy.peak_of("services.imports.worker", "worker")
            bulk = copy.peak_of("create_bulk_app")
            print(f"    peak memory: worker {reader} MB, customers-bulk {bulk} MB", flush=True)


def report(size: int, path: Path, rounds: list[tuple[float, ...]]) -> None:
    """Print the medians, the ratios of each round, and their spread."""
    took, again, all_indexes, keys_only = (median(column) for column in zip(*rounds, strict=True))
    to_first = sorted(one[1] / one[0] for one in rounds)
    to_b = sorted(one[0] / one[2] for one in rounds)
    to_a = sorted(one[0] / one[3] for one in rounds)
    print(
        f"{size:>9,} rows ({path.stat().st_size / 1e6:.0f} MB): import {took:.1f} s ({size / took:,.0f} rows/s);"
        f" again {again:.1f} s, ratio {median(to_first):.2f} ({to_first[0]:.2f} to {to_first[-1]:.2f});"
        f" COPY with all indexes {all_indexes:.1f} s, ratio {median(to_b):.2f} ({to_b[0]:.2f} to {to_b[-1]:.2f});"
        f" with keys only {keys_only:.1f} s, ratio {median(to_a):.2f} ({to_a[0]:.2f} to {to_a[-1]:.2f})",
        flush=True,
    )


def one_round(copy: OwnCopy, path: Path, folder: Path) -> tuple[float, ...]:
    """Return the seconds of the import, of the same import again, of floor B and of floor A."""
    customers = copy.database("customers")
    empty(customers, "change", "receipt", "outbox")
    took = timed(copy, path, "created")
    again = timed(copy, path, "unchanged")
    files = dump(customers, folder)
    floors = [load(copy.database(f"{FLOOR}_{kind}"), files) for kind in ("b", "a")]
    print(
        f"    import {took:.1f} s, again {again:.1f} s, floor B {floors[0]:.1f} s, floor A {floors[1]:.1f} s",
        flush=True,
    )
    return took, again, *floors


def timed(copy: OwnCopy, path: Path, what: str) -> float:
    """Import a file whose good rows all are `what` in the end; return the seconds."""
    job = copy.import_file(path)
    counts = job["counts"]
    assert job["state"] in ("completed", "completed_with_errors"), job
    assert counts[what] + counts["failed"] == counts["rows"], counts
    return (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["created_at"])).total_seconds()


def make_floor(copy: OwnCopy) -> None:
    """Make the two databases of the floors from customers' own migrations."""
    for kind in ("b", "a"):
        name = f"{FLOOR}_{kind}"
        with psycopg.connect(copy.database("postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        url = copy.database(name)
        databases.add_extensions(url, "customers")
        migrate.upgrade("customers", url.replace("postgresql://", "postgresql+psycopg://", 1))
    with psycopg.connect(copy.database(f"{FLOOR}_a"), autocommit=True) as connection:
        connection.execute("ALTER TABLE contact DROP CONSTRAINT contact_account_id_fkey")
        indexes = connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index"
            " WHERE indrelid IN ('account'::regclass, 'contact'::regclass) AND NOT indisunique"
        ).fetchall()
        for (index,) in indexes:
            connection.execute(f"DROP INDEX {index}")


def empty(url: str, *more: str) -> None:
    """Empty the tables and leave the server nothing to catch up with."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join((*TABLES, *more))} CASCADE")
        connection.execute("CHECKPOINT")


def dump(url: str, folder: Path) -> list[Path]:
    """Write the rows of both tables as they lie."""
    files = []
    with psycopg.connect(url) as connection:
        for table in TABLES:
            path = folder / f"{table}.copy"
            with path.open("wb") as file, connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as rows:
                for piece in rows:
                    file.write(piece)
            files.append(path)
    return files


def load(url: str, files: list[Path]) -> float:
    """Return the seconds that COPY takes to put the rows into empty tables."""
    empty(url)
    with psycopg.connect(url) as connection:
        started = time.perf_counter()
        for table, path in zip(TABLES, files, strict=True):
            with path.open("rb") as file, connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as rows:
                while piece := file.read(PIECE):
                    rows.write(piece)
        connection.commit()
        return time.perf_counter() - started
