"""Live search at 1,000,000 accounts: see `bench.search` for the classes of input.

`./liaison bench search [ROWS]`: a copy of its own, filled by an import; asked in the service and through the gateway.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import generate, search
from bench.own_copy import own_copy

ROWS = 1_000_000


def run(arguments: Sequence[str] = ()) -> None:
    """Fill a copy and print the tables."""
    rows = int(arguments[0].replace("_", "")) if arguments else ROWS
    with own_copy("search") as copy, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        generate.write(rows, path, clean=True)
        copy.import_file(path)
        url = copy.database("customers").replace("postgresql://", "postgresql+psycopg://", 1)
        search.run(url, copy.place.address, copy.token)
