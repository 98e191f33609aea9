"""Chunks of customers as the imports service sends them."""

import csv
import hashlib
import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from services.customers.bulk import receipts
from services.customers.domain.keeping import contacts_of, key_account, key_contact, words_of
from services.customers.models import Account, Change, Contact
from shared.bulk import UNDO_COUNTS
from shared.importing.job import ImportJob, UndoJob
from shared.testing import SignedClient

CARLA = uuid.UUID("00000000-0000-7000-8000-00000000ca51")
UMA = uuid.UUID("00000000-0000-7000-8000-000000000c0c")
SAMPLE_COLUMNS = {
    "Customer Id": "code",
    "First Name": "contact_first_name",
    "Last Name": "contact_last_name",
    "Company": "name",
    "City": "city",
    "Country": "country",
    "Phone 1": "contact_phone",
    "Phone 2": "contact_phone2",
    "Email": "contact_email",
    "Website": "website",
}
SAMPLE = """\
Index,Customer Id,First Name,Last Name,Company,City,Country,Phone 1,Phone 2,Email,Subscription Date,Website
1,4HiRRj6uoL,Lindsay,Weaver,Marquez-Mays,West Darintown,Cocos (Keeling) Islands,(755)322-9565,561.771.5213,\
krausebelinda@bradshaw.biz,2020-03-04,http://www.may.org/
2,QlbMdPKUqp,Candice,Compton,Rodgers-Wise,Carrilloview,Maldives,9393378767,+1-679-251-6175x41243,\
edennis@maldonado.info,2026-06-01,http://bradford.com/
3,Ev0nA1ye7f,Shane,O'Neil,"Bauer, Poole and Sons",Łódź,Korea,001-951-364-3940x09329,577-555-0100,\
shane@bauer.co.uk,2021-01-31,http://bauer.co.uk/
"""


def job(**choices: Any) -> ImportJob:
    """Return an import job of Carla's: mode both, match code, blank keep, unless told otherwise."""
    told = {
        "kind": "customers",
        "mode": "both",
        "match": "code",
        "blank": "keep",
        "file_name": "customers.csv",
        **choices,
    }
    return ImportJob(id=told.pop("id", None) or uuid.uuid4(), actor_id=CARLA, actor_name="Carla Chief", **told)


def frame(*rows: dict[str, str | None]) -> pl.DataFrame:
    """Return rows as a chunk; every column that any row names is mapped."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    places = {"_row": range(1, len(rows) + 1), "_line": range(2, len(rows) + 2)}
    columns = {name: [row.get(name) for row in rows] for name in names}
    schema = {"_row": pl.UInt32, "_line": pl.UInt32, **dict.fromkeys(names, pl.String)}
    return pl.DataFrame({**places, **columns}, schema=schema)


def sample_rows(path: Path | None = None) -> Iterator[dict[str, str | None]]:
    """Return the rows of a file with SAMPLE's columns as fields, the others as attributes."""
    for row in csv.DictReader(io.StringIO(path.read_text("utf-8-sig") if path else SAMPLE)):
        mapped = {SAMPLE_COLUMNS[name]: text or None for name, text in row.items() if name in SAMPLE_COLUMNS}
        others = {name: text for name, text in row.items() if name not in SAMPLE_COLUMNS and text}
        yield {**mapped, "_attributes": json.dumps(others)}


def apply(session: Session, *rows: dict[str, str | None], no: int = 1, **choices: Any) -> dict[str, Any]:
    """Apply rows as a chunk of a job; return the answer."""
    told = job(**choices)
    body, checksum = arrow(frame(*rows))
    answer = receipts.apply_chunk(session, told, no, checksum, receipts.read_chunk(body, checksum, told.kind))
    session.expire_all()
    return answer


def undo(session: Session, job_id: uuid.UUID, no: int = 1, kind: str = "customers") -> dict[str, Any]:
    """Take back a chunk of a job; return the answer."""
    answer = receipts.undo_chunk(session, UndoJob(job_id, no, kind, UMA, "Uma Undoer", "customers.csv"))
    session.expire_all()
    return answer


