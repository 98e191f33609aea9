"""What becomes of an account that is there, and of its contacts, when a row speaks of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.customers.bulk.known import Known, Record
from services.customers.bulk.rows import CONTACT_FIELDS, FIRST, SECOND, SECOND_FIELDS, has_second
from services.customers.domain.keeping import phone_number
from services.customers.domain.natural_keys import contact_key
from services.customers.domain.records import contact_name
from services.customers.domain.search_text import SearchedContact, search_text
from shared.countries import phone_region
from shared.importing.job import ImportJob
from shared.importing.refused import RowRefused
from shared.importing.rows import ATTRIBUTES
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
OF_CONTACT = {FIRST: CONTACT_FIELDS, SECOND: SECOND_FIELDS}
SAME_CONTACT = "The same contact as the other one of this row."
KEYED_CONTACT = frozenset({"first_name", "last_name", "email", "phone", "phone2"})


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
    """What a row, at its place in the file, makes of an account and its contacts; only what changes is in `new`.

    `new_contacts` are those that come to the account, by what their columns begin with; `second` is the known contact
    that the columns of a second one speak of.
    """

    row: int
    line: int
    account: Changed
    contacts: list[Changed]
    new_contacts: dict[str, Record] = field(default_factory=dict)
    second: Changed | None = None

    @property
    def is_change(self) -> bool:
        """Tell whether something changes that people see, not only keys and search words."""
        return (
            bool(self.new_contacts)
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
        self.contact_fields = {
            prefix: [name for name in CONTACT_CHANGES if f"{prefix}{name}" in mapped]
            for prefix in (FIRST, SECOND)[: 1 + has_second(mapped)]
        }

    def merge(self, row: Row, known: Known) -> Merged:
        """Apply a row to its account; raise RowRefused. `known` stays as it is."""
        account = self._account(row, known.account)
        merged = Merged(row["_row"], row["_line"], account, [Changed(contact) for contact in known.contacts])
        spoken = [prefix for prefix in self.contact_fields if any(row[name] is not None for name in OF_CONTACT[prefix])]
        for prefix, place in _find_contacts(row, spoken, account, known.contacts).items():
            if place is None:
                merged.new_contacts[prefix] = _new_contact(row, prefix, merged)
                continue
            self._contact(row, prefix, merged.contacts[place])
            if prefix == SECOND:
                merged.second = merged.contacts[place]
        _key_contacts(merged)
        if (
            merged.new_contacts
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

    def _contact(self, row: Row, prefix: str, contact: Changed) -> None:
        for name in self.contact_fields[prefix]:
            value = row[f"{prefix}{name}"]
            if value is not None:
                contact.put(name, value)
            elif name in CONTACT_CLEARED and self.clears(f"{prefix}{name}"):
                contact.put(name, None)
        first, last = row[f"{prefix}first_name"], row[f"{prefix}last_name"]
        nameless = first is None and last is None  # says nothing about names
        if nameless or (last is None and contact.old["first_name"] is None and first == contact.old["last_name"]):
            contact.new.pop("first_name", None)  # a single name stands as last name


def _find_contacts(row: Row, spoken: Sequence[str], account: Changed, contacts: list[Record]) -> dict[str, int | None]:
    """Return the place of each contact that a row speaks of, by what its columns begin with; None for one that is new.

    Each by its key; else, among those left, the primary one if the row's first contact has its name or none at all;
    else the only one with this name. Raises RowRefused where the row has the same contact twice.
    """
    if len(spoken) < 2 and not contacts:
        return dict.fromkeys(spoken)
    told = {prefix: _told(row, prefix, account) for prefix in spoken}
    if len({key for key, _ in told.values()}) < len(told):
        raise RowRefused(f"{SECOND}last_name", "duplicate_contact", SAME_CONTACT)
    at = {contact["contact_key"]: place for place, contact in enumerate(contacts)}
    places = {prefix: at.get(key) for prefix, (key, _) in told.items()}
    for prefix, (_, name) in told.items():
        if places[prefix] is None:
            free = [place for place in range(len(contacts)) if place not in places.values()]
            places[prefix] = _by_name(name, contacts, free, or_primary=prefix == FIRST)
    return places


def _told(row: Row, prefix: str, account: Changed) -> tuple[str, str]:
    """Return the key of a contact as its row tells it, and its name."""
    email = _email_key(row[f"{prefix}email"])
    name = name_key(contact_name(row[f"{prefix}first_name"], row[f"{prefix}last_name"]))
    phone = None if email else phone_number(row[f"{prefix}phone"], phone_region(account.value("country")))
    return contact_key(email, name, phone), name


def _by_name(name: str, contacts: list[Record], free: list[int], *, or_primary: bool) -> int | None:
    if or_primary and 0 in free and contacts[0]["is_primary"] and name in ("", contacts[0]["name_key"]):
        return 0
    alike = [place for place in free if contacts[place]["name_key"] == name]
    return alike[0] if len(alike) == 1 else None


def _new_contact(row: Row, prefix: str, merged: Merged) -> Record:
    account = merged.account
    contact = {name: row[f"{prefix}{name}"] for name in CONTACT_CHANGES}
    if contact["last_name"] is None:
        contact["last_name"], contact["first_name"] = contact["first_name"], None
    if contact["last_name"] is None and prefix == FIRST and account.value("kind") == "person":
        contact["last_name"] = account.value("name")
    if contact["last_name"] is None:
        told = "A new contact needs a first or last name."
        raise RowRefused(f"{prefix}last_name", "contact_name_required", told)
    others = [*(one.old for one in merged.contacts), *merged.new_contacts.values()]
    contact["account_id"] = account.old["id"]
    contact["is_primary"] = not any(other["is_primary"] for other in others)
    contact.update(_keys(contact, account.value("country")))
    return contact


def _key_contacts(merged: Merged) -> None:
    """Give contacts their keys where they may change; raise RowRefused where two become the same."""
    country = merged.account.value("country")
    others = merged.contacts if "country" in merged.account.new else [one for one in merged.contacts if one.new]
    for contact in others:
        for name, key in _keys({name: contact.value(name) for name in CONTACT_CHANGES}, country).items():
            contact.put(name, key)
    if not others and not merged.new_contacts:
        return
    seen: set[str] = set()
    all_of_them = [
        (SECOND if one is merged.second else FIRST, one.value("contact_key"), one.old) for one in merged.contacts
    ]
    all_of_them += [(prefix, one["contact_key"], one) for prefix, one in merged.new_contacts.items()]
    for prefix, key, record in all_of_them:
        if key in seen:
            name = contact_name(record["first_name"], record["last_name"])
            raise RowRefused(f"{prefix}last_name", "duplicate_contact", f"It would make {name} a contact twice.")
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
    contacts += merged.new_contacts.values()
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
