"""A story of mass changes, and meanwhile things break; and ten people who change links while nobody reads the feed."""

import contextlib
import hashlib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.drills.rounds import Round, first_file, waits
from tests.drills.stack import Stack, until

LINKS = """
    SELECT account_id, associate_id, role, is_primary, ended_at IS NULL, cause, count(*) FROM link
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""
COPY = "SELECT account_id, associate_id, role FROM account_associate ORDER BY 1, 2, 3"
# Each name that reaches the copy leaves a line, so that one that comes twice, late or never is seen.
TELL_NAMES = """
    CREATE TABLE IF NOT EXISTS told (at bigserial PRIMARY KEY, associate_id uuid, name text);
    CREATE OR REPLACE FUNCTION tell_name() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO told (associate_id, name) VALUES (NEW.associate_id, NEW.name); RETURN NULL; END';
    CREATE OR REPLACE TRIGGER tell_name AFTER INSERT OR UPDATE ON associate_name
        FOR EACH ROW EXECUTE FUNCTION tell_name();
"""
FEEDS = (("associates", "customers"), ("customers", "associates"))  # owner, reader
Fault = Callable[[Stack], None]


@dataclass(frozen=True)
class Links:
    """The end of a story: the links with all that ended, the copy of those that stand, and what the jobs counted."""

    links: str
    copy: str
    counts: tuple[dict[str, int], ...]


class Linking:
    """Runs mass changes on a stack, over customers and associates that stay the same."""

    def __init__(self, stack: Stack, customers: int) -> None:
        self.stack = stack
        self.round = Round(stack, seed=0, rows=customers)
        assert self.round.wait(self.round.start(first_file(customers)))["state"] == "completed"
        self.associates = [self.make_associate(f"Associate {number}") for number in range(3)]
        self.everybody = self.select({"filter": {}})
        self.half = self.select({"codes": "\n".join(f"C{number:06d}" for number in range(0, customers, 2))})

    def make_associate(self, name: str) -> str:
        """Add an associate and return its id."""
        return str(self.stack.ask("POST", "/associates", service="associates", json={"name": name}).json()["id"])

    def select(self, which: dict[str, Any]) -> str:
        """Return the id of a snapshot of customers."""
        made = self.stack.ask("POST", "/selections", service="customers", json=which).json()["id"]
        found = self.stack.ask("POST", f"/selections/{made}/resolve", service="customers").json()
        return str(found["id"])

    def story(self, fault: Fault | None = None, *, during: Fault = lambda stack: None) -> Links:
        """Give everybody two associates, replace those of a half, take one away, undo the replacement.

        `fault` strikes while associates is in the middle of a chunk, and again while the reader of its feed is in the
        middle of a batch; `during` strikes as soon as a job has begun.
        """
        self.forget_links()
        first, second, third = self.associates
        ended = []
        for snapshot, action, who in (
            (self.everybody, "add", [first, second]),
            (self.half, "replace", [third]),
            (self.everybody, "remove", [first]),
        ):
            asked = {"snapshot_id": snapshot, "associate_ids": who, "action": action}
            with self.struck_twice(fault) if fault else contextlib.nullcontext():
                job_id = str(self.stack.ask("POST", "/mass-changes", json=asked).json()["id"])
                during(self.stack)
            ended.append(self.round.wait(job_id))
        assert [job["state"] for job in ended] == ["completed"] * 3
        replaced = ended[1]["id"]
        with self.struck_twice(fault) if fault else contextlib.nullcontext():
            self.stack.ask("POST", f"/jobs/{replaced}/undo")
            during(self.stack)
        undone = self.round.wait(replaced)["undo"]
        counted = [job["counts"] for job in ended] + [{name: undone[name] for name in ("removed", "restored", "kept")}]
        self.catch_up()
        return Links(self._digest("associates", LINKS), self._digest("customers", COPY), tuple(counted))

    def story_of_rows(self, fault: Fault | None = None) -> Links:
        """Import a file that gives everybody two associates, then one that replaces those of a half; undo the second.

        `fault` strikes while associates is in the middle of what a file asks for, or of taking it back, and again while
        the reader of its feed is in the middle of a batch.
        """
        self.forget_links()
        rows, ended = self.round.rows, []
        for numbers, who, mode in (
            (range(rows), "Associate 0;Associate 1", "add"),
            (range(0, rows, 2), "Associate 2", "replace"),
        ):
            lines = "".join(f"C{number:06d},{who},sales\n" for number in numbers)
            with self.struck_twice(fault) if fault else contextlib.nullcontext():
                job_id = self.round.start(f"code,associate_name,associate_role\n{lines}".encode(), associates=mode)
            ended.append(self.round.wait(job_id))
            self.read_all()  # else the next step finds nothing done yet
        with self.struck_twice(fault) if fault else contextlib.nullcontext():
            self.stack.ask("POST", f"/jobs/{job_id}/undo")
        undone = self.round.wait(job_id)["undo"]
        counted = [job["counts"] for job in ended] + [{name: undone[name] for name in ("removed", "restored", "kept")}]
        self.catch_up()
        return Links(self._digest("associates", LINKS), self._digest("customers", COPY), tuple(counted))

    @contextlib.contextmanager
    def struck_twice(self, fault: Fault) -> Iterator[None]:
        """Hold the links and their copy; what the block starts meets the fault in the one, then in the other."""
        with self.held("customers", "account_associate") as reader_waits:
            with self.held("associates", "link") as owner_waits:
                yield
                until(owner_waits, "associates waits in the middle of a chunk")
                fault(self.stack)
            with contextlib.suppress(psycopg.OperationalError):  # a PostgreSQL that restarted holds nothing any more
                until(reader_waits, "the reader waits in the middle of a batch")
                fault(self.stack)

    @contextlib.contextmanager
    def held(self, service: str, table: str) -> Iterator[Callable[[], bool]]:
        """Let nobody write a table in the block; give what tells whether somebody waits to."""
        with self.stack.database(service) as holder, self.stack.database(service) as watcher:
            holder.autocommit = False
            holder.execute(f"LOCK TABLE {table} IN SHARE MODE")  # type: ignore[arg-type] # a name of ours
            yield lambda: waits(watcher)
            with contextlib.suppress(psycopg.OperationalError):
                holder.rollback()

    def forget_links(self) -> None:
        """Forget all links and what was done with them. All feeds were read before."""
        with self.stack.database("associates") as associates:
            associates.execute("TRUNCATE link, receipt, undo_receipt, job_fence, change")
        with self.stack.database("customers") as customers:
            customers.execute("TRUNCATE account_associate")

    def catch_up(self) -> None:
        """Return once the readers have read all that there is to read; then all copies must agree."""
        self.read_all()
        assert self.copies_agree()

    def read_all(self) -> None:
        """Return once the readers have read all that there is to read."""
        until(lambda: not any(self.unread(*one) for one in FEEDS), "all feeds are read", seconds=180)

    def unread(self, owner: str, reader: str) -> int:
        """Return how many events of `owner` the `reader` has not read. Asks nobody to read them."""
        with self.stack.database(reader) as connection:
            read = connection.execute("SELECT pos FROM feed_cursor WHERE owner = %s", [owner]).fetchone() or (0,)
        with self.stack.database(owner) as connection:
            query = "SELECT count(*) FROM outbox WHERE pos IS NULL OR pos > %s"
            return int((connection.execute(query, read).fetchone() or (0,))[0])

    def copies_agree(self) -> bool:
        """Tell whether `./liaison check` has nothing to say."""
        done = [
            self.stack.run(f"{one}-events", "-m", f"services.{one}.cli", "check") for one in ("customers", "associates")
        ]
        return not any(one.returncode for one in done)

    def _digest(self, service: str, query: str) -> str:
        digest = hashlib.sha256()
        with self.stack.database(service) as connection:
            for found in connection.execute(query):  # type: ignore[call-overload] # one of ours
                digest.update(repr(found).encode())
        return digest.hexdigest()


class Writers:
    """People who each rename an associate of their own and link it with a customer and away, again and again."""

    def __init__(self, linking: Linking, people: int) -> None:
        self.stack = linking.stack
        with self.stack.database("customers") as customers:
            customers.execute(TELL_NAMES)
            accounts = customers.execute("SELECT id FROM account ORDER BY code LIMIT %s", [people]).fetchall()
        self.accounts = [str(row[0]) for row in accounts]
        self.written: dict[uuid.UUID, list[str]] = {}
        for number in range(people):
            name = f"Writer {number}"
            self.written[uuid.UUID(linking.make_associate(name))] = [name]

    def write(self, times: int) -> None:
        """Let all of them write at once; return when each is done."""
        with ThreadPoolExecutor(len(self.written)) as pool:
            list(pool.map(lambda one: self._write(*one, times), zip(self.written, self.accounts, strict=True)))

    def _write(self, associate: uuid.UUID, account: str, times: int) -> None:
        link = f"/accounts/{account}/links"
        for number in range(times):
            name = f"{self.written[associate][0]}, named {number + 1} times"
            version = self.stack.ask("GET", f"/associates/{associate}", service="associates").headers["ETag"]
            self.stack.ask(
                "PATCH",
                f"/associates/{associate}",
                service="associates",
                json={"name": name},
                headers={"If-Match": version},
            )
            self.written[associate].append(name)
            made = self.stack.ask("POST", link, service="associates", json={"associate_id": str(associate)}).json()[
                "id"
            ]
            if number < times - 1:
                self.stack.ask("DELETE", f"{link}/{made}", service="associates")

    def told(self) -> dict[uuid.UUID, list[str]]:
        """Return the names that reached the copy at customers, in the order in which they came."""
        told: dict[uuid.UUID, list[str]] = {}
        with self.stack.database("customers") as customers:
            for associate, name in customers.execute("SELECT associate_id, name FROM told ORDER BY at"):
                told.setdefault(associate, []).append(name)
        return {one: told.get(one, []) for one in self.written}
