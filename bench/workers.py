"""An import by one worker process, and by two: what more workers bring, as far as the cores go.

`./liaison bench workers [ROWS]`. All parts share the machine's cores, so two workers are at most as much quicker as one
leaves them idle. A chunk's time is from one worker's point of view, its waits for the owner and the database included.
"""

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import psycopg

from bench import generate
from bench.imports import empty
from bench.own_copy import OwnCopy, own_copy

ROWS = 300_000
ROUNDS = 3
PROCESSES = (1, 2)
CHUNKS = "SELECT count(*), extract(epoch FROM max(finished_at) - min(finished_at)) FROM chunk WHERE job_id = %s"


def run(arguments: Sequence[str] = ()) -> None:
    """Print a line for each number of processes."""
    size = int(arguments[0].replace("_", "")) if arguments else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        generate.write(size, path, clean=True)
        for processes in PROCESSES:
            with own_copy(f"workers-{processes}", IMPORTS_LONG_CONCURRENCY=str(processes)) as copy:
                rounds = [one_round(copy, path, processes) for _ in range(ROUNDS)]
            took, each, chunks = (median(column) for column in zip(*rounds, strict=True))
            print(
                f"{size:>9,} rows by {processes} worker processes: {took:.1f} s ({size / took:,.0f} rows/s),"
                f" {chunks:.0f} chunks of {each:.2f} s each",
                flush=True,
            )


def one_round(copy: OwnCopy, path: Path, processes: int) -> tuple[float, float, int]:
    """Return the seconds of an import into empty tables, those of one of its chunks, and how many there were."""
    empty(copy.database("customers"), "change", "receipt", "outbox")
    job = copy.import_file(path)
    assert job["state"] == "completed", job
    took = (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["created_at"])).total_seconds()
    with psycopg.connect(copy.database("imports")) as connection:
        chunks, applying = connection.execute(CHUNKS, [job["id"]]).fetchone() or (0, 0)
    each = float(applying) * processes / max(chunks - 1, 1)
    print(f"    {processes}: {took:.1f} s, {each:.2f} s a chunk", flush=True)
    return took, each, chunks
