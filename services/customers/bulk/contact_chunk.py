"""Applying a chunk of contacts: the people of accounts that are there."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from services.customers.bulk import newer
from services.customers.bulk.contact_target import LABELS
from services.customers.bulk.known import Known, find_accounts, lock_known, read_known
from services.customers.bulk.merge import CONTACT_CHANGES, Changed
from services.customers.bulk.people import People, Person
from services.customers.bulk.write import add_contacts, update_records
from services.customers.domain.records import contact_name
from shared.bulk import ChunkResult
from shared.forecast import Forecast
from shared.importing.job import ImportJob
from shared.importing.refused import RowRefused
from shared.importing.rows import CheckedRows
from shared.importing.tables import Cursor, packed_ids
from shared.keys import code_keys

NO_ACCOUNT = "There is no customer or vendor with this code."


class ContactsChunk:
    """One try at a chunk: each row in the order of the file, then all that changed at once."""

    def __init__(self, session: Session, cursor: Cursor, job: ImportJob, checked: CheckedRows) -> None:
        self.session = session
        self.cursor = cursor
        self.job = job
        self.mapped = checked.mapped
        self.rows = checked.rows
        self.result = ChunkResult(refusals=list(checked.refusals), fields=Counter())
        self.accounts: dict[str, People] = {}
        self.edits: newer.Edits | None = None

    def apply(self) -> ChunkResult:
        """Write what is to be written; return the counts."""
        rows = self.rows.with_columns(code_keys(self.rows["account_code"]).alias("key")).sort("_row")
        found = find_accounts(self.cursor, "code", rows["key"].unique())
        known = self._known(found["account_id"])
        self.accounts = {one.account["code_key"]: People.of(one) for one in known.values()}
        for row in rows.iter_rows(named=True):
            try:
                self._apply(row)
            except RowRefused as refused:
                self.result.refusals.append(refused.refusal_of(row, LABELS))
        self._write()
        self.result.failed = len(self.result.refusals)
        self.result.refusals.sort(key=lambda refusal: refusal.row)
        return self.result

    def _apply(self, row: dict[str, Any]) -> None:
        people = self._account(row["key"])
        person = people.find(row)
        if person is None:
            if self.job.mode == "update":
                self.result.skips([row["_row"]])
                return
            person = people.add(row)
            self.result.created += 1
            self._added(row, person)
        elif person.line is not None and self.job.repeated == "refuse":
            told = f"This contact came before, on line {person.line}."
            raise RowRefused("email" if row["email"] else "last_name", "repeated_key", told)
        elif self.job.mode == "create":
            self.result.skips([row["_row"]])
        else:
            job = self.job if person.line is None else self.job.keeping()
            before = dict(person.record)
            changed = people.change(person, row, job, self.mapped)
            if changed and (lost := self._lost(row, person, changed)):
                self._overtakes()
                if self.job.newer == "refuse":
                    people.put_back(person, before)
                    self.result.refusals.append(newer.refusal(row, lost, LABELS))
                    return
            if changed:
                self.result.changes(changed)
                self._changed(row, people, {name: (before[name], person.record[name]) for name in changed})
            self.result.updated += bool(changed)
            self.result.unchanged += not changed
        person.line = row["_line"]

    def _lost(self, row: dict[str, Any], person: Person, changed: Iterable[str]) -> list[tuple[str, newer.Edit]]:
        """Return what the row of an export would overwrite of that which others changed since."""
        seen = newer.seen_by(row).contact
        if seen is None or person.old is None or person.old["version"] <= seen:
            return []
        if self.edits is None:
            self.edits = newer.edits_of(self.cursor, self.job, [one.account["id"] for one in self.accounts.values()])
        return newer.newer_of(self.edits, person.old["id"], seen, changed)

    def _overtakes(self) -> None:
        """A row would overwrite what others changed since its export."""

    def _account(self, key: str | None) -> People:
        if key is None:
            raise RowRefused("account_code", "code_required", "Needed to find the customer.")
        if key not in self.accounts:
            raise RowRefused("account_code", "account_not_found", NO_ACCOUNT)
        return self.accounts[key]

    def _known(self, ids: Iterable[str]) -> dict[str, Known]:
        return lock_known(self.cursor, ids)

    def _added(self, row: dict[str, Any], person: Person) -> None:
        """A row makes a contact."""

    def _changed(self, row: dict[str, Any], people: People, changes: dict[str, tuple[Any, Any]]) -> None:
        """A row changes a contact."""

    def _write(self) -> None:
        people = [person for account in self.accounts.values() for person in account.people]
        changed = [one for person in people if (one := person.changed)]
        new = [person.record for person in people if person.old is None]
        update_records(self.cursor, self.job, "contact", changed)
        if new:
            self.result.created_ids += packed_ids(add_contacts(self.cursor, self.job, new))
        touched = [
            Changed(account.account) for account in self.accounts.values() if any(map(_is_touched, account.people))
        ]
        for one in touched:
            one.put("search", self.accounts[one.old["code_key"]].search())
        update_records(self.cursor, self.job, "account", touched)


class ContactsDryRun(ContactsChunk):
    """The decisions of `ContactsChunk`; what it would write is noted instead."""

    def __init__(self, session: Session, cursor: Cursor, job: ImportJob, checked: CheckedRows) -> None:
        super().__init__(session, cursor, job, checked)
        self.forecast = Forecast(every_row=job.every_row)

    def _known(self, ids: Iterable[str]) -> dict[str, Known]:
        return read_known(self.cursor, ids)

    def _added(self, row: dict[str, Any], person: Person) -> None:
        values = {name: person.record[name] for name in CONTACT_CHANGES}
        self.forecast.creates(row["_row"], row["_line"], {"account_code": row["account_code"], **values})

    def _changed(self, row: dict[str, Any], people: People, changes: dict[str, tuple[Any, Any]]) -> None:
        name = contact_name(row["first_name"], row["last_name"]) or row["email"] or ""
        self.forecast.updates(row["_row"], row["_line"], f"{people.account['code']} {name}".strip(), changes)

    def _overtakes(self) -> None:
        self.forecast.newer += 1

    def _write(self) -> None:
        """Nothing."""


def _is_touched(person: Person) -> bool:
    return person.old is None or person.changed is not None
