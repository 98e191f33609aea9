"""What others changed since an export was made, so that its import does not overwrite it unseen.

Each row of an export tells the versions that it shows (`_liaison`): `v3` of the account, `c2` of the contact, `s4-` and
the end of its id of the second contact.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.customers.bulk.known import Known
from services.customers.bulk.merge import Merged
from services.customers.bulk.rows import FIRST, SECOND
from shared.bulk import SEEN, Refusal
from shared.importing.job import ImportJob
from shared.importing.tables import Cursor

CODE = "changed_since_export"
MOST_NAMED = 3
_VERSIONS = re.compile(r"(?:v(\d{1,9}))?(?:c(\d{1,9}))?(?:s(\d{1,9})-([0-9a-f]{8}))?")
_EDITS = """
    SELECT coalesce(contact_id, account_id)::text, version, actor_name, at, fields FROM change
    WHERE account_id = ANY(%s::uuid[]) AND job_id IS DISTINCT FROM %s AND fields IS NOT NULL ORDER BY id
"""


@dataclass(frozen=True)
class Seen:
    """The versions that a row shows; None where it does not tell. `second_id` is the end of the second contact's id."""

    account: int | None = None
    contact: int | None = None
    second: int | None = None
    second_id: str = ""

    def shows_second(self, contact: Mapping[str, Any]) -> bool:
        """Tell whether this is the contact that the row showed as the second one."""
        return bool(self.second_id) and str(contact["id"]).endswith(self.second_id)


@dataclass(frozen=True)
class Edit:
    """A change that somebody made."""

    version: int
    who: str
    at: datetime
    fields: frozenset[str]


Edits = Mapping[str, list[Edit]]


def seen_by(row: Mapping[str, Any]) -> Seen:
    """Return the versions that a row shows; none for a row that was added to the export, or of another file."""
    found = _VERSIONS.fullmatch((row.get(SEEN) or "").strip())
    if not found:
        return Seen()
    account, contact, second = (int(number) if number else None for number in found.groups()[:3])
    return Seen(account, contact, second, found[4] or "")


def edits_of(cursor: Cursor, job: ImportJob, account_ids: Iterable[str]) -> Edits:
    """Return who changed these accounts and their contacts, by id of the record, but for what the job itself did."""
    edits: dict[str, list[Edit]] = {}
    if ids := list(account_ids):
        for record, version, who, at, fields in cursor.execute(_EDITS, [ids, job.id]):
            edits.setdefault(record, []).append(Edit(version, who, at, frozenset(fields)))
    return edits


def is_behind(row: Mapping[str, Any], known: Known) -> bool:
    """Tell whether a row shows an older version of its account, of the primary contact or of the second one."""
    seen = seen_by(row)
    return _is_older(seen.account, known.account) or any(
        (one["is_primary"] and _is_older(seen.contact, one)) or (seen.shows_second(one) and _is_older(seen.second, one))
        for one in known.contacts
    )


def overwritten(row: Mapping[str, Any], merged: Merged, edits: Edits) -> list[tuple[str, Edit]]:
    """Return what a row would overwrite of that which others changed since: the field, and who changed it."""
    seen = seen_by(row)
    found = []
    if seen.account is not None:
        found += newer_of(edits, merged.account.old["id"], seen.account, merged.account.new)
    for contact in merged.contacts:
        shown_second = seen.shows_second(contact.old)
        prefix = SECOND if shown_second or contact is merged.second else FIRST
        version = seen.second if shown_second else seen.contact if prefix == FIRST else None
        if version is None:
            continue
        # One whose name or address was changed is not found any more: the row would add it a second time.
        lost = merged.new_contacts.get(prefix) if shown_second or contact.old["is_primary"] else None
        touched = {*contact.new, *(name for name, value in (lost or {}).items() if value is not None)}
        newer = newer_of(edits, contact.old["id"], version, touched)
        found += [(f"{prefix}{name}", edit) for name, edit in newer]
    return found


def newer_of(edits: Edits, record: str, version: int, names: Iterable[str]) -> list[tuple[str, Edit]]:
    """Return the last edit behind `version` of each of these fields of a record."""
    latest = {name: one for one in edits.get(record, ()) if one.version > version for name in one.fields}
    return [(name, latest[name]) for name in names if name in latest]


def refusal(row: Mapping[str, Any], found: list[tuple[str, Edit]], labels: Mapping[str, str]) -> Refusal:
    """Return the refusal of a row that would overwrite what others changed since."""
    names = list(dict.fromkeys(_label(name, labels) for name, _ in found))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    last = max((edit for _, edit in found), key=lambda edit: edit.at)
    told = (
        f"{last.who} changed {', '.join(names[:MOST_NAMED])}{more} after this export, on {last.at:%Y-%m-%d %H:%M} UTC."
    )
    return Refusal(row["_row"], row["_line"], None, CODE, told)


def _label(name: str, labels: Mapping[str, str]) -> str:
    return labels.get("roles" if name in ("is_customer", "is_vendor") else name, name.capitalize())


def _is_older(seen: int | None, record: Mapping[str, Any]) -> bool:
    return seen is not None and record["version"] > seen
