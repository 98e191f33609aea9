"""Reading the chunk of a file, and holding each of its rows against the rule book of its kind."""

import hashlib
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
import polars as pl

from shared.bulk import KEPT, SEEN, Refusal
from shared.errors import Invalid
from shared.fastcheck import Loader, Messages, load_rows
from shared.importing.cells import TagsCell
from shared.importing.columns import LOADERS
from shared.keys import clean_texts

ATTRIBUTES = "_attributes"
PLACE = ("_row", "_line")


class ChunkUnreadable(Invalid):
    """What came is not the chunk that was sent."""

    code = "chunk_unreadable"


@dataclass
class CheckedRows:
    """Rows that hold the rule book, and the refusals of the others. `mapped` names the columns the file gave.

    `rows` has every field as a column, null where it was not mapped or blank; rows of an export have SEEN, too.
    """

    rows: pl.DataFrame
    mapped: frozenset[str]
    refusals: list[Refusal]


def read_chunk(body: bytes, checksum: str) -> pl.DataFrame:
    """Return the rows of an Arrow file; raise ChunkUnreadable. Comes before any lock."""
    if hashlib.sha256(body).hexdigest() != checksum:
        raise ChunkUnreadable("The chunk does not fit its checksum.")
    try:
        return pl.read_ipc(io.BytesIO(body))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ChunkUnreadable(f"The chunk is no Arrow file: {error}") from error


def check_rows(
    frame: pl.DataFrame,
    schema: ma.Schema,
    labels: Mapping[str, str],
    loaders: Mapping[type, Loader] = LOADERS,
    left_out: Sequence[Collection[str]] = (),
) -> CheckedRows:
    """Clean the cells of a chunk and hold each row against the rule book of its kind.

    The fields of a group that is `left_out` get no columns where the file gives none of them.
    """
    mapped = [name for name in frame.columns if name in schema.fields]
    cells = frame.select(
        *(pl.col(name).cast(pl.UInt32) for name in PLACE),
        *(pl.col(name).cast(pl.String) for name in (SEEN,) if name in frame.columns),
        *(clean_texts(frame[name].cast(pl.String)).alias(name) for name in mapped),
    )
    loaded = load_rows(schema, cells, loaders)
    absent = {name for group in left_out if frozenset(group).isdisjoint(mapped) for name in group}
    places = cells.select(PLACE)
    refusals = [refusal(places.row(at), "invalid", words, labels) for at, words in sorted(loaded.faults.items())]
    missing = [
        pl.lit(None, dtype=pl.List(pl.String) if isinstance(rule, TagsCell) else pl.String).alias(name)
        for name, rule in schema.fields.items()
        if name not in mapped and name not in absent
    ]
    return CheckedRows(loaded.rows.with_columns(missing), frozenset(mapped), refusals)


def refusal(place: tuple[int, ...], code: str, messages: Messages, labels: Mapping[str, str]) -> Refusal:
    """Return the refusal of the row at `place` (row, line): its first faulty column, messages behind labels."""
    order = list(labels)
    columns = sorted(messages, key=lambda name: order.index(name) if name in order else len(order))
    told = [one for column in columns for one in _faults_of(column, messages[column], labels)]
    row, line = place
    return Refusal(row, line, told[0][0], code, " ".join(f"{label}: {' '.join(words)}" for _, label, words in told))


def _faults_of(column: str, messages: Any, labels: Mapping[str, str]) -> list[tuple[str | None, str, list[str]]]:
    """Return what is at fault, what people call it, and the messages; of what is kept, column by column of the file."""
    if column != ATTRIBUTES:
        return [(column, labels.get(column, column), _flat(messages))]
    if isinstance(messages, dict):
        return [(f"{KEPT}{name}", name, _flat(inner)) for name, inner in messages.items()]
    return [(None, "Attributes", _flat(messages))]


def _flat(messages: Any) -> list[str]:
    """Return marshmallow's messages, nested ones of lists and objects too, each once."""
    if isinstance(messages, dict):
        return list(dict.fromkeys(word for inner in messages.values() for word in _flat(inner)))
    return [str(word) for word in messages]
