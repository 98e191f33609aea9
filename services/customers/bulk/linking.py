"""What the rows of a chunk change about who looks after their customers: told to associates, who own the links.

Whether a row changes anything is seen in the copy of the links here. What changes nothing is not asked for, so the same
file again asks for nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from services.customers.bulk.wishes import CODE, EMAIL, NAME, WISH, Link, Wish, WishingRows
from shared.events.customers import AssignmentsWished
from shared.importing.job import ImportJob
from shared.importing.refused import RowRefused
from shared.importing.tables import Cursor

THERE = """
SELECT k.account_id::text, k.associate_id::text, k.role, coalesce(n.name, 'Somebody')
FROM account_associate k LEFT JOIN associate_name n USING (associate_id) WHERE k.account_id = ANY(%s::uuid[])
"""
LABELS = "SELECT id::text, concat_ws(' ', code, name) FROM account WHERE id = ANY(%s::uuid[])"
Place = tuple[str, str]  # associate and role


@dataclass(frozen=True)
class Asking:
    """A row that asks for links of an account that is there, or made by a row before; `is_change` if of fields, too."""

    row: int
    line: int
    account: str
    wish: Wish
    is_change: bool


@dataclass(frozen=True)
class Relinked:
    """A row that changes who looks after its customer: from whom, to whom, as people read it."""

    asking: Asking
    old: str
    new: str


@dataclass
class Linking:
    """The wishes of the rows of one try at a chunk, noted as its rows are dealt with."""

    job: ImportJob
    checked: WishingRows
    asking: list[Asking] = field(default_factory=list)
    made: dict[str, Wish] = field(default_factory=dict)
    wanted: dict[str, dict[Place, Link]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def field(self) -> str:
        """The field that is told to change."""
        return next(name for name in (CODE, NAME, EMAIL) if name in self.checked.mapped)

    def overreaching(self, cursor: Cursor, rows: pl.DataFrame) -> dict[int, RowRefused]:
        """Return why rows are refused that would give a customer to somebody inactive, by `_row`.

        Who is inactive keeps what it has. Rows of new accounts have no `account_id`.
        """
        if not self.checked.idle:
            return {}
        rows = rows.filter(pl.col(WISH).is_in(self.checked.idle))
        there = _there(cursor, rows["account_id"].unique().to_list()) if "account_id" in rows.columns else {}
        refused = {}
        for row in rows.iter_rows(named=True):
            have = there.get(row.get("account_id", ""), {})
            for person, role in self.checked.wishes[row[WISH]]:
                if not person.is_active and (person.key, role) not in have:
                    told = f"{person.name} is inactive, so nothing can be given to them."
                    refused[row["_row"]] = RowRefused(person.called.by, "associate_inactive", told)
        return refused

    def note_new(self, rows: pl.DataFrame, ids: pl.DataFrame) -> None:
        """Note rows that made accounts; `ids` has the account of each `_row`."""
        for account, place in rows.join(ids, on="_row").select("id", WISH).iter_rows():
            if place is not None:
                self.made[account] = self.checked.wishes[place]

    def note(self, rows: Iterable[Mapping[str, Any]], *, is_change: bool) -> None:
        """Note rows of accounts that are there."""
        for row in rows:
            if (place := row[WISH]) is not None:
                wish = self.checked.wishes[place]
                self.asking.append(Asking(row["_row"], row["_line"], row["account_id"], wish, is_change))

    def settle(self, cursor: Cursor) -> list[Relinked]:
        """Return the rows that change links, once all rows are noted; `wanted` then has what is to be asked for."""
        for account, wish in self.made.items():
            self.wanted[account] |= {link.place: link for link in wish}
        by_account: dict[str, list[Asking]] = defaultdict(list)
        for one in sorted(self.asking, key=lambda one: one.row):
            by_account[one.account].append(one)
        there = _there(cursor, list(by_account))
        changed = [
            one for account, rows in by_account.items() for one in self._settle(account, rows, there.get(account, {}))
        ]
        return sorted(changed, key=lambda one: one.asking.row)

    def _settle(self, account: str, rows: Sequence[Asking], there: Mapping[Place, str]) -> list[Relinked]:
        """Settle the rows of one account. Together they say who has a role, so each that adds somebody changes it."""
        asked = {link.place: link for one in rows for link in one.wish}
        have = {*there, *(link.place for link in self.made.get(account, ()))}
        roles = {role for _, role in asked}
        ends = {place for place in there if place[1] in roles and place not in asked} if self._replaces else set()
        changed = []
        old = _words({place: there[place] for place in there})
        after = {place: name for place, name in there.items() if place not in ends}
        for at, one in enumerate(rows):
            new = {link.place: link.person.name for link in one.wish if link.place not in have}
            after |= new
            have |= new.keys()
            if new or (at == 0 and ends):
                changed.append(Relinked(one, old, _words(after)))
        if changed:
            self.wanted[account] |= asked
        return changed

    @property
    def _replaces(self) -> bool:
        return self.job.associates == "replace"

    def event(self) -> AssignmentsWished:
        """Return what associates is told."""
        links: list[list[str]] = []
        new: dict[Any, list[list[str]]] = defaultdict(list)
        for account, asked in self.wanted.items():
            for person, role in asked.values():
                if person.id:
                    links.append([account, person.id, role])
                else:
                    new[person.called].append([account, role])
        return AssignmentsWished(
            job_id=str(self.job.id),
            chunk_no=self.job.chunk_no,
            mode=self.job.associates,
            links=links,
            new=[[*called, theirs] for called, theirs in new.items()],
            actor_id=str(self.job.actor_id),
            actor_name=self.job.actor_name,
            file_name=self.job.file_name,
        )


def labels_of(cursor: Cursor, accounts: Sequence[str]) -> dict[str, str]:
    """Return what people call these accounts."""
    return dict(cursor.execute(LABELS, [list(accounts)]).fetchall())


def _there(cursor: Cursor, accounts: Sequence[str]) -> dict[str, dict[Place, str]]:
    """Return who looks after these accounts: {account: {(associate, role): name}}."""
    there: dict[str, dict[Place, str]] = defaultdict(dict)
    for account, associate, role, name in cursor.execute(THERE, [list(accounts)]).fetchall():
        there[account][associate, role] = name
    return there


def _words(places: Mapping[Place, str]) -> str:
    return "; ".join(sorted(f"{name} ({role.replace('_', ' ')})" for (_, role), name in places.items()))
