"""From the rows of a file to chunks: repeated keys refused, the rest cut in pieces and sorted by key.

The same file, mapping and target give the same chunks under the same numbers, however often it is read; so a reader
that died is simply started again.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from services.imports.domain.seen_keys import SeenKeys
from services.imports.domain.target import TargetKey
from shared import keys
from shared.bulk import Refusal

KEY = "_key"
REFUSALS_AT_ONCE = 5_000
SHOWN = 100  # characters of a key in a sentence
STILL = "in the first file. Change it, or empty _message in the file of refused rows to let this row change the first."
RULES: dict[str, Callable[[pl.Series], pl.Series]] = {
    "code": keys.code_keys,
    "email": keys.email_keys,
    "name": keys.name_keys,
}


@dataclass(frozen=True)
class MappedRows:
    """Rows as the mapping made them (`_row`, `_line`, one column per field), and those that could not be read.

    `position` is how many bytes of the file were read up to here. Of a file of refused rows, `told` is why each row
    was refused.
    """

    frame: pl.DataFrame
    refusals: list[Refusal]
    position: int
    told: pl.Series | None = None


@dataclass
class Stage:
    """The next piece of a file: a chunk under its number (none when there are only refusals), and how far that is.

    `rows` and `failed` count from the start of the file: rows that are in chunks or refused, and those refused here.
    """

    no: int | None
    frame: pl.DataFrame | None
    refusals: list[Refusal] = field(default_factory=list)
    rows: int = 0
    failed: int = 0
    position: int = 0


class Cutter:
    """Gives stages their numbers and sums; `refusals` wait for the next one."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        self.number = self.rows = self.failed = self.position = 0

    def read(self, batch: MappedRows) -> None:
        """Note how far the file was read, and what could not be."""
        self.refusals += batch.refusals
        self.position = batch.position

    def stage(self, frame: pl.DataFrame | None) -> Stage:
        """Return the next stage: this chunk, and what was refused since the last one."""
        self.rows += (frame.height if frame is not None else 0) + len(self.refusals)
        self.failed += len(self.refusals)
        number = self.number if frame is not None else None
        made = Stage(number, frame, self.refusals, self.rows, self.failed, self.position)
        self.number += frame is not None
        self.refusals = []
        return made


def stage_rows(batches: Iterable[MappedRows], key: TargetKey, chunk_rows: int) -> Iterator[Stage]:
    """Cut `batches` into stages; the rows of two chunks never share a key.

    A row whose key came before is refused as `duplicate_in_file`, naming the line of the first; so is one that was
    refused for that and comes again with the same key, where it would overwrite the first. Rows without a key are not
    compared.
    """
    seen = SeenKeys()
    waiting: list[pl.DataFrame] = []
    held = 0
    cut = Cutter()
    for batch in batches:
        frame, repeated = _without_repeated(batch, key, seen)
        cut.read(batch)
        cut.refusals += repeated
        if frame.height:
            waiting.append(frame)
        held += frame.height
        while held >= chunk_rows:
            whole = pl.concat(waiting)
            waiting, held = [whole[chunk_rows:]], held - chunk_rows
            yield cut.stage(_sorted(whole[:chunk_rows]))
        if len(cut.refusals) >= REFUSALS_AT_ONCE:
            yield cut.stage(None)
    if held:
        yield cut.stage(_sorted(pl.concat(waiting)))
    elif cut.refusals:
        yield cut.stage(None)


def chunk_file(frame: pl.DataFrame) -> bytes:
    """Return `frame` as the Arrow IPC file that its owner reads."""
    file = io.BytesIO()
    frame.write_ipc(file)
    return file.getvalue()


