"""Changing the associates of many customers, beside the bare statement in the same table, in one run.

`./liaison bench assign [CUSTOMERS]`. One round: pasted codes of all customers are resolved; a bare INSERT ... SELECT of
the links into the empty, indexed table, committed; the table emptied; a mass change that adds three associates to all
customers, from its request to its end, and how long after it the copy of the links at customers is whole; a bare UPDATE
that ends all links, rolled back; a mass change that removes the three; its undo. Median of three rounds, and the
spread.
"""

import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psycopg

from bench import generate
from bench.own_copy import OwnCopy, own_copy

CUSTOMERS = 100_000
MOST_PASTED = 100_000
ASSOCIATES = 3
ROUNDS = 3
FINAL = ("completed", "completed_with_errors", "cancelled", "failed", "undone", "partly_undone")
INSERT = """
INSERT INTO link (account_id, associate_id, role, begun_by, begun_by_name)
SELECT account_id, associate_id, 'manages', associate_id, 'Ada Admin'
FROM unnest(%s::uuid[]) AS a(account_id), unnest(%s::uuid[]) AS b(associate_id)
"""
UPDATE = """
UPDATE link SET ended_at = now(), ended_by = associate_id, ended_by_name = 'Ada Admin', cause = 'removed'
WHERE ended_at IS NULL
"""
EMPTY = "TRUNCATE link, receipt, undo_receipt, change"
Round = dict[str, float]


