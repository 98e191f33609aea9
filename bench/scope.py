"""Customers filtered by who looks after them, and as an associate's user sees them, at 1,000,000 accounts (A5, A6).

`./liaison bench scope [ROWS]`: a copy of its own, filled by an import, its links put straight into customers' copy of
them. Each line is one associate, with a thousandth to a fifth of all accounts, and texts as `bench.search` types them.
*Server time* is what `find_accounts` takes. The same texts without a filter come first.
"""

import random
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from bench import generate, search
from bench.own_copy import own_copy
from services.customers.domain.scope import limit_session
from services.customers.domain.search import SearchQuery, find_accounts

ROWS = 1_000_000
SHARES = (0.2, 0.05, 0.01, 0.001)  # of all accounts
LINK = text(
    "INSERT INTO account_associate SELECT id, :associate, CASE WHEN random() < 0.1 THEN 'sales' ELSE 'manages' END"
    " FROM account WHERE random() < :share ON CONFLICT DO NOTHING"
)
TYPED = 400


def link(database_url: str) -> dict[uuid.UUID, int]:
    """Let an associate per share look after that part of the accounts, at random; return how many each has."""
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    linked = {}
    with engine.connect() as connection:
        for share in SHARES:
            associate = uuid.uuid4()
            linked[associate] = connection.execute(LINK, {"associate": associate, "share": share}).rowcount
        connection.execute(text("VACUUM ANALYZE account_associate"))
    engine.dispose()
    return linked


def run_in(database_url: str, linked: dict[uuid.UUID, int]) -> None:
    """Print the table."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        every = [query for queries in search.inputs(session).values() for query in queries]
        typed = [SearchQuery(), *random.Random(search.SEED).sample(every, TYPED)]
        tables: dict[str, list[SearchQuery]] = {"no filter": typed}
        for associate, count in linked.items():
            tables[f"of {count:,} customers"] = [replace(query, associate=associate) for query in typed]
        largest = next(iter(linked))
        tables["... as sales"] = [replace(query, associate=largest, associate_role="sales") for query in typed]
        tables["... second page"] = search.further_pages(session, tables[f"of {linked[largest]:,} customers"][:60])
        search.table("server time, ms", tables, lambda query: find_accounts(session, query))
    for associate, count in linked.items():
        with limited(Session(engine), associate) as own:
            asked = {f"who looks after {count:,}": typed}
            search.table("as an associate sees it, ms", asked, lambda query, own=own: find_accounts(own, query))
    engine.dispose()


@contextmanager
def limited(session: Session, associate: uuid.UUID) -> Iterator[Session]:
    """Give the session as it is for a user of this associate."""
    with session:
        limit_session(session, associate)
        yield session


def run(arguments: Sequence[str] = ()) -> None:
    """Fill a copy and print the table."""
    rows = int(arguments[0].replace("_", "")) if arguments else ROWS
    with own_copy("scope") as copy, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        generate.write(rows, path, clean=True)
        copy.import_file(path)
        url = copy.database("customers").replace("postgresql://", "postgresql+psycopg://", 1)
        run_in(url, link(url))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m bench.scope DATABASE_URL")
    run_in(sys.argv[1], link(sys.argv[1]))
