"""What can be imported here: each kind with its target, its rule book, and how a chunk of it is applied or checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from services.customers.bulk import contact_target
from services.customers.bulk.chunk import Attempt, Chunk
from services.customers.bulk.contact_chunk import ContactsChunk, ContactsDryRun
from services.customers.bulk.dry_run import DryRun, Look
from services.customers.bulk.job import check_kind
from services.customers.bulk.rows import CONTACT_ROW, CUSTOMER_ROW
from services.customers.bulk.target import LABELS, customers_target
from services.customers.bulk.vendor_target import vendors_target


@dataclass(frozen=True)
class Kind:
    """One kind of rows."""

    target: Callable[[], dict[str, Any]]
    schema: ma.Schema
    labels: Mapping[str, str]
    attempt: type[Attempt]
    look: type[Look]


_KINDS = {
    "customers": Kind(customers_target, CUSTOMER_ROW, LABELS, Chunk, DryRun),
    "vendors": Kind(vendors_target, CUSTOMER_ROW, LABELS, Chunk, DryRun),
    "contacts": Kind(contact_target.contacts_target, CONTACT_ROW, contact_target.LABELS, ContactsChunk, ContactsDryRun),
}


def kind_of(name: str) -> Kind:
    """Return a kind; raise UnknownKind."""
    check_kind(name)
    return _KINDS[name]
