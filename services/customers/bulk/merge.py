"""What becomes of an account that is there, and of its contacts, when a row speaks of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.customers.bulk.job import ImportJob
from services.customers.bulk.known import ACCOUNT_KEYS, CONTACT_KEYS, Known
from services.customers.bulk.rows import ATTRIBUTES, CONTACT_FIELDS
from services.customers.domain.countries import phone_region
from services.customers.domain.keeping import phone_number
from services.customers.domain.natural_keys import contact_key
from services.customers.domain.records import contact_name
from services.customers.domain.search_text import SearchedContact, search_text
from shared.keys import email_key, name_key

Row = Mapping[str, Any]
Record = dict[str, Any]

# A blank cell clears these if the job says so. `tags` is a list, the others texts.
CLEARED = (
    *("email", "phone", "phone2", "website", "tax_id", "street", "city", "region", "postal_code", "country"),
    *("tags", "source", "notes"),
)
CONTACT_CLEARED = ("first_name", "job_title", "email", "phone", "phone2")
ACCOUNT_CHANGES = ("name", "kind", "is_customer", "is_vendor", *CLEARED, "attributes")
CONTACT_CHANGES = ("first_name", "last_name", "job_title", "email", "phone", "phone2")
NEW_CONTACT: Record = {**dict.fromkeys((*CONTACT_CHANGES, *CONTACT_KEYS)), "kind": "person"}


class RowRefused(Exception):
    """A row cannot be applied; `column` is the field, `code` and `message` say why."""

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.code = code
        self.message = message


@dataclass
class Merged:
    """What a row makes of what is known; None and empty where nothing changes.

    A record holds all columns as they shall be, and `bump`: 1 where a field that people see changed, 0 where only
    keys or search words did.
    """

    account: Record | None = None
    contacts: list[Record] = field(default_factory=list)
    new_contact: Record | None = None

    @property
    def is_change(self) -> bool:
        """Tell whether something changes that people see."""
        records = [*([self.account] if self.account else []), *self.contacts]
        return self.new_contact is not None or any(record["bump"] for record in records)


def merge_row(job: ImportJob, mapped: frozenset[str], row: Row, known: Known) -> Merged:
    """Apply a row to its account; raise RowRefused. `known` stays as it is."""
    account = _merged_account(job, mapped, row, known.account)
    contacts = [dict(contact) for contact in known.contacts]
    new_contact = None
    if any(row[name] is not None for name in CONTACT_FIELDS):
        place = _find_contact(row, account, contacts)
        if place is None:
            new_contact = _new_contact(row, account, contacts)
        else:
            contacts[place] = _merged_contact(job, mapped, row, contacts[place])
    _key_contacts(account, contacts if new_contact is None else [*contacts, new_contact])
    return _changes(known, account, contacts, new_contact)


def _merged_account(job: ImportJob, mapped: frozenset[str], row: Row, old: Record) -> Record:
    account = dict(old)
    for name in ("name", "kind", *CLEARED):
        if name == job.match:
            continue  # it found the account, so it says nothing new
        if row[name] is not None:
            account[name] = row[name]
        elif name in mapped and name in CLEARED and job.blank == "clear":
            account[name] = [] if name == "tags" else None
    if row["roles"] is not None:
        account["is_customer"] = "customer" in row["roles"]
        account["is_vendor"] = "vendor" in row["roles"]
    if row[ATTRIBUTES] is not None:
        account["attributes"] = old["attributes"] | json.loads(row[ATTRIBUTES])
    region = phone_region(account["country"])
    account["name_key"] = name_key(account["name"])
    account["email_key"] = email_key(account["email"]) if account["email"] else None
    account["phone_key"] = phone_number(account["phone"], region)
    account["phone2_key"] = phone_number(account["phone2"], region)
    return account


def _find_contact(row: Row, account: Record, contacts: list[Record]) -> int | None:
    """Return the place of the contact that a row speaks of.

    By its key; else the primary one if the row has its name or none at all; else the only one with this name.
    """
    keyed = _with_keys({name: row[f"contact_{name}"] for name in CONTACT_CHANGES}, account["country"])
    for place, contact in enumerate(contacts):
        if contact["contact_key"] == keyed["contact_key"]:
            return place
    if contacts and contacts[0]["is_primary"] and keyed["name_key"] in ("", contacts[0]["name_key"]):
        return 0
    alike = [place for place, contact in enumerate(contacts) if contact["name_key"] == keyed["name_key"]]
    return alike[0] if len(alike) == 1 else None


def _merged_contact(job: ImportJob, mapped: frozenset[str], row: Row, old: Record) -> Record:
    contact = dict(old)
    for name in CONTACT_CHANGES:
        column = f"contact_{name}"
        if row[column] is not None:
            contact[name] = row[column]
        elif column in mapped and name in CONTACT_CLEARED and job.blank == "clear":
            contact[name] = None
    if row["contact_first_name"] is None and row["contact_last_name"] is None:
        contact["first_name"] = old["first_name"]  # a row without names says nothing about names
    if row["contact_last_name"] is None and old["first_name"] is None and row["contact_first_name"] == old["last_name"]:
        contact["first_name"] = None  # a single name stands as last name
    return contact


def _new_contact(row: Row, account: Record, contacts: list[Record]) -> Record:
    contact = NEW_CONTACT | {name: row[f"contact_{name}"] for name in CONTACT_CHANGES}
    if contact["last_name"] is None:
        contact["last_name"], contact["first_name"] = contact["first_name"], None
    if contact["last_name"] is None and account["kind"] == "person":
        contact["last_name"] = account["name"]
    if contact["last_name"] is None:
        raise RowRefused("contact_last_name", "contact_name_required", "A new contact needs a first or last name.")
    contact["account_id"] = account["id"]
    contact["is_primary"] = not any(other["is_primary"] for other in contacts)
    return contact


def _key_contacts(account: Record, contacts: list[Record]) -> None:
    """Give all contacts their keys; raise RowRefused where two become the same."""
    seen: dict[str, Record] = {}
    for contact in contacts:
        contact.update(_with_keys(contact, account["country"]))
        if twin := seen.get(contact["contact_key"]):
            name = contact_name(twin["first_name"], twin["last_name"])
            raise RowRefused("contact_last_name", "duplicate_contact", f"It would make {name} a contact twice.")
        seen[contact["contact_key"]] = contact


def _with_keys(contact: Record, country: str | None) -> Record:
    region = phone_region(country)
    keys = {
        "name_key": name_key(contact_name(contact["first_name"], contact["last_name"])),
        "email_key": email_key(contact["email"]) if contact["email"] else None,
        "phone_key": phone_number(contact["phone"], region),
        "phone2_key": phone_number(contact["phone2"], region),
    }
    return {**keys, "contact_key": contact_key(keys["email_key"], str(keys["name_key"]), keys["phone_key"])}


def _changes(known: Known, account: Record, contacts: list[Record], new_contact: Record | None) -> Merged:
    everybody = sorted(
        [*contacts, *([new_contact] if new_contact else [])],
        key=lambda contact: (not contact["is_primary"], contact["name_key"]),
    )
    account["search"] = _search(account, everybody)
    merged = Merged(new_contact=new_contact)
    if any(account[name] != known.account[name] for name in (*ACCOUNT_CHANGES, *ACCOUNT_KEYS, "search")):
        account["bump"] = int(any(account[name] != known.account[name] for name in ACCOUNT_CHANGES))
        merged.account = account
    for contact, old in zip(contacts, known.contacts, strict=True):
        if any(contact[name] != old[name] for name in (*CONTACT_CHANGES, *CONTACT_KEYS)):
            contact["bump"] = int(any(contact[name] != old[name] for name in CONTACT_CHANGES))
            merged.contacts.append(contact)
    return merged


def _search(account: Record, contacts: list[Record]) -> str:
    return search_text(
        name=account["name"],
        code_key=account["code_key"],
        city=account["city"],
        email_key=account["email_key"],
        phone_keys=(account["phone_key"], account["phone2_key"]),
        contacts=[
            SearchedContact(
                one["first_name"], one["last_name"], one["email_key"], (one["phone_key"], one["phone2_key"])
            )
            for one in contacts
        ],
    )
