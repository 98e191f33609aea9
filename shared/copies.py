"""Copies that a service keeps of what another owns: compared with the owner, and made anew from zero.

The owner tells its rows in pages, in the order of their keys (`/internal/copies/<name>?after=...`); a row is a tuple
of texts, and the first `key` of them identify it. Both sides are walked page by page, so memory stays flat.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.db import read_only, unit_of_work
from shared.http import ServiceClient
from shared.outbox import CursorTable

Row = tuple[str, ...]
Rows = Callable[[Session, Row | None, Row | None, int | None], list[Row]]  # after, until, limit
Load = Callable[[Session, list[Row]], None]
PAGE = 5000
TRIES = 4


@dataclass(frozen=True)
class Copy:
    """A copy of `name` at another service; `own` reads what is kept here."""

    name: str
    key: int
    own: Rows


@dataclass(frozen=True)
class Difference:
    """A row that only one side has, or has otherwise."""

    copy: str
    owner: Row | None
    here: Row | None

    def __str__(self) -> str:
        """Return a line that a person can act on."""
        if self.owner is None:
            return f"{self.copy}: {' '.join(self.here or ())} is here, and not at its owner"
        if self.here is None:
            return f"{self.copy}: {' '.join(self.owner)} is missing here"
        return f"{self.copy}: {' '.join(self.here)} should be {' '.join(self.owner)}"


def pages_of(client: ServiceClient, name: str) -> Iterator[list[Row]]:
    """Yield the rows of the owner, page by page."""
    after: Row | None = None
    while True:
        rows = [tuple(row) for row in client.get(f"/internal/copies/{name}", **_after(after))["rows"]]
        yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1]


def _after(after: Row | None) -> dict[str, Any]:
    return {"after": json.dumps(after)} if after else {}


def after_of(argument: str | None) -> Row | None:
    """Return the row that a page begins behind, as `pages_of` sends it."""
    return tuple(str(text) for text in json.loads(argument)) if argument else None


def differences(session: Session, client: ServiceClient, copy: Copy) -> Iterator[Difference]:
    """Yield where a copy and its owner differ, in the order of keys."""
    after: Row | None = None
    for page in pages_of(client, copy.name):
        is_last = len(page) < PAGE
        here = copy.own(session, after, None if is_last else page[-1], None)
        yield from _compare(copy, page, here)
        after = page[-1] if page else after


def _compare(copy: Copy, owners: Sequence[Row], here: Sequence[Row]) -> Iterator[Difference]:
    theirs, ours = ({row[: copy.key]: row for row in rows} for rows in (owners, here))
    for key in sorted(theirs.keys() | ours.keys()):
        if theirs.get(key) != ours.get(key):
            yield Difference(copy.name, theirs.get(key), ours.get(key))


def lasting_differences(
    client: ServiceClient, copies: Sequence[Copy], catch_up: Callable[[], object]
) -> list[Difference]:
    """Return where copies differ from their owner once all that it told was read (`catch_up`).

    What somebody changes meanwhile differs for a moment only, so a difference counts when it is seen twice.
    """
    seen: set[Difference] | None = None
    for _ in range(TRIES):
        catch_up()
        with read_only() as session:
            now = {one for copy in copies for one in differences(session, client, copy)}
        seen = now if seen is None else seen & now
        if not seen:
            return []
    return sorted(seen or (), key=str)


def rebuild(
    client: ServiceClient,
    cursor: type[CursorTable],
    owner: str,
    loads: Mapping[str, Load],
    clear: Callable[[Session], None],
    *,
    skip: bool = True,
) -> dict[str, int]:
    """Make the copies of what `owner` has from zero, in one transaction; return how many rows each has.

    The feed is read on from where the owner stood before the first page was asked for: what it tells since is applied
    again, which changes nothing where a page has it already. Who keeps more of the feed than the copies does not `skip`
    what is unread.
    """
    with unit_of_work() as session:
        session.execute(insert(cursor).values(owner=owner).on_conflict_do_nothing())
        place = session.execute(select(cursor).where(cursor.owner == owner).with_for_update()).scalar_one()
        if skip:
            place.pos = max(place.pos, client.get("/internal/events/newest")["pos"])
        clear(session)
        counts = dict.fromkeys(loads, 0)
        for name, load in loads.items():
            for page in pages_of(client, name):
                load(session, page)
                counts[name] += len(page)
    return counts
