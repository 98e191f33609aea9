"""Screens while a large import runs: live search, saving a customer, and a small import, beside the same when idle.

`./liaison bench busy [ROWS]`: a copy with ROWS customers (1,000,000); then a file of as many rows, half of them known
already with other values, half new. Milliseconds are server time, as `Server-Timing` tells it, and of whole requests
through the gateway.
"""

import random
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from bench import generate
from bench.own_copy import OwnCopy, own_copy
from bench.search import typed
from ops.place import ROOT

ROWS = 1_000_000
SMALL = 500
SEARCHES = 400
SAVES = 150
PAUSE = 0.05  # seconds between two requests, as people make them
NAMES = ("smith", "garcia", "mueller", "kowalski", "north", "london", "info@", "+4930", "C00123")


def run(arguments: Sequence[str] = ()) -> None:
    """Print idle and busy times, and how soon a small import is done meanwhile."""
    rows = int(arguments[0].replace("_", "")) if arguments else ROWS
    with own_copy("busy") as copy, tempfile.TemporaryDirectory() as name:
        first, second, small = (Path(name) / f"{what}.csv" for what in ("first", "second", "small"))
        generate.write(rows, first, clean=True)
        generate.write(rows, second, clean=True, first=rows // 2 + 1)
        generate.write(SMALL, small, clean=True, first=5 * rows)
        copy.import_file(first)
        tell("idle", copy, lambda: False)
        print(f"idle: {SMALL} rows imported in {seconds(copy.import_file(small)):.1f} s", flush=True)
        large = subprocess.Popen(
            [ROOT / "liaison", "import", "customers", str(second), "--json"],
            env=copy.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        wait_until_it_writes(copy)
        generate.write(SMALL, small, clean=True, first=6 * rows)
        took: list[float] = []
        import_small = threading.Thread(target=lambda: took.append(seconds(copy.import_file(small))))
        import_small.start()
        tell("busy", copy, lambda: large.poll() is not None)
        import_small.join()
        print(f"busy: {SMALL} rows imported in {took[0]:.1f} s", flush=True)
        large.wait()


def wait_until_it_writes(copy: OwnCopy) -> None:
    """Return once the newest job has written a tenth of its rows."""
    with copy.api() as api:
        while api.get("/api/imports/v1/jobs", params={"limit": 1}).json()["items"][0]["progress"]["percent"] < 10:
            time.sleep(0.5)


def tell(when: str, copy: OwnCopy, is_over: Callable[[], bool]) -> None:
    """Search and save side by side; print p50, p95 and p99, and whether all of it was while `is_over` was not."""
    chance = random.Random(when)
    with copy.api() as api:
        items = api.get("/api/customers/v1/accounts", params={"limit": 200}).json()["items"]
    words = [start for name in NAMES for start in typed(name)]
    results: dict[str, list[tuple[float, float]]] = {"search": [], "save": []}

    def search() -> None:
        with copy.api() as api:
            for _ in range(SEARCHES):
                answer = api.get("/api/customers/v1/accounts", params={"q": chance.choice(words), "limit": 50})
                results["search"].append(times(answer))
                time.sleep(PAUSE)

    def save() -> None:
        with copy.api() as api:
            for number in range(SAVES):
                path = f"/api/customers/v1/accounts/{items[number % len(items)]['id']}"
                results["save"].append(times(saved(api, path, f"{when} {number}")))
                time.sleep(2 * PAUSE)

    threads = [threading.Thread(target=work) for work in (search, save)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for what, found in results.items():
        print(f"{when}: {what} {line([one[0] for one in found])} server, {line([one[1] for one in found])} whole")
    if when == "busy" and is_over():
        print("busy: the import was over before the measuring was; take more rows", flush=True)


def saved(api: httpx.Client, path: str, notes: str) -> httpx.Response:
    """Return the answer to a change of a customer, made anew where the import was quicker with it."""
    while True:
        tag = api.get(path).headers["ETag"]
        answer = api.patch(path, json={"notes": notes}, headers={"If-Match": tag})
        if answer.status_code != httpx.codes.PRECONDITION_FAILED:
            return answer


def times(answer: httpx.Response) -> tuple[float, float]:
    """Return the milliseconds of server time, and those of the whole request."""
    answer.raise_for_status()
    told = re.search(r"app;dur=([\d.]+)", answer.headers["Server-Timing"])
    assert told
    return float(told.group(1)), answer.elapsed.total_seconds() * 1000


def line(took: list[float]) -> str:
    """Return p50, p95 and p99."""
    parts = quantiles(took, n=100, method="inclusive")
    return f"p50 {median(took):.0f} p95 {parts[94]:.0f} p99 {parts[98]:.0f} ms"


def seconds(job: dict[str, Any]) -> float:
    """Return how long a job took, from the accepted upload to its end."""
    return (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["created_at"])).total_seconds()
