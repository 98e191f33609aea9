"""What becomes of an account that is there, and of its contacts, when a row speaks of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.customers.bulk.job import ImportJob
from services.customers.bulk.known import Known, Record
from services.customers.bulk.rows import ATTRIBUTES, CONTACT_FIELDS
from services.customers.domain.keeping import phone_number
from services.customers.domain.natural_keys import contact_key
from services.customers.domain.records import contact_name
from services.customers.domain.search_text import SearchedContact, search_text
from shared.countries import phone_region
from shared.keys import email_key, name_key

Row = Mapping[str, Any]

# A blank cell clears these if the job says so. `tags` is a list, the others texts.
CLEARED = (
    *("email", "phone", "phone2", "website", "tax_id", "street", "city", "region", "postal_code", "country"),
    *("tags", "source", "notes"),
)
CONTACT_CLEARED = ("first_name", "job_title", "email", "phone", "phone2")
ACCOUNT_CHANGES = ("name", "kind", "is_customer", "is_vendor", *CLEARED, "attributes")
CONTACT_CHANGES = ("first_name", "last_name", "job_title", "email", "phone", "phone2")
SEARCHED = frozenset({"name", "city", "email_key", "phone_key", "phone2_key"})
KEYED_CONTACT = frozenset({"first_name", "last_name", "email", "phone", "phone2"})


class RowRefused(Exception):
    """A row cannot be applied; `column` is the field, `code` and `message` say why."""

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.code = code
        self.message = message


@dataclass
class Changed:
    """A record as it was, and the columns that get another value."""

    old: Record
    new: Record = field(default_factory=dict)

    def value(self, column: str) -> Any:
        """Return what the column will hold."""
        return self.new[column] if column in self.new else self.old[column]

    def put(self, column: str, value: Any) -> None:
        """Give the column a value; one that it has already is no change."""
        if value != self.old[column]:
            self.new[column] = value
        else:
            self.new.pop(column, None)


@dataclass
class Merged:
    """What a row, at its place in the file, makes of an account and its contacts; only what changes is in `new`."""

    row: int
    line: int
    account: Changed
    contacts: list[Changed]
    new_contact: Record | None = None

    @property
    def is_change(self) -> bool:
        """Tell whether something changes that people see, not only keys and search words."""
        return (
            self.new_contact is not None
            or not self.account.new.keys().isdisjoint(ACCOUNT_CHANGES)
            or any(not contact.new.keys().isdisjoint(CONTACT_CHANGES) for contact in self.contacts)
        )


class Merger:
    """Applies the rows of one job, which map the fields `mapped`."""

    def __init__(self, job: ImportJob, mapped: frozenset[str]) -> None:
        self.clears = job.clears
        self.makes_vendors = job.kind == "vendors"
        # What found the account says nothing new about it.
        self.fields = [name for name in ("name", "kind", *CLEARED) if name in mapped and name != job.match]
        self.contact_fields = [name for name in CONTACT_CHANGES if f"contact_{name}" in mapped]

    def merge(self, row: Row, known: Known) -> Merged:
        """Apply a row to its account; raise RowRefused. `known` stays as it is."""
        account = self._account(row, known.account)
        merged = Merged(row["_row"], row["_line"], account, [Changed(contact) for contact in known.contacts])
        if any(row[name] is not None for name in CONTACT_FIELDS):
            place = _find_contact(row, account, known.contacts)
            if place is None:
                merged.new_contact = _new_contact(row, account, known.contacts)
            else:
                self._contact(row, merged.contacts[place])
        _key_contacts(merged)
        if (
            merged.new_contact
            or not SEARCHED.isdisjoint(account.new)
            or any(
                not KEYED_CONTACT.isdisjoint(contact.new) or "phone_key" in contact.new for contact in merged.contacts
            )
        ):
            account.put("search", _search(merged))
        return merged

    def _account(self, row: Row, old: Record) -> Changed:
        account = Changed(old)
        for name in self.fields:
            if row[name] is not None:
                account.put(name, row[name])
            elif name in CLEARED and self.clears(name):
                account.put(name, [] if name == "tags" else None)
        if row["roles"] is not None:
            account.put("is_customer", "customer" in row["roles"])
            account.put("is_vendor", "vendor" in row["roles"])
        elif self.makes_vendors:
            account.put("is_vendor", True)
        if row[ATTRIBUTES] is not None:
            account.put("attributes", old["attributes"] | json.loads(row[ATTRIBUTES]))
        if "name" in account.new:
            account.put("name_key", name_key(account.new["name"]))
        if "email" in account.new:
            account.put("email_key", _email_key(account.new["email"]))
        if not account.new.keys().isdisjoint(("phone", "phone2", "country")):
            region = phone_region(account.value("country"))
            account.put("phone_key", phone_number(account.value("phone"), region))
            account.put("phone2_key", phone_number(account.value("phone2"), region))
        return account

    def _contact(self, row: Row, contact: Changed) -> None:
        for name in self.contact_fields:
            value = row[f"contact_{name}"]
            if value is not None:
                contact.put(name, value)
            elif name in CONTACT_CLEARED and self.clears(f"contact_{name}"):
                contact.put(name, None)
        first, last = row["contact_first_name"], row["contact_last_name"]
        nameless = first is None and last is None  # says nothing about names
        if nameless or (last is None and contact.old["first_name"] is None and first == contact.old["last_name"]):
            contact.new.pop("first_name", None)  # a single name stands as last name


def _find_contact(row: Row, account: Changed, contacts: list[Record]) -> int | None:
    """Return the place of the contact that a row speaks of.

    By its key; else the primary one if the row has its name or none at all; else the only one with this name.
    """
    if not contacts:
        return None
    email = _email_key(row["contact_email"])
    name = name_key(contact_name(row["contact_first_name"], row["contact_last_name"]))
    phone = None if email else phone_number(row["contact_phone"], phone_region(account.value("country")))
    key = contact_key(email, name, phone)
    for place, contact in enumerate(contacts):
        if contact["contact_key"] == key:
            return place
    if contacts[0]["is_primary"] and name in ("", contacts[0]["name_key"]):
        return 0
    alike = [place for place, contact in enumerate(contacts) if contact["name_key"] == name]
    return alike[0] if len(alike) == 1 else None


def _new_contact(row: Row, account: Changed, contacts: list[Record]) -> Record:
    contact = {name: row[f"contact_{name}"] for name in CONTACT_CHANGES}
    if contact["last_name"] is None:
        contact["last_name"], contact["first_name"] = contact["first_name"], None
    if contact["last_name"] is None and account.value("kind") == "person":
        contact["last_name"] = account.value("name")
    if contact["last_name"] is None:
        raise RowRefused("contact_last_name", "contact_name_required", "A new contact needs a first or last name.")
    contact["account_id"] = account.old["id"]
    contact["is_primary"] = not any(other["is_primary"] for other in contacts)
    contact.update(_keys(contact, account.value("country")))
    return contact


def _key_contacts(merged: Merged) -> None:
    """Give contacts their keys where they may change; raise RowRefused where two become the same."""
    country = merged.account.value("country")
    others = merged.contacts if "country" in merged.account.new else [one for one in merged.contacts if one.new]
    for contact in others:
        for name, key in _keys({name: contact.value(name) for name in CONTACT_CHANGES}, country).items():
            contact.put(name, key)
    if not others and merged.new_contact is None:
        return
    new = [merged.new_contact] if merged.new_contact else []
    seen: set[str] = set()
    for key, record in [(one.value("contact_key"), one.old) for one in merged.contacts] + [
        (one["contact_key"], one) for one in new
    ]:
        if key in seen:
            name = contact_name(record["first_name"], record["last_name"])
            raise RowRefused("contact_last_name", "duplicate_contact", f"It would make {name} a contact twice.")
        seen.add(key)


def _keys(contact: Record, country: str | None) -> Record:
    region = phone_region(country)
    name = name_key(contact_name(contact["first_name"], contact["last_name"]))
    email = _email_key(contact["email"])
    phone = phone_number(contact["phone"], region)
    return {
        "name_key": name,
        "email_key": email,
        "phone_key": phone,
        "phone2_key": phone_number(contact["phone2"], region),
        "contact_key": contact_key(email, name, phone),
    }


def _email_key(email: str | None) -> str | None:
    return email_key(email) if email else None


def _search(merged: Merged) -> str:
    names = ("is_primary", "name_key", "first_name", "last_name", "email_key", "phone_key", "phone2_key")
    contacts = [{name: one.value(name) for name in names} for one in merged.contacts]
    contacts += [merged.new_contact] if merged.new_contact else []
    contacts.sort(key=lambda contact: (not contact["is_primary"], contact["name_key"]))
    account = merged.account
    return search_text(
        name=account.value("name"),
        code_key=account.old["code_key"],
        city=account.value("city"),
        email_key=account.value("email_key"),
        phone_keys=(account.value("phone_key"), account.value("phone2_key")),
        contacts=[
            SearchedContact(
                one["first_name"], one["last_name"], one["email_key"], (one["phone_key"], one["phone2_key"])
            )
            for one in contacts
        ],
    )
