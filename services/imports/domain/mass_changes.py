"""Changing the associates of many customers (A8): a job whose rows are the customers of a snapshot.

Customers keeps the snapshot, associates applies its chunks; what a person sees of an import they see of this too.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.imports.domain.jobs import Viewer, start_job, uploaded_before
from services.imports.domain.leases import Lease, hold_lease
from services.imports.domain.mapping import Mapping as ColumnMapping
from services.imports.domain.uploads import folder_of, room_for_it
from services.imports.errors import NobodySelected
from services.imports.models import Job
from shared.db import uuid7
from shared.storage import Storage

KIND = "mass_change"
COLUMNS = ("account_id", "code", "name")
VERBS = {"add": "Add", "remove": "Remove", "replace": "Replace by"}
SHORT = 10_000  # customers; more go to the queue of long files
MOST_LINKS = 10_000  # that a chunk begins, so that the event that tells them stays small
LONGEST_NAME = 200


@dataclass(frozen=True)
class Wish:
    """What a person wants done with the customers of a snapshot; `role` is None for all roles."""

    snapshot_id: uuid.UUID
    action: str
    associate_ids: Sequence[uuid.UUID]
    role: str | None
    include_inactive: bool = False


class Peers(Protocol):
    """The services that a mass change is about. All calls raise ServiceUnavailable while one is away."""

    def snapshot(self, snapshot_id: uuid.UUID) -> Mapping[str, Any]:
        """Return how many customers a snapshot has, and of which selection; raise NotFound."""

    def associates(self, action: str, ids: Sequence[uuid.UUID]) -> list[dict[str, str]]:
        """Return id and name of each associate; raise NotFound, CallRefused where one cannot be given work."""

    def customers(self, snapshot_id: uuid.UUID, *, inactive: bool) -> AbstractContextManager[Iterator[bytes]]:
        """Give the customers of a snapshot as CSV."""


def start_mass_change(
    session: Session,
    viewer: Viewer,
    wish: Wish,
    snapshot: Mapping[str, Any],
    associates: Sequence[Mapping[str, str]],
    key: str | None = None,
) -> Job:
    """Start the job of a mass change; the same `key` gives the same job again. Raises NobodySelected."""
    if key and (known := uploaded_before(session, viewer, key, None)):
        return known
    count = snapshot["active"] + (snapshot["inactive"] if wish.include_inactive else 0)
    if not count:
        raise NobodySelected
    job_id = uuid7()
    job = Job(
        id=job_id,
        kind=KIND,
        file_name=_name(wish, associates),
        file_path=f"{folder_of(job_id)}/source",
        file_size=0,
        file_digest=b"",
        upload_key=key,
        encoding="utf-8",
        delimiter=",",
        header=list(COLUMNS),
        mapping=ColumnMapping(columns={name: name for name in COLUMNS}).to_json(),
        match="account",
        state="mapped",
        queue="short" if count <= SHORT else "long",
        chunk_rows=max(100, min(MOST_LINKS // len(associates), count // 20)),
        change={
            "snapshot_id": str(wish.snapshot_id),
            "selection_id": snapshot["selection_id"],
            "customers": count,
            "include_inactive": wish.include_inactive,
            "action": wish.action,
            "associates": [dict(one) for one in associates],
            "associate_ids": [one["id"] for one in associates],
            "role": wish.role,
        },
        created_by=viewer.user_id,
        created_by_name=viewer.name,
    )
    session.add(job)
    session.flush()
    return start_job(session, viewer, job_id)


def fetch_customers(session: Session, held: Lease, storage: Storage, peers: Peers) -> int:
    """Store the customers of a mass change as the file of its job, and return its size. Raises NotFound."""
    change = held.job.change or {}
    size = 0
    snapshot_id, inactive = uuid.UUID(change["snapshot_id"]), bool(change["include_inactive"])
    with (
        room_for_it(),
        storage.writing(held.job.file_path) as file,
        peers.customers(snapshot_id, inactive=inactive) as pieces,
    ):
        for piece in pieces:
            file.write(piece)
            size += len(piece)
    hold_lease(session, held)
    session.execute(update(Job).where(Job.id == held.job.id).values(file_size=size))
    return size


def _name(wish: Wish, associates: Sequence[Mapping[str, str]]) -> str:
    names = ", ".join(one["name"] for one in associates)
    role = (wish.role or "all roles").replace("_", " ").capitalize()
    ending = f" · {role}"
    name = f"{VERBS[wish.action]} {names}"
    return name[: LONGEST_NAME - len(ending)] + ending