def halves(body: bytes) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the two halves of a chunk file, the second empty when it cannot be split.

    Rows that share their key stay together, so that they are applied in their order.
    """
    frame = pl.read_ipc(io.BytesIO(body))
    middle = (frame.height + 1) // 2
    if KEY in frame.columns:
        starts = group_starts(frame)
        middle = min((start for start in [*starts, frame.height] if start), key=lambda start: abs(start - middle))
    return frame[:middle], frame[middle:]


def group_starts(frame: pl.DataFrame) -> list[int]:
    """Return where in a chunk that is sorted by key each key begins; a row without a key is a group of its own."""
    key = pl.col(KEY)
    return frame.select((key.is_null() | key.ne_missing(key.shift())).arg_true()).to_series().to_list()


def places_of(frame: pl.DataFrame) -> list[tuple[int, int]]:
    """Return the number and the line of each row of a chunk."""
    return frame.select("_row", "_line").rows()


def _without_repeated(batch: MappedRows, key: TargetKey, seen: SeenKeys) -> tuple[pl.DataFrame, list[Refusal]]:
    frame, texts = batch.frame, key_texts(batch.frame, key)
    if texts is None or not frame.height:
        return frame, []
    frame = with_key(frame, key)
    keyed = frame.select("_row", "_line", "_key", _came_before(key, texts).alias("_why"))
    keyed = keyed.with_columns(_is_still_repeated(batch.told, keyed["_why"])).filter(pl.col("_key").is_not_null())
    still, keyed = keyed.filter("_still"), keyed.filter(~pl.col("_still"))
    first_here = pl.col("_line").first().over("_key")
    keyed = keyed.with_columns(
        pl.coalesce(
            seen.first_lines(keyed["_key"]),
            pl.when(pl.col("_key").is_first_distinct()).then(None).otherwise(first_here),
        ).alias("_first")
    )
    new, repeated = keyed.filter(pl.col("_first").is_null()), keyed.filter(pl.col("_first").is_not_null())
    seen.add(new["_key"], new["_line"])
    if not repeated.height and not still.height:
        return frame, []
    why = [
        *((row, line, f"{why} on line {first}.") for row, line, why, first in _told(repeated, "_first")),
        *((row, line, f"{why} {STILL}") for row, line, why in _told(still)),
    ]
    refusals = [Refusal(row, line, key.field, "duplicate_in_file", message) for row, line, message in sorted(why)]
    refused = pl.Series([one.row for one in refusals], dtype=pl.UInt32)
    return frame.filter(~pl.col("_row").is_in(refused.implode())), refusals


def _told(rows: pl.DataFrame, *more: str) -> Iterator[tuple[Any, ...]]:
    return rows.select("_row", "_line", "_why", *more).iter_rows()


def _is_still_repeated(told: pl.Series | None, why: pl.Series) -> pl.Series:
    """Tell which rows were refused before, for the very key that they have now.

    An error file in an old code page has question marks for the quotes around the key.
    """
    if told is None:
        return pl.repeat(value=False, n=len(why), dtype=pl.Boolean, eager=True).alias("_still")
    plain = [pl.lit(texts).str.replace_all("[“”]", "?") for texts in (told.fill_null(""), why)]
    return pl.select(plain[0].str.contains(plain[1], literal=True).alias("_still")).to_series()


def _came_before(key: TargetKey, texts: pl.Series) -> pl.Series:
    """Return how the refusal of a repeated key begins; by this it is known when it comes again."""
    begins = pl.lit(f"{key.label} “") + pl.lit(texts.fill_null("").str.head(SHOWN)) + pl.lit("” came before,")
    return pl.select(begins).to_series()


def key_texts(frame: pl.DataFrame, key: TargetKey) -> pl.Series | None:
    """Return by what each row finds its record, as it stands there; None when the file has no column for it."""
    fields = [name for name in (key.field, *key.also) if name in frame.columns]
    if not fields:
        return None
    texts = pl.coalesce(fields)
    if key.apart:
        groups = _apart(frame, key, pl.col)
        texts = pl.concat_str(pl.coalesce(groups), pl.lit(" of "), texts) if groups else pl.lit(None, pl.String)
    return frame.select(texts.alias("_text")).to_series()


def with_key(frame: pl.DataFrame, key: TargetKey) -> pl.DataFrame:
    """Add the `_key` of each row, null where it has none; rows of the same key mean the same record."""
    fields = [name for name in (key.field, *key.also) if name in frame.columns]
    if not fields:
        return frame.with_columns(pl.lit(None, pl.String).alias(KEY))
    texts = frame.select(pl.coalesce(fields)).to_series()
    frame = frame.with_columns(RULES[key.rule](texts).replace("", None).alias(KEY))
    if not key.apart:
        return frame
    names = [name for group in key.apart for name in group if name in frame.columns]
    keyed = frame.with_columns(keys.name_keys(frame[name]).alias(f"_of_{name}") for name in names)
    groups = _apart(frame, key, lambda name: pl.col(f"_of_{name}"))
    both = pl.concat_str(pl.col(KEY), pl.lit("\x1f"), pl.coalesce(groups)) if groups else pl.lit(None, pl.String)
    return frame.with_columns(keyed.select(both.alias(KEY)).to_series())


def _apart(frame: pl.DataFrame, key: TargetKey, cell: Callable[[str], pl.Expr]) -> list[pl.Expr]:
    """Return for each group of `key.apart` what a row has of it, null for nothing."""
    groups = [[name for name in group if name in frame.columns] for group in key.apart]
    texts = [
        pl.concat_str([cell(name) for name in names], separator=" ", ignore_nulls=True) for names in groups if names
    ]
    return [text.replace("", None) for text in texts]


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    if "_key" in frame.columns:
        frame = frame.sort("_key", nulls_last=True, maintain_order=True).drop("_key")
    return frame
