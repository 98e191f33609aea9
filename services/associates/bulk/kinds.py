"""What can be imported here: each kind with its target, its rule book, and how a chunk is applied and taken back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
import polars as pl
from sqlalchemy.orm import Session

from services.associates.bulk import assignment_target, associate_target
from services.associates.bulk.assignment_chunk import apply_assignments, check_assignments
from services.associates.bulk.associate_chunk import apply_associates, check_associates
from services.associates.bulk.associate_undo import undo_associates
from services.associates.bulk.job import UndoJob as UndoLinks
from services.associates.bulk.rows import ASSIGNMENT_ROW, ASSOCIATE_ROW
from services.associates.bulk.undo import Names, undo_links
from services.associates.domain.links import AccountFacts
from shared.bulk import ChunkResult, UndoResult
from shared.history import Actor
from shared.importing.job import ImportJob, UndoJob, check_kind
from shared.importing.rows import CheckedRows, check_rows
from shared.keys import code_keys

Accounts = Callable[[Sequence[str]], Mapping[str, AccountFacts]]


@dataclass(frozen=True)
class Chunk:
    """A chunk that was read: its rows, and what customers says of those that they name.

    `accounts` are by the key of their code; `spoiled` are the keys of those of whom a row could not be read.
    """

    no: int
    checked: CheckedRows
    accounts: Mapping[str, AccountFacts] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Kind:
    """One kind of rows. `accounts_in` is the column that names customers, if one does."""

    target: Callable[[], dict[str, Any]]
    keys: Sequence[str]
    schema: ma.Schema
    labels: Mapping[str, str]
    apply: Callable[[Session, ImportJob, Chunk], ChunkResult]
    check: Callable[[Session, ImportJob, Chunk], dict[str, Any]]
    undo: Callable[[Session, UndoJob, bytes, Names], UndoResult]
    accounts_in: str = ""

    def read(self, no: int, frame: pl.DataFrame, accounts: Accounts) -> Chunk:
        """Hold the rows of a chunk against the rule book, and ask who their customers are; before any lock."""
        checked = check_rows(frame, self.schema, self.labels)
        if not self.accounts_in:
            return Chunk(no, checked)
        refused = [refusal.row for refusal in checked.refusals]
        codes = frame[self.accounts_in] if self.accounts_in in frame.columns else pl.Series(dtype=pl.String)
        keys = code_keys(codes.cast(pl.String))
        spoiled = set(keys.filter(frame["_row"].is_in(refused)).drop_nulls()) if len(keys) else set()
        return Chunk(no, checked, accounts(keys.drop_nulls().unique().sort().to_list()), spoiled)


def _undo_links(session: Session, job: UndoJob, created_ids: bytes, names: Names) -> UndoResult:
    return undo_links(session, UndoLinks(job.id, job.chunk_no, Actor(job.actor_id, job.actor_name)), created_ids, names)


_KINDS = {
    associate_target.KIND: Kind(
        target=associate_target.associates_target,
        keys=associate_target.KEYS,
        schema=ASSOCIATE_ROW,
        labels=associate_target.LABELS,
        apply=lambda session, job, chunk: apply_associates(session, job, chunk.checked),
        check=lambda session, job, chunk: check_associates(session, job, chunk.checked),
        undo=lambda session, job, ids, _: undo_associates(session, job, ids),
    ),
    assignment_target.KIND: Kind(
        target=assignment_target.assignments_target,
        keys=assignment_target.KEYS,
        schema=ASSIGNMENT_ROW,
        labels=assignment_target.LABELS,
        apply=lambda session, job, chunk: apply_assignments(session, job, chunk.checked, chunk.accounts, chunk.spoiled),
        check=lambda session, job, chunk: check_assignments(session, job, chunk.checked, chunk.accounts, chunk.spoiled),
        undo=_undo_links,
        accounts_in="customer_code",
    ),
}
KEYS = {name: kind.keys for name, kind in _KINDS.items()}


def kind_of(name: str) -> Kind:
    """Return a kind; raise UnknownKind."""
    check_kind(name, _KINDS)
    return _KINDS[name]
