"""One round of a drill: customers are there, a file changes half of them and adds others, and meanwhile things break.

The end is compared by a digest over keys, fields and versions with that of a round in which nothing broke.
"""

import contextlib
import hashlib
import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.drills.stack import Stack, until

HEADER = "code,name,email,phone,city,country,tags,contact_first_name,contact_last_name,contact_email,Extra\n"
TAKE_CODES = """
    INSERT INTO account (code, code_key, name, name_key, created_by, created_by_name)
    SELECT code, lower(code), 'Taken', 'taken', gen_random_uuid(), 'A drill'
    FROM (SELECT 'C' || lpad(number::text, 6, '0') AS code FROM generate_series(%s::int, %s::int, 5) AS number) AS codes
    ON CONFLICT (code_key) DO NOTHING
"""
FINAL = ("completed", "completed_with_errors", "cancelled", "failed", "undone", "partly_undone")
ACCOUNTS = """
    SELECT a.code, a.name, a.kind, a.email, a.phone, a.phone_key, a.city, a.country, a.tags, a.attributes, a.search,
           a.version, (SELECT array_agg((c.first_name, c.last_name, c.email, c.is_primary, c.version)::text ORDER BY c.email)
                       FROM contact c WHERE c.account_id = a.id)
    FROM account a ORDER BY a.code_key
"""
# What people see: without versions, and without the search words that an edit by SQL leaves alone.
SEEN = """
    SELECT a.code, a.name, a.kind, a.email, a.phone, a.phone_key, a.city, a.country, a.tags, a.attributes,
           (SELECT array_agg((c.first_name, c.last_name, c.email, c.phone, c.is_primary)::text ORDER BY c.email)
            FROM contact c WHERE c.account_id = a.id)
    FROM account a ORDER BY a.code_key
"""
BY_HAND = """
    WITH edited AS (
        UPDATE account SET city = 'By hand', version = version + 1 WHERE code = %s
        RETURNING id, old.city, version
    )
    INSERT INTO change (account_id, actor_id, actor_name, action, fields, version)
    SELECT id, %s, 'Ben Baker', 'updated', jsonb_build_object('city', jsonb_build_array(city, 'By hand')), version
    FROM edited
"""
POISON = 4711
HANG = """
    CREATE OR REPLACE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock(%s); RETURN NEW; END';
    CREATE TRIGGER poison BEFORE INSERT ON account FOR EACH ROW WHEN (NEW.code = '%s') EXECUTE FUNCTION hang();
"""
END_HANGING = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'
"""
CHANGES = "SELECT a.code, h.action, h.fields, h.version FROM change h JOIN account a ON a.id = h.account_id"
CHANGES += " ORDER BY 1, 4, 2, 3::text"


def row(number: int, edition: str) -> str:
    """Return a row of the file: the same customer in another edition has another city and phone."""
    town = f"{edition} Town {number % 97}"
    return (
        f"C{number:06d},Firm {number} Ltd,office{number}@firm.example,+44 20 7946 {number % 10_000:04d},{town},GB,"
        f"drill;{edition},Given{number},Family{number},person{number}@firm.example,{edition}-{number}\n"
    )


def first_file(rows: int) -> bytes:
    """Return the customers that are there before."""
    return (HEADER + "".join(row(number, "old") for number in range(rows))).encode()


def second_file(rows: int, seed: int) -> bytes:
    """Return a file of which half is there already, some rows are wrong, and some keys come twice; shuffled."""
    random_of = random.Random(seed)
    numbers = list(range(rows // 2, rows // 2 + rows))
    random_of.shuffle(numbers)
    lines = []
    for number in numbers:
        lines.append(row(number, "new"))
        if number % 100 == 7:
            lines.append(row(number, "again"))
        if number % 100 == 9:
            lines.append(f"D{number},,no address,,,Atlantis,,,,,\n")
        if number % 1000 == 11:
            lines.append(f"E{number},cut\n")
    return (HEADER + "".join(lines)).encode()


@dataclass(frozen=True)
class Outcome:
    """The end of a round: what customers hold, and what the job says of itself."""

    digest: str
    history: str
    counts: dict[str, int]
    refusals: str
    state: str


class Round:
    """Runs jobs on a stack; `blocked` stops the owner in the middle of a transaction."""

    def __init__(self, stack: Stack, seed: int, rows: int) -> None:
        self.stack, self.seed, self.rows = stack, seed, rows

    def undisturbed(self) -> Outcome:
        """Run a round in which nothing breaks."""
        return self.disturbed(lambda job: None)

    def disturbed(self, breaking: Callable[[str], None]) -> Outcome:
        """Run a round in which `breaking` gets the id of the job just started; wait for the end whatever it does."""
        self.empty()
        before = self.start(first_file(self.rows))
        assert self.wait(before)["state"] == "completed"
        job = self.start(second_file(self.rows, self.seed))
        breaking(job)
        return self.outcome(self.wait(job))

    def taken_back(
        self, breaking: Callable[[str], None], *, stopping: Callable[[str], None] | None = None, edits: int = 50
    ) -> None:
        """Undo the second file while `breaking` breaks things and somebody edits customers that the file had changed.

        With `stopping` the file is stopped when a quarter is done, after some of the edits. In the end all is as before
        that file, but for the edits.
        """
        self.empty()
        assert self.wait(self.start(first_file(self.rows)))["state"] == "completed"
        codes = [f"C{number:06d}" for number in range(self.rows - 1, self.rows // 2, -self.rows // 2 // edits)][:edits]
        with self.stack.database("customers") as customers:
            customers.autocommit = False
            self._edit(customers, codes)
            expected = _digest(customers, SEEN)
            customers.rollback()
        job = self.start(second_file(self.rows, self.seed))
        if stopping:
            until(lambda: self.rows_done(job) > self.rows // 4, "a quarter is done")
            with self.stack.database("customers") as customers:
                self._edit(customers, codes[::2])
            codes = codes[1::2]
            stopping(job)
        imported = self.wait(job)["counts"]
        self.stack.ask("POST", f"/jobs/{job}/undo")
        breaking(job)
        with self.stack.database("customers") as customers:
            self._edit(customers, codes)
        undone = self.wait(job)["undo"]
        with self.stack.database("customers") as customers:
            assert _digest(customers, SEEN) == expected
        assert undone["removed"] == imported["created"]
        assert undone["restored"] + undone["kept"] == imported["updated"]
        assert undone["kept"] <= edits
        assert undone["failure"] is None
        assert len(self.stack.ask("GET", f"/jobs/{job}/kept", params={"limit": 100}).json()["items"]) == undone["kept"]

    def _edit(self, customers: "psycopg.Connection[Any]", codes: list[str]) -> None:
        for code in codes:
            customers.execute(BY_HAND, [code, uuid.UUID(int=0xBE)])

    def empty(self) -> None:
        """Forget all customers and jobs."""
        with self.stack.database("customers") as customers:
            customers.execute("TRUNCATE account, contact, change, receipt, undo_receipt, job_fence CASCADE")
            customers.execute("ALTER SEQUENCE code_sequence RESTART")
        with self.stack.database("imports") as imports:
            imports.execute("TRUNCATE job CASCADE")

    def start(self, content: bytes, **choices: str) -> str:
        """Upload a file, match its columns by their names, and start the job with these choices."""
        query = {"kind": "customers", "filename": "drill.csv"}
        job = self.stack.ask("POST", "/uploads", params=query, content=content).json()
        columns = {name: name for name in job["header"] if name != "Extra"}
        self.stack.ask(
            "PATCH",
            f"/jobs/{job['id']}",
            json={"mapping": {"columns": columns, "keep_unmapped": True}, **choices},
            headers={"If-Match": f'"{job["version"]}"'},
        )
        self.stack.ask("POST", f"/jobs/{job['id']}/start")
        return str(job["id"])

    def wait(self, job_id: str, seconds: float = 240) -> dict[str, Any]:
        """Return the job once it has come to its end; progress may never run backwards or claim what is not true."""
        deadline = time.monotonic() + seconds
        done = 0
        while True:
            job: dict[str, Any] = self.stack.ask("GET", f"/jobs/{job_id}").json()
            now = job["progress"]["done"]
            assert now >= done, "progress ran backwards"
            done = now
            if job["state"] in FINAL:
                return job
            assert time.monotonic() < deadline, f"still {job['state']}: {job['progress']}"
            time.sleep(0.1)

    def outcome(self, job: dict[str, Any]) -> Outcome:
        """Return what came of a round."""
        counts = job["counts"]
        assert sum(counts.values()) == 2 * counts["rows"], counts
        with self.stack.database("customers") as customers:
            accounts, history = _digest(customers, ACCOUNTS), _digest(customers, CHANGES)
        with self.stack.database("imports") as imports:
            refused = _digest(
                imports, "SELECT row, line, code, message FROM refusal WHERE job_id = %s ORDER BY 1", job["id"]
            )
            left = imports.execute("SELECT count(*) FROM chunk WHERE state IN ('due', 'leased')").fetchone()
            assert left == (0,), "chunks were left lying"
        return Outcome(accounts, history, counts, refused, job["state"])

    def rows_done(self, job_id: str) -> int:
        """Return how many rows the job says are done."""
        return int(self.stack.ask("GET", f"/jobs/{job_id}").json()["progress"]["done"])

    def waits_for(self, job_id: str) -> str | None:
        """Return what the job says it waits for."""
        told: str | None = self.stack.ask("GET", f"/jobs/{job_id}").json()["progress"]["waiting"]
        return told

    def has_ended(self, job_id: str) -> bool:
        """Tell whether a job is in a final state."""
        return self.stack.ask("GET", f"/jobs/{job_id}").json()["state"] in FINAL

    def fence_is_waited_for(self) -> bool:
        """Tell whether somebody waits to close a fence."""
        with self.stack.database("customers") as watcher:
            return waits(watcher, "%job_fence%")

    @contextlib.contextmanager
    def blocked(self) -> Iterator[None]:
        """Hold codes that the file brings, so that the owner waits in the middle of a transaction in the block.

        Every fifth of them is taken, so that each chunk still to come meets one when it has changed what it changes
        and begins to create.
        """
        with self.stack.database("customers") as holder:
            holder.autocommit = False
            holder.execute(TAKE_CODES, [self.rows, self.rows + self.rows // 2])
            with self.stack.database("customers") as watcher:
                until(lambda: waits(watcher, "COPY%"), "the owner waits in a transaction")
            yield
            with contextlib.suppress(psycopg.OperationalError):
                holder.rollback()

    @contextlib.contextmanager
    def poisoned(self, code: str) -> Iterator[Callable[[], int]]:
        """Let whoever creates the customer `code` hang in the block; give what ends those that do, and tells how many."""
        with self.stack.database("customers") as holder:
            holder.execute("SELECT pg_advisory_lock(%s)", [POISON])
            holder.execute(HANG % (POISON, code))  # type: ignore[arg-type] # ours
            try:
                yield lambda: holder.execute(END_HANGING).rowcount
            finally:
                holder.execute("DROP TRIGGER poison ON account")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold every fifth customer, so that the undo of each chunk still to come waits in the block."""
        with self.stack.database("customers") as holder:
            holder.autocommit = False
            holder.execute("SELECT FROM account WHERE code_key ~ '[05]$' ORDER BY code_key FOR UPDATE")
            with self.stack.database("customers") as watcher:
                until(lambda: waits(watcher), "the owner waits in an undo")
            yield
            with contextlib.suppress(psycopg.OperationalError):
                holder.rollback()


def waits(connection: "psycopg.Connection[Any]", query: str = "%") -> bool:
    """Tell whether somebody waits for a lock in this database, in a statement like `query`."""
    found = connection.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s",
        [query],
    ).fetchone()
    return bool(found and found[0])


def _digest(connection: "psycopg.Connection[Any]", query: str, *values: Any) -> str:
    digest = hashlib.sha256()
    for found in connection.execute(query, values):
        digest.update(repr(found).encode())
    return digest.hexdigest()
