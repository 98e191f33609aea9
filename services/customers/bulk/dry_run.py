"""What a chunk of customers would do, without doing it (I5)."""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Protocol

import polars as pl
from sqlalchemy.orm import Session

from services.customers.bulk.chunk import PLANS, TRIES, Chunk, RowMoved, inform_planner
from services.customers.bulk.create import NewRecords, new_records
from services.customers.bulk.differing import as_fields, differing
from services.customers.bulk.known import Known, Record, read_known
from services.customers.bulk.linking import Linking, Relinked, labels_of
from services.customers.bulk.merge import Merged
from services.customers.bulk.rows import FIELDS
from shared.bulk import ChunkResult
from shared.forecast import MOST_ROWS, NEW, Forecast
from shared.importing.job import ImportJob
from shared.importing.rows import ATTRIBUTES, CheckedRows
from shared.importing.tables import Cursor, cursor_of

LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"  # of contacts that are not there yet: they sort behind the others


class Look(Protocol):
    """One look at a chunk: the decisions of an attempt at it, noted in `forecast`."""

    forecast: Forecast

    def __init__(self, session: Session, cursor: Cursor, job: ImportJob, checked: CheckedRows) -> None:
        """Prepare it."""

    def apply(self) -> ChunkResult:
        """Decide; return the counts."""


def dry_run_rows(session: Session, job: ImportJob, checked: CheckedRows, look: type[Look]) -> dict[str, Any]:
    """Return what `apply_rows` would answer, with what would change and a few rows.

    The transaction is read-only: PostgreSQL itself refuses to write, to lock rows or to take a number.
    """
    inform_planner(cursor_of(session))
    for left in reversed(range(TRIES)):
        try:
            return _look(session, job, checked, look)
        except RowMoved:
            if not left:
                raise
    raise AssertionError("unreachable")


def _look(session: Session, job: ImportJob, checked: CheckedRows, kind: type[Look]) -> dict[str, Any]:
    savepoint = session.begin_nested()
    try:
        cursor = cursor_of(session)
        cursor.execute("SET TRANSACTION READ ONLY")
        for plan in PLANS:
            cursor.execute(f"SET LOCAL {plan} = off")
        look = kind(session, cursor, job, checked)
        return look.forecast.answer(look.apply(), checked.rows.iter_rows(named=True))
    finally:
        savepoint.rollback()


class DryRun(Chunk):
    """The decisions of `Chunk`. What it would write is noted instead, and remembered for rows of the same account."""

    def __init__(self, session: Session, cursor: Cursor, job: ImportJob, checked: CheckedRows) -> None:
        super().__init__(session, cursor, job, checked)
        self.forecast = Forecast(every_row=job.every_row)
        self.left: dict[str, Known] = {}

    def _find(self, match: str, keys: pl.Series) -> pl.DataFrame:
        """Find accounts as they would be by now: those that rows changed or made by what was left of them."""
        found = super()._find(match, keys)
        if not self.left:
            return found
        wanted = set(keys.drop_nulls())
        left = [
            (key, account_id, known.account["code"], known.account["code_key"])
            for account_id, known in self.left.items()
            for key in keys_of(known, match) & wanted
        ]
        as_left = pl.DataFrame(left, schema=dict.fromkeys(found.columns, pl.String), orient="row")
        return pl.concat([found.filter(~pl.col("account_id").is_in(list(self.left))), as_left])

    def _unchanged(self, rows: pl.DataFrame) -> pl.Series:
        return super()._unchanged(rows) & ~rows["account_id"].is_in(list(self.left))

    def _known(self, ids: Iterable[str]) -> dict[str, Known]:
        wanted = list(ids)
        known = read_known(self.cursor, wanted)
        known.update((one, self.left[one]) for one in wanted if one in self.left)
        return known

    def _write(self, changes: list[Merged]) -> None:
        for merged in changes:
            if merged.is_change:
                account = merged.account.old
                self.forecast.updates(
                    merged.row, merged.line, f"{account['code']} {account['name']}", differing(merged)
                )
            self.left[merged.account.old["id"]] = outcome(merged)

    def _overtakes(self) -> None:
        self.forecast.newer += 1

    def _ask_for_links(self, linking: Linking, changed: Sequence[Relinked]) -> None:
        """Note the rows that change who looks after their customer; the first few are shown."""
        shown = {one["row"]: one for one in self.forecast.updated}
        labels = labels_of(self.cursor, [one.asking.account for one in changed[:MOST_ROWS]])
        for one in changed:
            row, line, account = one.asking.row, one.asking.line, one.asking.account
            self.forecast.updates(
                row, line, labels.get(account, ""), {linking.field: (one.old, one.new)}, shown.get(row)
            )

    def _add(self, rows: pl.DataFrame) -> int:
        if self.job.repeated == "fold":
            records = new_records(self.job, rows)
            self._remember(records)
            if self.linking:
                self.linking.note_new(rows, records.ids)
        if not self.forecast.sees_enough:
            shown = rows.height if self.job.every_row else MOST_ROWS
            for row in rows.sort("_row").head(shown).iter_rows(named=True):
                self.forecast.creates(row["_row"], row["_line"], values_of(row))
        return rows.height

    def _remember(self, records: NewRecords) -> None:
        """Keep what would be made, for later rows of the same key."""
        contacts: dict[str, list[Record]] = {}
        for contact in records.contacts.iter_rows(named=True):
            contacts.setdefault(contact["account_id"], []).append({"status": "active", **contact})
        for account in records.accounts.iter_rows(named=True):
            account["tags"] = json.loads(f"[{account['tags'][1:-1]}]")
            account["attributes"] = json.loads(account["attributes"])
            self.left[account["id"]] = Known(account, contacts.get(account["id"], []))

    def _codes(self, count: int, _: Container[str]) -> list[str]:
        return [NEW] * count


def keys_of(known: Known, match: str) -> set[str]:
    """Return by which keys `find_accounts` finds an account."""
    if match == "code":
        return {known.account["code_key"]}
    emails = [known.account["email_key"], *(one["email_key"] for one in known.contacts if one["is_primary"])]
    return {email for email in emails if email}


def values_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a new record would hold, by the names of fields."""
    attributes = json.loads(row[ATTRIBUTES] or "{}")
    return {**{name: row[name] for name in FIELDS if name in row}, **as_fields(attributes)}


def outcome(merged: Merged) -> Known:
    """Return the account and its contacts as they would be, in the order of `read_known`."""
    contacts = [contact.old | contact.new for contact in merged.contacts]
    contacts += [{"status": "active", "id": LAST_ID, **one} for one in merged.new_contacts.values()]
    contacts.sort(key=lambda one: (not one["is_primary"], one["name_key"], one["id"]))
    return Known(merged.account.old | merged.account.new, contacts)