def undone(answer: dict[str, Any]) -> dict[str, int]:
    """Return the counts of an undo's answer that are not nothing."""
    return {name: answer[name] for name in UNDO_COUNTS if answer[name]}


def reasons(answer: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    """Return record, field and reason of all that an undo left."""
    return [(one["record"], one["field"], one["reason"]) for one in answer["left"]]


def counts(answer: dict[str, Any]) -> dict[str, int]:
    """Return the counts of an answer that are not nothing."""
    names = ("created", "updated", "unchanged", "skipped", "failed")
    return {name: answer[name] for name in names if answer[name]}


def refused(answer: dict[str, Any]) -> list[tuple[int, str | None, str]]:
    """Return row, column and code of each refusal."""
    refusals = [one if isinstance(one, dict) else vars(one) for one in answer["refusals"]]
    return [(one["row"], one["column"], one["code"]) for one in refusals]


def arrow(rows: pl.DataFrame) -> tuple[bytes, str]:
    """Return a chunk as Arrow file, and its checksum."""
    file = io.BytesIO()
    rows.write_ipc(file)
    return file.getvalue(), hashlib.sha256(file.getvalue()).hexdigest()


def post(client: SignedClient, told: ImportJob, no: int, rows: pl.DataFrame, checksum: str | None = None) -> Any:
    """Post a chunk as the imports service does."""
    body, right = arrow(rows)
    about = {
        "kind": told.kind,
        "mode": told.mode,
        "match": told.match,
        "blank": told.blank,
        "actor_id": str(told.actor_id),
        "actor_name": told.actor_name,
        "file_name": told.file_name,
    }
    headers = {"Liaison-Checksum": checksum or right, "Liaison-Job": json.dumps(about)}
    return client.post(f"/internal/chunks/{told.id}/{no}", data=body, headers=headers)


def account(session: Session, code: str) -> Account:
    """Return the account with this code."""
    return session.scalars(select(Account).where(Account.code == code)).one()


def contacts(session: Session, code: str) -> list[Contact]:
    """Return the contacts of the account with this code, the primary one first."""
    theirs = select(Contact).join(Account, Account.id == Contact.account_id).where(Account.code == code)
    return list(session.scalars(theirs.order_by(Contact.is_primary.desc(), Contact.name_key)))


def changes(session: Session) -> list[tuple[dict[str, Any], int]]:
    """Return fields and version of all history rows, oldest first."""
    rows = session.scalars(select(Change).where(Change.action == "updated").order_by(Change.id))
    return [(row.fields, row.version) for row in rows]


def everything(session: Session) -> list[Any]:
    """Return all records with their versions, to see that nothing was written."""
    session.expire_all()
    accounts = session.execute(select(Account.code, Account.version, Account.updated_at, text("account.xmin::text")))
    people = session.execute(select(Contact.contact_key, Contact.version, text("contact.xmin::text")))
    return [sorted(accounts.all()), sorted(people.all()), session.scalar(select(func.count(Change.id)))]


def check_derived(session: Session) -> None:
    """Check keys and search words of all accounts and contacts against the domain's own."""
    for one in session.scalars(select(Account)):
        theirs = contacts_of(session, one)
        kept = [one.search, one.name_key, one.email_key, one.phone_key, one.phone2_key]
        kept_of_contacts = [
            [person.contact_key, person.name_key, person.email_key, person.phone_key] for person in theirs
        ]
        key_account(one)
        for person in theirs:
            key_contact(person, one.country)
        assert kept == [words_of(one, theirs), one.name_key, one.email_key, one.phone_key, one.phone2_key]
        assert kept_of_contacts == [
            [person.contact_key, person.name_key, person.email_key, person.phone_key] for person in theirs
        ]
        assert not session.is_modified(one)
