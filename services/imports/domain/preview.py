"""The first rows of a file as their owner would store them (I5).

They are read, mapped and sent to the owner as its first chunk would be, to be looked at and no more.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

import polars as pl

from services.imports.domain.chunks import Claim, about_rows
from services.imports.domain.file_reader import mapped_rows, records_of
from services.imports.domain.jobs import Options
from services.imports.domain.mapping import Mapping as ColumnMapping
from services.imports.domain.owners import Owner
from services.imports.domain.reading import ROW, Batch
from services.imports.domain.sniffing import HEAD
from services.imports.domain.staging import MappedRows, chunk_file, stage_rows
from services.imports.domain.target import Target
from services.imports.models import Job
from shared.bulk import Refusal
from shared.forecast import cells_of
from shared.observe import request_id

MOST_ROWS = 100
BLOCK = 1 << 16  # bytes that are read at once: a hundred rows are rarely more
SECONDS = 2.0
NO_CHUNK = 0

Values = Mapping[str, str | None]


@dataclass(frozen=True)
class PreviewRow:
    """A row of the file with what its fields would hold, kept columns as KEPT and their name.

    `outcome` is created, updated, unchanged, skipped or failed; None where its owner was not asked. `old` has what
    fields hold that would change, `refusal` why a row is refused.
    """

    row: int
    line: int
    values: Values
    outcome: str | None = None
    old: Values = field(default_factory=dict)
    refusal: Refusal | None = None


def read_first_rows(job: Job, file: BinaryIO, mapping: ColumnMapping, target: Target) -> MappedRows:
    """Return the first rows of a job's file as the mapping makes them; none where the first megabyte holds none."""
    head = file.read(HEAD)
    records = records_of(job, io.BytesIO(head), BLOCK)
    batches, last = [], MOST_ROWS
    for batch in records:
        batches.append(batch)
        if records.rows >= MOST_ROWS:
            break
    else:
        if len(head) < job.file_size:  # the last one may go on behind it
            last = records.rows - 1
    if not batches:
        return MappedRows(pl.DataFrame(schema={"_row": pl.UInt32, "_line": pl.UInt32}), [], records.bytes_read)
    frame = pl.concat([batch.frame for batch in batches]).filter(pl.col(ROW) <= last)
    faults = [fault for batch in batches for fault in batch.faults if fault.row <= last]
    return mapped_rows(Batch(frame, faults), mapping, job.header, target, records.bytes_read)


def plain_rows(first: MappedRows) -> list[PreviewRow]:
    """Return rows as they are mapped; of what their owner would say, only those that cannot be read are known."""
    return _in_order([*_mapped(first), *_refused(first.refusals, {})])


def checked_rows(
    first: MappedRows, job: Job, mapping: ColumnMapping, options: Options, target: Target, owner: Owner
) -> list[PreviewRow]:
    """Return rows as their owner would store them; raise ServiceUnavailable where it does not answer soon.

    The mapping and the options were checked before.
    """
    chunk, refusals = _without_repeated(first, options, target)
    answer: dict[str, Any] = {"rows": [], "refusals": []}
    if chunk.height:
        body = chunk_file(chunk)
        answer = owner.check(_claim(job, mapping, options, body, chunk.height), body, seconds=SECONDS)
    mapped = {one.row: one for one in _mapped(first)}
    told = [
        PreviewRow(
            row=one["row"],
            line=mapped[one["row"]].line,
            values={**mapped[one["row"]].values, **one["values"]},
            outcome=one["outcome"],
            old=one["old"],
        )
        for one in answer["rows"]
    ]
    refusals = [*refusals, *(Refusal(**one) for one in answer["refusals"])]
    return _in_order([*told, *_refused(refusals, {row: one.values for row, one in mapped.items()})])


def _without_repeated(first: MappedRows, options: Options, target: Target) -> tuple[pl.DataFrame, list[Refusal]]:
    """Return the rows that would come to their owner, and the refusals of the others."""
    key = target.key(options.match)
    assert key is not None  # the mapping was checked against the target
    if options.repeated == "fold" or key.together:
        return first.frame, first.refusals
    stages = list(stage_rows([first], key, MOST_ROWS + 1))
    frames = [stage.frame for stage in stages if stage.frame is not None]
    refusals = [refusal for stage in stages for refusal in stage.refusals]
    return frames[0] if frames else first.frame.clear(), refusals


def _claim(job: Job, mapping: ColumnMapping, options: Options, body: bytes, rows: int) -> Claim:
    chosen = {**asdict(options), "blanks": mapping.blank_fields(job.header), "every_row": True}
    checksum = hashlib.sha256(body).hexdigest()
    about = {**about_rows(job), **chosen}
    return Claim(job.id, NO_CHUNK, None, rows, "", checksum, job.kind, about, request_id(), checks=True)


def _mapped(first: MappedRows) -> Iterator[PreviewRow]:
    for row in first.frame.iter_rows(named=True):
        yield PreviewRow(row["_row"], row["_line"], cells_of(row))


def _refused(refusals: list[Refusal], values: Mapping[int, Values]) -> list[PreviewRow]:
    return [
        PreviewRow(one.row, one.line, values.get(one.row, {}), outcome="failed", refusal=one)
        for one in {one.row: one for one in reversed(refusals)}.values()
    ]


def _in_order(rows: list[PreviewRow]) -> list[PreviewRow]:
    return sorted(rows, key=lambda one: one.row)
