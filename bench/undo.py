"""Taking an import back, beside the import itself, in one run.

`./liaison bench undo [ROWS ...]`. One round: empty tables; the import of a file; a file that changes all those
customers; the undo of the second, then of the first, which leaves nothing. Median of three rounds, and the spread.
"""

import csv
import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench import generate
from bench.imports import empty
from bench.own_copy import OwnCopy, liaison, own_copy

SIZES = (100_000, 1_000_000)
ROUNDS = 3
CHANGED = ("city", "street")


def run(arguments: Sequence[str] = ()) -> None:
    """Print two lines for every size: what was created, and what was changed."""
    sizes = [int(size.replace("_", "")) for size in arguments] or SIZES
    with own_copy("undo") as copy, tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            first, second = Path(folder) / f"customers-{size}.csv", Path(folder) / f"changed-{size}.csv"
            generate.write(size, first, clean=True)
            change(first, second)
            rounds = [one_round(copy, size, first, second) for _ in range(ROUNDS)]
            for what, at in (("created", 0), ("changed", 2)):
                report(size, what, [(one[at], one[at + 1]) for one in rounds])
        print(f"    peak memory: customers-bulk {copy.peak_of('create_bulk_app')} MB", flush=True)


def report(size: int, what: str, rounds: list[tuple[float, float]]) -> None:
    """Print the medians, the ratio of each round, and their spread."""
    imported, undone = (median(column) for column in zip(*rounds, strict=True))
    ratios = sorted(undo / took for took, undo in rounds)
    print(
        f"{size:>9,} rows {what}: import {imported:.1f} s, its undo {undone:.1f} s ({size / undone:,.0f} rows/s),"
        f" ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        flush=True,
    )


def one_round(copy: OwnCopy, size: int, first: Path, second: Path) -> tuple[float, float, float, float]:
    """Return the seconds of the creating import and its undo, of the changing import and its undo."""
    empty(copy.database("customers"), "change", "receipt", "undo_receipt", "outbox")
    created, changed = (copy.import_file(path) for path in (first, second))
    assert created["counts"]["created"] == changed["counts"]["updated"] == size, (created["counts"], changed["counts"])
    restored, removed = (undo(copy, job["id"]) for job in (changed, created))
    assert restored["undo"]["restored"] == removed["undo"]["removed"] == size, (restored["undo"], removed["undo"])
    with psycopg.connect(copy.database("customers")) as connection:
        assert connection.execute("SELECT count(*) FROM account").fetchone() == (0,)
    took = (
        seconds(created, "created_at", "finished_at"), seconds(removed["undo"], "requested_at", "ended_at"),
        seconds(changed, "created_at", "finished_at"), seconds(restored["undo"], "requested_at", "ended_at"),
    )  # fmt: skip
    print(
        f"    created in {took[0]:.1f} s, undone in {took[1]:.1f} s;"
        f" changed in {took[2]:.1f} s, undone in {took[3]:.1f} s",
        flush=True,
    )
    return took


def undo(copy: OwnCopy, job_id: str) -> dict[str, Any]:
    """Take a job back from the command line; return it as the API tells it."""
    done = liaison(copy.environment, "undo", job_id, "--json")
    assert json.loads(done.stdout)["state"] == "undone", done.stdout
    with copy.api() as api:
        return dict(api.get(f"/api/imports/v1/jobs/{job_id}").json())


def seconds(told: dict[str, Any], start: str, end: str) -> float:
    """Return the time between two moments."""
    return (datetime.fromisoformat(told[end]) - datetime.fromisoformat(told[start])).total_seconds()


def change(first: Path, second: Path) -> None:
    """Write the same customers with other values in two columns."""
    with first.open(newline="") as source, second.open("w", newline="") as target:
        reader = csv.DictReader(source)
        writer = csv.DictWriter(target, reader.fieldnames or [])
        writer.writeheader()
        for row in reader:
            writer.writerow({**row, **{name: f"{row[name]} II" for name in CHANGED}})
