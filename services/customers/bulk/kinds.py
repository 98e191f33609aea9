"""What can be imported here: each kind with its target, its rule book, and how a chunk of it is applied or checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
import polars as pl

from services.customers.bulk import contact_target
from services.customers.bulk.chunk import Attempt, Chunk
from services.customers.bulk.contact_chunk import ContactsChunk, ContactsDryRun
from services.customers.bulk.dry_run import DryRun, Look
from services.customers.bulk.rows import ASSOCIATE_FIELDS, CONTACT_ROW, CUSTOMER_ROW, LOADERS, SECOND_FIELDS
from services.customers.bulk.target import LABELS, customers_target
from services.customers.bulk.vendor_target import vendors_target
from shared.importing.job import check_kind
from shared.importing.rows import CheckedRows, check_rows


@dataclass(frozen=True)
class Kind:
    """One kind of rows."""

    target: Callable[[], dict[str, Any]]
    schema: ma.Schema
    labels: Mapping[str, str]
    attempt: type[Attempt]
    look: type[Look]
    keys: tuple[str, ...] = ("code", "email")

    def check(self, frame: pl.DataFrame) -> CheckedRows:
        """Hold the rows of a chunk against the rule book."""
        return check_rows(frame, self.schema, self.labels, LOADERS, (SECOND_FIELDS, ASSOCIATE_FIELDS))


_KINDS = {
    "customers": Kind(customers_target, CUSTOMER_ROW, LABELS, Chunk, DryRun),
    "vendors": Kind(vendors_target, CUSTOMER_ROW, LABELS, Chunk, DryRun),
    "contacts": Kind(
        contact_target.contacts_target,
        CONTACT_ROW,
        contact_target.LABELS,
        ContactsChunk,
        ContactsDryRun,
        keys=("contact",),
    ),
}
KEYS = {name: kind.keys for name, kind in _KINDS.items()}


def kind_of(name: str) -> Kind:
    """Return a kind; raise UnknownKind."""
    check_kind(name, _KINDS)
    return _KINDS[name]
