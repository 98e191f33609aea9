"""Chunks of associates and of assignments as the imports service sends them."""

import hashlib
import io
import json
import uuid
from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy import select, text

from services.associates.bulk import receipts
from services.associates.bulk.kinds import KEYS, Chunk, kind_of
from services.associates.domain.links import AccountFacts
from services.associates.models import Associate, Base, Link
from shared.bulk import COUNTS, UNDO_COUNTS
from shared.db import read_only, unit_of_work
from shared.importing.job import ImportJob, UndoJob
from tests.associates.conftest import ADA

Row = Mapping[str, str | None]
Accounts = Mapping[str, AccountFacts]


def job(kind: str = "associates", **choices: Any) -> ImportJob:
    """Return an import of Ada's: mode both, the kind's first key, blank keep, unless told otherwise."""
    told = {"mode": "both", "match": KEYS[kind][0], "blank": "keep", "file_name": "them.csv", **choices}
    return ImportJob(id=told.pop("id", None) or uuid.uuid4(), kind=kind, actor_id=ADA.id, actor_name=ADA.name, **told)


def frame(*rows: Row) -> pl.DataFrame:
    """Return rows as a chunk; every column that any row names is mapped."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    places = {"_row": range(1, len(rows) + 1), "_line": range(2, len(rows) + 2)}
    schema = {"_row": pl.UInt32, "_line": pl.UInt32, **dict.fromkeys(names, pl.String)}
    return pl.DataFrame({**places, **{name: [row.get(name) for row in rows] for name in names}}, schema=schema)


def read(kind: str, rows: tuple[Row, ...], accounts: Accounts | None = None) -> Chunk:
    """Return rows as their owner reads them; customers knows `accounts`, by code."""
    by_key = {code.casefold(): one for code, one in (accounts or {}).items()}
    return kind_of(kind).read(1, frame(*rows), lambda codes: {code: by_key[code] for code in codes if code in by_key})


def apply(
    *rows: Row, kind: str = "associates", accounts: Accounts | None = None, chunk_no: int = 1, **choices: Any
) -> dict[str, Any]:
    """Apply rows as a chunk of a job; return the answer."""
    told, chunk = job(kind, **choices), read(kind, rows, accounts)
    with unit_of_work() as session:
        return receipts.apply_chunk(
            session, told.id, chunk_no, "sum", lambda inner: kind_of(kind).apply(inner, told, chunk)
        )


def check(*rows: Row, kind: str = "associates", accounts: Accounts | None = None, **choices: Any) -> dict[str, Any]:
    """Check rows as a chunk of a job; return the answer."""
    told, chunk = job(kind, **choices), read(kind, rows, accounts)
    with unit_of_work() as session:
        return kind_of(kind).check(session, told, chunk)


def undo(job_id: uuid.UUID, kind: str = "associates") -> dict[str, Any]:
    """Take the first chunk of a job back; return the answer."""
    told = UndoJob(job_id, 1, kind, ADA.id, ADA.name)
    with unit_of_work() as session:
        return receipts.undo_chunk(
            session,
            job_id,
            1,
            lambda inner, ids: kind_of(kind).undo(inner, told, ids, lambda known: dict.fromkeys(known, "Cobalt")),
        )


def counts(answer: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of an answer that are not nothing."""
    return {name: answer[name] for name in COUNTS if answer[name]}


def undone(answer: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of an undo's answer that are not nothing."""
    return {name: answer[name] for name in UNDO_COUNTS if answer[name]}


def refused(answer: Mapping[str, Any]) -> list[tuple[int, str | None, str]]:
    """Return row, column and code of each refusal."""
    refusals = [one if isinstance(one, dict) else vars(one) for one in answer["refusals"]]
    return [(one["row"], one["column"], one["code"]) for one in refusals]


def named(code: str) -> Associate:
    """Return the associate with this code."""
    with read_only() as session:
        return session.scalars(select(Associate).where(Associate.code == code)).one()


def standing() -> set[tuple[uuid.UUID, uuid.UUID, str, bool]]:
    """Return the links that go on: account, associate, role, primary."""
    with read_only() as session:
        rows = session.scalars(select(Link).where(Link.ended_at.is_(None)))
        return {(row.account_id, row.associate_id, row.role, row.is_primary) for row in rows}


def rows_of_tables() -> list[Any]:
    """Return how many rows each table has, and the numbers given out."""
    with read_only() as session:
        sizes = [session.scalar(text(f'SELECT count(*) FROM "{table}"')) for table in Base.metadata.tables]
        number = session.execute(text("SELECT last_value, is_called FROM code_sequence")).one()
        return [sizes, tuple(number)]


def body_of(rows: pl.DataFrame) -> tuple[bytes, str]:
    """Return a chunk as Arrow file, and its checksum."""
    file = io.BytesIO()
    rows.write_ipc(file)
    return file.getvalue(), hashlib.sha256(file.getvalue()).hexdigest()


def headers_of(told: ImportJob, checksum: str) -> dict[str, str]:
    """Return the headers of a chunk."""
    names = ("kind", "mode", "match", "blank", "actor_name", "file_name")
    about = {name: getattr(told, name) for name in names} | {"actor_id": str(told.actor_id)}
    return {"Liaison-Checksum": checksum, "Liaison-Job": json.dumps(about)}
