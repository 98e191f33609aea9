"""Requests per second of the customers list and of one customer through the gateway, beside a bare Flask view.

`./liaison bench page`. The bare view runs the same SQL and returns JSON, in gunicorn with the same threads, but without
gateway, sign-in and templates. Both are asked by the same four clients in turns.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import httpx

from bench import generate
from bench.own_copy import OwnCopy, own_copy
from ops.place import BIN, ROOT
from ops.testing import free_port

ROWS = 100_000
CLIENTS = 4
SECONDS = 5.0
ROUNDS = 3
BARE = """
import json, sys, uuid
from flask import Flask, Response
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from services.customers.domain.search import SearchQuery, find_accounts
app = Flask("bare")
engine = create_engine(%(url)r, pool_size=8)

def as_json(value):
    return Response(json.dumps(value, default=str), content_type="application/json")

@app.get("/list")
def show_list():
    with Session(engine) as session:
        found = find_accounts(session, SearchQuery())
        return as_json([one._asdict() for one in found.items])

@app.get("/one/<uuid:account_id>")
def show_one(account_id):
    with Session(engine) as session:
        row = session.execute(text("SELECT * FROM account WHERE id = :id"), {"id": account_id}).mappings().one()
        contacts = session.execute(text("SELECT * FROM contact WHERE account_id = :id"), {"id": account_id}).mappings()
        return as_json([dict(row), *map(dict, contacts)])
"""


def run(_: Sequence[str] = ()) -> None:
    """Print requests per second of each screen, of its JSON, and of the bare view."""
    with own_copy("page") as copy, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        generate.write(ROWS, path, clean=True)
        copy.import_file(path)
        with copy.api() as api:
            account = api.get("/api/customers/v1/accounts", params={"limit": 1}).json()["items"][0]["id"]
        port = free_port()
        bare = start_bare(copy, Path(folder), port)
        try:
            measure(copy, f"http://127.0.0.1:{port}", account)
        finally:
            bare.terminate()
            bare.wait()


def start_bare(copy: OwnCopy, folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the bare view with gunicorn as the services have it; return when it answers."""
    url = copy.database("customers").replace("postgresql://", "postgresql+psycopg://", 1)
    (folder / "bare_view.py").write_text(BARE % {"url": url})
    options = [
        "--worker-class",
        "gthread",
        "--workers",
        "1",
        "--threads",
        "8",
        "--no-control-socket",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(
        [BIN / "gunicorn", "bare_view:app", "--pythonpath", f"{folder},{ROOT}", "--bind", f"127.0.0.1:{port}", *options]
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            httpx.get(f"http://127.0.0.1:{port}/list", trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return process
    process.kill()
    sys.exit("bench: the bare view did not start.")


def measure(copy: OwnCopy, bare: str, account: str) -> None:
    """Ask screen, API and bare view in turns; print medians."""
    for what, screen, api, floor in (
        ("list", "/customers", "/api/customers/v1/accounts?limit=50", "/list"),
        ("one customer", f"/customers/{account}", f"/api/customers/v1/accounts/{account}", f"/one/{account}"),
    ):
        rates: dict[str, list[float]] = {"screen": [], "API": [], "bare": []}
        for _ in range(ROUNDS):
            rates["bare"].append(rate(lambda: httpx.Client(base_url=bare, trust_env=False), floor))
            rates["screen"].append(rate(copy.api, screen))
            rates["API"].append(rate(copy.api, api))
        middle = {name: median(values) for name, values in rates.items()}
        print(
            f"{what}: screen {middle['screen']:.0f}/s, API {middle['API']:.0f}/s, bare view {middle['bare']:.0f}/s;"
            f" screen {middle['screen'] / middle['bare']:.2f}, API {middle['API'] / middle['bare']:.2f} of it",
            flush=True,
        )


def rate(client: Callable[[], httpx.Client], path: str) -> float:
    """Return the requests per second that `CLIENTS` clients get answered."""
    counts = [0] * CLIENTS
    end = time.monotonic() + SECONDS

    def ask(number: int) -> None:
        with client() as http:
            while time.monotonic() < end:
                assert http.get(path).status_code == 200
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS
