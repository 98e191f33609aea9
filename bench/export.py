"""Exporting all customers with their contacts, from the request to the finished file, beside COPY of the same query.

`./liaison bench export [ROWS]`. One round: the very SELECT of the export by `COPY ... TO STDOUT` into a file, cells as
they lie, in the same database; then the export through the gateway, from the moment it was asked for until its file is
ready: counted, streamed to the worker, every cell looked at for formulas. Median of three rounds, and the spread.
"""

import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import psycopg
from sqlalchemy.dialects import postgresql

from bench import generate
from bench.own_copy import OwnCopy, own_copy
from services.customers.bulk.export import export_statement
from services.customers.bulk.export_target import export_target
from services.customers.domain.search import SearchQuery

ROWS = 1_000_000
ROUNDS = 3


def run(arguments: Sequence[str] = ()) -> None:
    """Fill a copy, then print the figures."""
    size = int(arguments[0].replace("_", "")) if arguments else ROWS
    with own_copy("export") as copy, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        generate.write(size, path, clean=True)
        assert copy.import_file(path)["state"] == "completed"
        with psycopg.connect(copy.database("customers"), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        rounds = [(one_copy(copy, Path(folder)), one_export(copy, size)) for _ in range(ROUNDS)]
        report(size, rounds)
        worker, bulk = copy.peak_of("services.imports.worker", "worker"), copy.peak_of("create_bulk_app")
        print(f"    peak memory, with the import before: worker {worker} MB, customers-bulk {bulk} MB", flush=True)


def report(size: int, rounds: list[tuple[float, float]]) -> None:
    """Print the medians, the ratio of each round, and their spread."""
    floor, took = (median(column) for column in zip(*rounds, strict=True))
    ratios = sorted(export / copied for copied, export in rounds)
    print(
        f"{size:>9,} rows: export {took:.1f} s ({size / took:,.0f} rows/s); COPY of the same query {floor:.1f} s,"
        f" ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        flush=True,
    )


def one_copy(copy: OwnCopy, folder: Path) -> float:
    """Return the seconds that COPY of the export's query takes."""
    target = export_target("customers")
    statement, values = export_statement(target, SearchQuery(status="all"), target.chosen([]))
    query = str(statement.compile(dialect=postgresql.psycopg.dialect()))  # type: ignore[no-untyped-call]
    with (
        psycopg.connect(copy.database("customers"), options="-c work_mem=64MB") as connection,
        (folder / "floor.csv").open("wb") as file,
    ):
        started = time.perf_counter()
        with connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)", values) as rows:
            for row in rows:
                file.write(row)
        return time.perf_counter() - started


def one_export(copy: OwnCopy, size: int) -> float:
    """Return the seconds from asking for the export to its finished file."""
    with copy.api() as api:
        export = api.post("/api/imports/v1/exports", json={"kind": "customers"}).json()
        while not export["progress"]["final"]:
            time.sleep(0.2)
            export = api.get(f"/api/imports/v1/exports/{export['id']}").json()
    assert export["state"] == "completed", export
    assert export["progress"]["rows"] == size, export
    took = (
        datetime.fromisoformat(export["finished_at"]) - datetime.fromisoformat(export["created_at"])
    ).total_seconds()
    print(f"    export {took:.1f} s, {export['file_size'] / 1e6:.0f} MB", flush=True)
    return took
