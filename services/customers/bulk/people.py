"""The contacts of one account while the rows of a chunk are applied to them, one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.customers.bulk.known import Known, Record
from services.customers.bulk.merge import CONTACT_CHANGES, CONTACT_CLEARED, Changed
from services.customers.domain.keeping import phone_number
from services.customers.domain.natural_keys import contact_key
from services.customers.domain.records import contact_name
from services.customers.domain.search_text import SearchedContact, search_text
from shared.countries import phone_region
from shared.importing.job import ImportJob
from shared.importing.refused import RowRefused
from shared.keys import email_key, name_key


@dataclass(eq=False)
class Person:
    """A contact as it will be; `old` is None for one that is new, `line` is that of the last row that spoke of it."""

    record: Record
    old: Record | None = None
    line: int | None = None

    @property
    def changed(self) -> Changed | None:
        """What will be other than it was; None for one that is new or stays as it was."""
        if self.old is None:
            return None
        new = {name: value for name, value in self.record.items() if value != self.old[name]}
        return Changed(self.old, new) if new else None


@dataclass
class People:
    """The contacts of an account, by their key and by their name."""

    account: Record
    people: list[Person] = field(default_factory=list)
    by_key: dict[str, Person] = field(default_factory=dict)
    by_name: dict[str, list[Person]] = field(default_factory=dict)
    has_primary: bool = False

    @classmethod
    def of(cls, known: Known) -> "People":
        """Return those that are there."""
        found = cls(known.account)
        for contact in known.contacts:
            found._add(Person(dict(contact), contact))
        return found

    def find(self, row: Mapping[str, Any]) -> Person | None:
        """Return whom a row speaks of: by the natural key, else the only one of the name that nothing speaks against.

        Raises RowRefused where several fit.
        """
        keys = self._keys(row)
        if found := self.by_key.get(keys["contact_key"]):
            return found
        alike = [one for one in self.by_name.get(keys["name_key"], []) if _may_be(keys, one.record)]
        if keys["name_key"] and len(alike) > 1:
            told = f"Fits {len(alike)} contacts of {self.account['code']}. Give the e-mail or the phone."
            raise RowRefused("last_name", "ambiguous_match", told)
        return alike[0] if keys["name_key"] and alike else None

    def add(self, row: Mapping[str, Any]) -> Person:
        """Add the contact of a row; raise RowRefused for one without any name."""
        record = {name: row[name] for name in CONTACT_CHANGES}
        if record["last_name"] is None:  # a single name stands as last name
            record["last_name"], record["first_name"] = record["first_name"], None
        if record["last_name"] is None:
            raise RowRefused("last_name", "contact_name_required", "A new contact needs a first or last name.")
        record["account_id"] = self.account["id"]
        record["is_primary"] = not self.has_primary
        person = Person(record | self._keys(record))
        self._add(person)
        return person

    def change(self, person: Person, row: Mapping[str, Any], job: ImportJob, mapped: frozenset[str]) -> set[str]:
        """Apply a row to a contact; return the fields that changed. Raises RowRefused where two would be the same."""
        record = dict(person.record)
        for name in CONTACT_CHANGES:
            if row[name] is not None:
                record[name] = row[name]
            elif name in mapped and name in CONTACT_CLEARED and job.clears(name):
                record[name] = None
        first, last, old = row["first_name"], row["last_name"], person.record
        if last is None and (first is None or (old["first_name"] is None and first == old["last_name"])):
            record["first_name"] = old["first_name"]
        record |= self._keys(record)
        twin = self.by_key.get(record["contact_key"])
        if twin is not None and twin is not person:
            name = contact_name(record["first_name"], record["last_name"])
            raise RowRefused("last_name", "duplicate_contact", f"It would make {name} a contact twice.")
        changed = {name for name in CONTACT_CHANGES if record[name] != old[name]}
        self._drop(person)
        person.record = record
        self._put(person)
        return changed

    def put_back(self, person: Person, record: Record) -> None:
        """Let a contact be again what it was."""
        self._drop(person)
        person.record = record
        self._put(person)

    def search(self) -> str:
        """Return the words by which the account is found."""
        shown = sorted((one.record for one in self.people), key=lambda one: (not one["is_primary"], one["name_key"]))
        account = self.account
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
                for one in shown
            ],
        )

    def _add(self, person: Person) -> None:
        self.people.append(person)
        self.has_primary = self.has_primary or person.record["is_primary"]
        self._put(person)

    def _put(self, person: Person) -> None:
        self.by_key[person.record["contact_key"]] = person
        self.by_name.setdefault(person.record["name_key"], []).append(person)

    def _drop(self, person: Person) -> None:
        del self.by_key[person.record["contact_key"]]
        self.by_name[person.record["name_key"]].remove(person)

    def _keys(self, row: Mapping[str, Any]) -> Record:
        region = phone_region(self.account["country"])
        name = name_key(contact_name(row["first_name"], row["last_name"]))
        email = email_key(row["email"]) if row["email"] else None
        phone = phone_number(row["phone"], region)
        return {
            "name_key": name,
            "email_key": email,
            "phone_key": phone,
            "phone2_key": phone_number(row["phone2"], region),
            "contact_key": contact_key(email, name, phone),
        }


def _may_be(keys: Record, record: Record) -> bool:
    """Tell whether neither e-mail nor phone says that these are two people of one name."""
    return all(
        keys[name] is None or record[name] is None or keys[name] == record[name] for name in ("email_key", "phone_key")
    )
