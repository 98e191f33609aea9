"""Applying a chunk of customers: the one use case of this package."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import polars as pl
from psycopg import errors
from sqlalchemy.orm import Session

from services.customers.bulk import newer
from services.customers.bulk.create import named, new_records, same_contact
from services.customers.bulk.differing import differing
from services.customers.bulk.known import Known, find_accounts, lock_known, read_accounts, read_accounts_by_code
from services.customers.bulk.linking import Linking, Relinked
from services.customers.bulk.merge import SAME_CONTACT, Merged, Merger
from services.customers.bulk.rows import SECOND, has_second
from services.customers.bulk.target import LABELS
from services.customers.bulk.unchanged import surely_unchanged
from services.customers.bulk.wishes import WishingRows
from services.customers.bulk.write import add_contacts, update_records
from services.customers.domain.codes import next_codes
from services.customers.models import Outbox
from shared.bulk import SEEN, ChunkResult, Refusal
from shared.events.customers import AccountsImported
from shared.importing.ids import APART
from shared.importing.job import ImportJob
from shared.importing.refused import MOST_NAMED, RowRefused, fits_several
from shared.importing.rows import CheckedRows
from shared.importing.tables import Cursor, copy_in, cursor_of, packed_ids
from shared.keys import code_key, code_keys, email_keys
from shared.outbox import record

TRIES = 5
EMAIL_LOCK = 0x6C69_0003

# Small chunks against big tables: whatever the statistics say, go by the index.
PLANS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
CONFLICTS = (errors.UniqueViolation, errors.DeadlockDetected, errors.ForeignKeyViolation)


class RowMoved(Exception):
    """Somebody deleted or renumbered an account between looking and locking."""


def apply_rows(
    session: Session, job: ImportJob, chunk_no: int, checked: CheckedRows, attempt: "type[Attempt]"
) -> ChunkResult:
    """Write the rows of a chunk and say what became of each.

    Where another transaction is quicker with the same account, all of it is done again. Commits nothing.
    """
    job = replace(job, chunk_no=chunk_no)
    cursor = cursor_of(session)
    for plan in PLANS:
        cursor.execute(f"SET LOCAL {plan} = off")
    if job.match == "email":  # nothing in the database keeps two chunks from creating the same address
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EMAIL_LOCK])
    inform_planner(cursor)
    for left in reversed(range(TRIES)):
        try:
            with session.begin_nested():
                result = attempt(session, cursor_of(session), job, checked).apply()
            break
        except (*CONFLICTS, RowMoved):
            if not left:
                raise
    if result.created or result.updated:
        record(session, Outbox, _event(job, chunk_no, result))
    return result


def inform_planner(cursor: Cursor) -> None:
    """Count the accounts where a vacuum found none because those that fill the table had not committed.

    Until the next automatic count the planner would else take any index that has an id in it for as good as the
    primary key, and read all of it for each row.
    """
    cursor.execute("SELECT reltuples = 0 AND relpages > 0 FROM pg_class WHERE oid = 'account'::regclass")
    if cursor.fetchone() == (True,):
        cursor.execute("ANALYZE account")


def _event(job: ImportJob, chunk_no: int, result: ChunkResult) -> AccountsImported:
    return AccountsImported(
        job_id=str(job.id),
        chunk_no=chunk_no,
        created=result.created,
        updated=result.updated,
        actor_id=str(job.actor_id),
        actor_name=job.actor_name,
        file_name=job.file_name,
    )


class Attempt(Protocol):
    """One try at a chunk."""

    def __init__(self, session: Session, cursor: Cursor, job: ImportJob, checked: CheckedRows) -> None:
        """Prepare it."""

    def apply(self) -> ChunkResult:
        """Write what is to be written; return the counts."""


class Chunk:
    """One try at a chunk of customers or vendors. `dry_run.DryRun` makes the same decisions without writing."""

    def __init__(self, session: Session, cursor: Cursor, job: ImportJob, checked: CheckedRows) -> None:
        self.session = session
        self.cursor = cursor
        self.job = job
        self.mapped = checked.mapped
        self.rows = checked.rows
        self.result = ChunkResult(refusals=list(checked.refusals), fields=Counter())
        self.read: pl.DataFrame | None = None  # what the accounts just found hold, if that was read, too
        self.linking = Linking(job, checked) if isinstance(checked, WishingRows) else None

    def apply(self) -> ChunkResult:
        """Write what is to be written; return the counts."""
        rows = self._keyed()
        while rows.height:  # once, unless keys come again
            first = pl.col("key").is_null() | pl.col("key").is_first_distinct()
            self._apply(rows.filter(first))
            rows = rows.filter(~first)
            self.job = self.job.keeping()
        if self.linking:
            self._link(self.linking)
        self.result.failed = len(self.result.refusals)
        self.result.refusals.sort(key=lambda refusal: refusal.row)
        return self.result

    def _apply(self, rows: pl.DataFrame) -> None:
        """Apply rows of which no two have the same key; one without a key is new."""
        found = self._find(self.job.match, rows["key"])
        new = self._existing(rows, found) if found.height else rows
        if self.job.mode == "update":
            self.result.skips(new["_row"])
        elif new.height:
            self._create(new)

    def _find(self, match: str, keys: pl.Series) -> pl.DataFrame:
        if match == self.job.match == "code" and self.job.mode != "create":
            found, self.read = read_accounts_by_code(self.cursor, keys)
            return found
        return find_accounts(self.cursor, match, keys)

    def _keyed(self) -> pl.DataFrame:
        """Return the rows with their `key`. Those with that of another are refused, unless they are folded.

        So are those without a key, unless all new customers are to be made and get a code.
        """
        match = self.job.match
        texts = self.rows.select(pl.coalesce("email", "contact_email") if match == "email" else "code").to_series()
        key = email_keys(texts) if match == "email" else code_keys(texts)
        rows = self.rows.with_columns(key.alias("key")).sort("_row")
        if match != "code" or self.job.mode != "create":
            rows = self._refuse(
                rows, pl.col("key").is_null(), match, f"{match}_required", "Needed to find the customer."
            )
        if self.job.repeated == "fold":
            return rows
        again = pl.col("key").is_not_null() & ~pl.col("key").is_first_distinct()
        return self._refuse(rows, again, match, "repeated_key", "Stands in the file twice.")

    def _existing(self, rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
        """Deal with rows whose account is there; return the others."""
        counts = found.group_by("key").agg(
            pl.len().alias("matches"),
            pl.col("account_code").sort().head(MOST_NAMED),
            pl.col("account_id", "account_code_key").first(),
        )
        rows = rows.join(counts, on="key", how="left", maintain_order="left")
        new = rows.filter(pl.col("matches").is_null())
        several = rows.filter(pl.col("matches") > 1).select("_row", "_line", "matches", "account_code")
        for row, line, matches, codes in several.iter_rows():
            self._refusal(row, line, self.job.match, "ambiguous_match", fits_several("customers", codes, matches))
        here = rows.filter(pl.col("matches") == 1)
        if self.job.mode == "create":
            self.result.skips(here["_row"])
        else:
            if self.job.match == "email":
                other = code_keys(here["code"]) != here["account_code_key"]
                here = self._refuse(
                    here, pl.lit(other), "code", "code_differs", "The customer of this e-mail has another code."
                )
            self._update(self._not_overreaching(here))
        return new.drop("matches", "account_id", "account_code", "account_code_key")

    def _update(self, rows: pl.DataFrame) -> None:
        """Change the accounts of `rows`; where several rows speak of one, each sees what the one before it left."""
        while rows.height:
            first = pl.col("account_id").is_first_distinct()
            self._update_each(rows.filter(first))
            rows = rows.filter(~first)

    def _update_each(self, rows: pl.DataFrame) -> None:
        same = self._unchanged(rows)
        self.result.unchanged += int(same.sum())
        if self.linking:
            self.linking.note(rows.filter(same).iter_rows(named=True), is_change=False)
        rows = rows.filter(~same)
        known = self._known(rows["account_id"])
        merger, changes = Merger(self.job, self.mapped), []
        edits = self._edits(rows, known)
        for row in rows.iter_rows(named=True):
            account = known.get(row["account_id"])
            if account is None or account.account["code_key"] != row["account_code_key"]:
                raise RowMoved
            try:
                merged = merger.merge(row, account)
            except RowRefused as refused:
                self.result.refusals.append(refused.refusal_of(row, LABELS))
                continue
            if edits and merged.is_change and (lost := newer.overwritten(row, merged, edits)):
                self._overtakes()
                if self.job.newer == "refuse":
                    self.result.refusals.append(newer.refusal(row, lost, LABELS))
                    continue
            self.result.updated += merged.is_change
            self.result.unchanged += not merged.is_change
            changes.append(merged)
            if self.linking:
                self.linking.note([row], is_change=merged.is_change)
        self._write(changes)

    def _link(self, linking: Linking) -> None:
        """Count the rows that only change who looks after their customer; ask associates for what is to change."""
        for one in (changed := linking.settle(self.cursor)):
            self.result.changes([linking.field])
            if not one.asking.is_change:
                self.result.unchanged -= 1
                self.result.updated += 1
        self._ask_for_links(linking, changed)

    def _ask_for_links(self, linking: Linking, _: Sequence[Relinked]) -> None:
        if linking.wanted:
            record(self.session, Outbox, linking.event())
            asked = packed_ids(pl.Series(sorted(linking.wanted)))
            self.result.created_ids += APART + asked

    def _edits(self, rows: pl.DataFrame, known: Mapping[str, Known]) -> newer.Edits:
        """Return what others changed in accounts of which rows show an older version; only exports have such rows."""
        if SEEN not in rows.columns:
            return {}
        places = rows.select("account_id", SEEN).iter_rows(named=True)
        behind = [
            row["account_id"]
            for row in places
            if row["account_id"] in known and newer.is_behind(row, known[row["account_id"]])
        ]
        return newer.edits_of(self.cursor, self.job, behind)

    def _overtakes(self) -> None:
        """A row would overwrite what others changed since its export."""

    def _unchanged(self, rows: pl.DataFrame) -> pl.Series:
        accounts, self.read = self.read, None
        if accounts is None:
            accounts = read_accounts(self.cursor, rows["account_id"])
        return surely_unchanged(self.cursor, self.job, rows, accounts, self.mapped)

    def _known(self, ids: Iterable[str]) -> dict[str, Known]:
        return lock_known(self.cursor, ids)

    def _write(self, changes: list[Merged]) -> None:
        for one in changes:
            if one.is_change:
                self.result.changes(differing(one))
        update_records(self.cursor, self.job, "account", [one.account for one in changes])
        update_records(self.cursor, self.job, "contact", [contact for one in changes for contact in one.contacts])
        if new := [contact for one in changes for contact in one.new_contacts.values()]:
            self.result.created_ids += packed_ids(add_contacts(self.cursor, self.job, new))

    def _not_overreaching(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Refuse the rows that would give a customer to somebody inactive; return the others."""
        refused = self.linking.overreaching(self.cursor, rows) if self.linking else {}
        if not refused:
            return rows
        wrong = pl.col("_row").is_in(list(refused))
        for row in rows.filter(wrong).select("_row", "_line").iter_rows(named=True):
            self.result.refusals.append(refused[row["_row"]].refusal_of(row, LABELS))
        return rows.filter(~wrong)

    def _create(self, rows: pl.DataFrame) -> None:
        rows = named(self._not_overreaching(rows))
        rows = self._refuse(rows, pl.col("name").is_null(), "name", "name_required", "A new customer needs a name.")
        nameless = pl.col("has_contact") & pl.col("contact_last_name").is_null()
        rows = self._refuse(
            rows, nameless, "contact_last_name", "contact_name_required", "A new contact needs a first or last name."
        )
        if has_second(self.mapped):
            rows = self._with_two_contacts(rows)
        if self.job.match == "email":
            rows = self._without_taken_codes(rows)
        self.result.created += self._add(self._with_codes(rows))

    def _with_two_contacts(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Refuse rows whose second contact has no name, or is the other one."""
        nameless = pl.col("has_second") & pl.col(f"{SECOND}last_name").is_null()
        told = "A new contact needs a first or last name."
        rows = self._refuse(rows, nameless, f"{SECOND}last_name", "contact_name_required", told)
        return self._refuse(rows, pl.lit(same_contact(rows)), f"{SECOND}last_name", "duplicate_contact", SAME_CONTACT)

    def _add(self, rows: pl.DataFrame) -> int:
        """Write new accounts with their contacts; return how many."""
        records = new_records(self.job, rows)
        copy_in(self.cursor, "account", records.accounts)
        inform_planner(self.cursor)  # before each contact's account is looked up by the foreign key
        copy_in(self.cursor, "contact", records.contacts)
        self.result.created_ids += packed_ids(records.accounts["id"])
        if self.linking:
            self.linking.note_new(rows, records.ids)
        return records.accounts.height

    def _without_taken_codes(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Refuse new codes that other accounts, or other rows, have."""
        rows = rows.with_columns(code_keys(rows["code"]).alias("code_key"))
        taken = self._find("code", rows["code_key"])["key"]
        rows = self._refuse(
            rows, pl.col("code_key").is_in(taken.to_list()), "code", "code_taken", "Belongs to another customer."
        )
        twice = pl.col("code_key").is_not_null() & ~pl.col("code_key").is_first_distinct()
        return self._refuse(rows, twice, "code", "repeated_code", "Stands in the file twice.")

    def _with_codes(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Give codes to rows without, none that another row has."""
        blank = rows["code"].is_null()
        if not (count := int(blank.sum())):
            return rows
        codes = self._codes(count, set(code_keys(rows["code"])))
        return rows.with_columns(rows["code"].scatter(blank.arg_true(), codes))

    def _codes(self, count: int, theirs: Container[str]) -> list[str]:
        codes: list[str] = []
        while len(codes) < count:
            codes += [code for code in next_codes(self.session, count - len(codes)) if code_key(code) not in theirs]
        return codes

    def _refuse(self, rows: pl.DataFrame, wrong: pl.Expr, column: str, code: str, message: str) -> pl.DataFrame:
        """Refuse the rows that are `wrong`; return the others."""
        flags = rows.select(wrong.fill_null(value=False).alias("wrong")).to_series()
        if not flags.any():
            return rows
        for row, line in rows.filter(flags).select("_row", "_line").iter_rows():
            self._refusal(row, line, column, code, message)
        return rows.filter(~flags)

    def _refusal(self, row: int, line: int, column: str, code: str, message: str) -> None:
        self.result.refusals.append(Refusal(row, line, column, code, f"{LABELS[column]}: {message}"))
