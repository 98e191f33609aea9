"""The customers of a snapshot as a file, for the imports service."""

import uuid
from collections.abc import Iterator

from psycopg import sql
from sqlalchemy.orm import Session

from services.customers.domain.selections import get_snapshot
from shared.importing.tables import cursor_of

BLOCK = 1 << 16  # row by row, each would be a piece of the answer of its own
# One that was deleted since stands there without a name, so that it is told.
ACCOUNTS = sql.SQL("""
COPY (
    SELECT p.id AS account_id, a.code, a.name FROM selection_snapshot s,
        unnest(s.active || CASE WHEN %(inactive)s THEN s.inactive ELSE '{{}}' END) AS p(id)
    LEFT JOIN account a ON a.id = p.id WHERE s.id = %(snapshot)s ORDER BY p.id
) TO STDOUT (FORMAT csv, HEADER)
""")


def stream_snapshot(session: Session, snapshot_id: uuid.UUID, *, inactive: bool) -> Iterator[bytes]:
    """Give account_id, code and name of each customer as CSV, in the order of ids. Raises SnapshotNotFound."""
    get_snapshot(session, snapshot_id)
    command = ACCOUNTS.format()
    with cursor_of(session).copy(command, {"snapshot": snapshot_id, "inactive": inactive}) as rows:
        block = bytearray()
        for row in rows:
            block += row
            if len(block) >= BLOCK:
                yield bytes(block)
                block.clear()
        yield bytes(block)