def run(arguments: Sequence[str] = ()) -> None:
    """Fill a copy, then print the figures."""
    size = int(arguments[0].replace("_", "")) if arguments else CUSTOMERS
    with own_copy("assign") as copy, tempfile.TemporaryDirectory() as folder, copy.api() as api:
        path = Path(folder) / "customers.csv"
        generate.write(size, path, clean=True)
        assert copy.import_file(path)["state"] == "completed"
        api.put("/api/portal/v1/settings/partner-management", json={"on": True}).raise_for_status()
        associates = [make_associate(api, f"Associate {at}") for at in range(ASSOCIATES)]
        with psycopg.connect(copy.database("customers"), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            accounts = [row[0] for row in connection.execute("SELECT id FROM account ORDER BY id")]
            codes = [row[0] for row in connection.execute("SELECT code FROM account ORDER BY random()")]
        rounds = [one_round(copy, api, accounts, associates, codes) for _ in range(ROUNDS)]
        report(size, rounds)
        print(f"    peak memory: associates {copy.peak_of('services.associates.app')} MB", flush=True)


def made(answer: httpx.Response) -> str:
    """Return the id of what was created."""
    return str(answer.raise_for_status().json()["id"])


def make_associate(api: httpx.Client, name: str) -> str:
    """Add an associate and return its id."""
    return made(api.post("/api/associates/v1/associates", json={"name": name}))


def report(size: int, rounds: list[Round]) -> None:
    """Print the medians, the ratios of each round, and their spread."""
    middle = {name: median(one[name] for one in rounds) for name in rounds[0]}
    added, removed = (ratios(rounds, name, f"bare {name}") for name in ("add", "remove"))
    links = size * ASSOCIATES
    print(
        f"{size:>9,} customers x {ASSOCIATES}: add {middle['add']:.1f} s ({links / middle['add']:,.0f} links/s), bare"
        f" INSERT ... SELECT {middle['bare add']:.1f} s, ratio {added}; remove {middle['remove']:.1f} s, bare UPDATE"
        f" {middle['bare remove']:.1f} s, ratio {removed}; undo {middle['undo']:.1f} s; copy whole"
        f" {middle['copy']:.1f} s after the job; {min(size, MOST_PASTED):,} codes kept in {middle['paste']:.2f} s,"
        f" resolved in {middle['resolve']:.2f} s",
        flush=True,
    )


def ratios(rounds: list[Round], name: str, floor: str) -> str:
    """Return the median of the ratios, and their spread."""
    each = sorted(one[name] / one[floor] for one in rounds)
    return f"{median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})"


def one_round(copy: OwnCopy, api: httpx.Client, accounts: list[Any], associates: list[str], codes: list[str]) -> Round:
    """Return the seconds of each step."""
    took: Round = {}
    owner = copy.database("associates")
    empty(copy)
    with psycopg.connect(owner) as connection:
        started = time.perf_counter()
        connection.execute(INSERT, (accounts, associates))
        connection.commit()
        took["bare add"] = time.perf_counter() - started
    empty(copy)
    started = time.perf_counter()
    selection = made(api.post("/api/customers/v1/selections", json={"codes": "\n".join(codes[:MOST_PASTED])}))
    took["paste"] = time.perf_counter() - started
    started = time.perf_counter()
    pasted = resolve(api, selection)
    took["resolve"] = time.perf_counter() - started
    assert pasted["report"]["matched"] == min(len(codes), MOST_PASTED), pasted["report"]
    everybody = resolve(api, made(api.post("/api/customers/v1/selections", json={"filter": {}})))
    whole = len(accounts) * ASSOCIATES
    job = change(api, everybody["id"], associates, "add")
    took["add"], took["copy"] = seconds(job), copied(copy, job, whole)
    with psycopg.connect(owner) as connection:
        started = time.perf_counter()
        assert connection.execute(UPDATE).rowcount == whole
        took["bare remove"] = time.perf_counter() - started
        connection.rollback()
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("VACUUM link")
        connection.execute("CHECKPOINT")
    removal = change(api, everybody["id"], associates, "remove")
    took["remove"] = seconds(removal)
    copied(copy, removal, 0)
    api.post(f"/api/imports/v1/jobs/{removal['id']}/undo").raise_for_status()
    undone = ended(api, removal["id"], ("undone", "partly_undone"))["undo"]
    assert undone["restored"] == len(accounts), undone
    took["undo"] = between(undone["requested_at"], undone["ended_at"])
    print("    " + ", ".join(f"{name} {value:.2f} s" for name, value in took.items()), flush=True)
    return took


def empty(copy: OwnCopy) -> None:
    """Empty the tables of links, and the copy of them, and leave the server nothing to catch up with."""
    with psycopg.connect(copy.database("associates"), autocommit=True) as connection:
        connection.execute(EMPTY)
        connection.execute("CHECKPOINT")
    with psycopg.connect(copy.database("customers"), autocommit=True) as connection:
        connection.execute("TRUNCATE account_associate")


def resolve(api: httpx.Client, selection: str) -> dict[str, Any]:
    """Return what a selection is now."""
    return dict(api.post(f"/api/customers/v1/selections/{selection}/resolve").raise_for_status().json())


def change(api: httpx.Client, snapshot: str, associates: list[str], action: str) -> dict[str, Any]:
    """Change the associates of a snapshot; return the job at its end."""
    asked = {"snapshot_id": snapshot, "associate_ids": associates, "action": action}
    return ended(api, made(api.post("/api/imports/v1/mass-changes", json=asked)), FINAL)


def ended(api: httpx.Client, job_id: str, states: Sequence[str]) -> dict[str, Any]:
    """Return a job once it is in one of these states."""
    while True:
        job = dict(api.get(f"/api/imports/v1/jobs/{job_id}").raise_for_status().json())
        if job["state"] in states:
            assert not job["counts"]["failed"], job
            return job
        time.sleep(0.2)


def copied(copy: OwnCopy, job: dict[str, Any], links: int) -> float:
    """Return how many seconds after the end of a job the copy at customers has so many links; 0 where it had before."""
    with psycopg.connect(copy.database("customers"), autocommit=True) as connection:
        while connection.execute("SELECT count(*) FROM account_associate").fetchone() != (links,):
            time.sleep(0.1)
        now = connection.execute("SELECT clock_timestamp()").fetchone()
    assert now is not None
    return max(0.0, (now[0] - datetime.fromisoformat(job["finished_at"])).total_seconds())


def seconds(job: dict[str, Any]) -> float:
    """Return the time from the request to the end of a job."""
    return between(job["created_at"], job["finished_at"])


def between(start: str, end: str) -> float:
    """Return the seconds between two moments."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
