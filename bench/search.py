"""Live search: milliseconds by class of input, in the database of a Liaison that has its accounts.

`python -m bench.search DATABASE_URL [GATEWAY_URL TOKEN]`. What is typed is taken from accounts that are there, letter
by letter as a person types. *Server time* is what `find_accounts` takes, its statements and its Python; with a
gateway, the whole request is measured too. Each input counts with the median of `ROUNDS`.
"""

import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from statistics import median, quantiles

import httpx
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from services.customers.domain.search import SearchQuery, find_accounts
from shared.web import encode_cursor

SEED = 7
ROWS = 60
PAGE = 50
ROUNDS = 3
LONGEST_TYPED = 200

COMMON = ("com", "example", "gmail", "gmail.com", "co", "and", "ltd", "gmbh", "49", "+49", "44", "info", "an", "er")
NOTHING = ("qqqq", "zzxq", "xq", "999999999999", "smithxyz", "ampl com qq", "%", "___", "q'; drop table account")
WORDS = ("smith lyon", "smith l", "john smith", "a b", "s e", "and sons", "ltd london", "smith muller", "de la", "e 4")
PASTED = ("lorem ipsum dolor sit amet " * 20, "x" * 5000, " ".join(f"C{number:07d}" for number in range(40)))
CHOICES = (
    SearchQuery(role="vendor"),
    SearchQuery(status="inactive"),
    SearchQuery(kind="person"),
    SearchQuery(tag="gold"),
    SearchQuery(role="vendor", tag="gold", kind="person"),
)


def typed(word: str) -> Iterator[str]:
    """The word as it grows in the box."""
    return (word[:length] for length in range(1, len(word) + 1))


def inputs(session: Session) -> dict[str, list[SearchQuery]]:
    """Queries by class."""
    chance = random.Random(SEED)
    rows = session.execute(
        text(
            "SELECT a.name, c.last_name, a.email_key, a.phone_key, a.code, a.city FROM account a TABLESAMPLE SYSTEM (1)"
            " REPEATABLE (3) JOIN contact c ON c.account_id = a.id WHERE a.email_key <> '' AND a.phone_key <> ''"
            " ORDER BY a.code_key LIMIT 3000"
        )
    ).all()
    rows = chance.sample(rows, min(ROWS, len(rows)))
    by_length: dict[str, list[str]] = {"1 letter": [], "2 letters": [], "3 letters": [], "4 to 5": [], "6 and more": []}
    for row in rows:
        for start in (*typed(row.name[:14]), *typed(row.last_name)):
            label = ("1 letter", "2 letters", "3 letters", "4 to 5", "4 to 5")[len(start) - 1 : len(start)]
            by_length[label[0] if label else "6 and more"].append(start)
    classes = {f"name, {label}": words for label, words in by_length.items()}
    classes["inner letters of a name"] = [row.name[2:6] for row in rows]
    classes["city"] = [start for row in rows[:20] for start in typed(row.city)]
    classes["phone from its start"] = [start for row in rows[:20] for start in typed(row.phone_key)]
    classes["phone, last digits"] = [row.phone_key[-length:] for row in rows for length in (4, 5, 7)]
    classes["phone, national"] = [
        f"0{row.phone_key[3:6]} {row.phone_key[6:length]}" for row in rows for length in (8, 10)
    ]
    classes["e-mail"] = [start for row in rows[:20] for start in typed(row.email_key)]
    classes["e-mail, a part"] = [row.email_key[3:length] for row in rows for length in (7, 10)]
    classes["code"] = [start for row in rows[:20] for start in typed(row.code)]
    classes["code, a part"] = [row.code[2:length] for row in rows for length in (5, 7, 8)]
    classes |= {"common": list(COMMON), "no match": list(NOTHING), "two words": list(WORDS), "pasted": list(PASTED)}
    queries = {label: [SearchQuery(text=typed_, limit=PAGE) for typed_ in texts] for label, texts in classes.items()}
    some = ["", "s", "sm", "smi", "com", "4", "muller", "xq", "0151"]
    queries["with a choice"] = [replace(choice, text=word, limit=PAGE) for choice in CHOICES for word in some]
    return queries


def further_pages(session: Session, queries: Iterable[SearchQuery]) -> list[SearchQuery]:
    """The second page of each query that has one."""
    firsts = ((query, find_accounts(session, query)) for query in queries)
    return [replace(query, after=found.next) for query, found in firsts if found.next]


def milliseconds(call: Callable[[], object]) -> float:
    """How long the call takes, the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        rounds.append((time.perf_counter() - started) * 1000)
    return median(rounds)


def table(title: str, classes: dict[str, list[SearchQuery]], ask: Callable[[SearchQuery], object]) -> None:
    """Ask every query and print p50, p99 and the slowest by class."""
    print(f"{title:28} {'n':>5} {'p50':>8} {'p99':>8} {'max':>8}  slowest")
    everything: list[tuple[float, str]] = []
    for label, queries in classes.items():
        times = [(milliseconds(lambda query=query: ask(query)), query.text) for query in queries]
        print(line(label, times), flush=True)
        everything += times
    print(line("all", everything), flush=True)


def line(label: str, times: list[tuple[float, str]]) -> str:
    """One line of the table."""
    took = [time_ for time_, _ in times]
    p99 = quantiles(took, n=100, method="inclusive")[98] if len(took) > 1 else took[0]
    return f"{label:28} {len(took):5} {median(took):8.1f} {p99:8.1f} {max(took):8.1f}  {max(times)[1][:40]!r}"


def run(database_url: str, gateway_url: str | None = None, token: str | None = None) -> None:
    """Print the tables: server time, and if there is a gateway, whole requests."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        classes = inputs(session)
        classes["second page"] = further_pages(session, classes["two words"] + classes["name, 2 letters"][:40])
        table("server time, ms", classes, lambda query: find_accounts(session, query))
    engine.dispose()
    if gateway_url and token:
        with httpx.Client(base_url=gateway_url, headers={"Authorization": f"Bearer {token}"}) as client:
            table("through the gateway, ms", classes, lambda query: ask(client, query))


def ask(client: httpx.Client, query: SearchQuery) -> None:
    """One search through the API; anything but a page ends the bench."""
    fields = {name: getattr(query, name) for name in ("status", "kind", "role", "tag", "limit")}
    chosen = {name: value for name, value in fields.items() if value is not None}
    cursor = {"cursor": encode_cursor(query.after)} if query.after else {}
    params = {"q": query.text[:LONGEST_TYPED], **chosen, **cursor}
    client.get("/api/customers/v1/accounts", params=params).raise_for_status()


if __name__ == "__main__":
    if len(sys.argv) not in {2, 4}:
        sys.exit("usage: python -m bench.search DATABASE_URL [GATEWAY_URL TOKEN]")
    run(*sys.argv[1:])
