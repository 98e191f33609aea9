"""From the rows of a file to chunks in which the rows of a key stand together, in the order of the file.

They may stand anywhere in the file, so all rows are first sorted into parts by their key, in files where they are
many; memory stays flat. As with `staging.stage_rows`, the same file gives the same chunks however often it is read.
"""

import io
from collections.abc import Iterable, Iterator
from zlib import crc32

import polars as pl

from services.imports.domain.staging import (
    KEY,
    REFUSALS_AT_ONCE,
    Cutter,
    MappedRows,
    Stage,
    group_starts,
    key_texts,
    with_key,
)
from services.imports.domain.target import TargetKey
from services.imports.domain.uploads import room_for_it
from shared.bulk import Refusal
from shared.storage import Storage

MOST_ROWS = 100
PART_BYTES = 4_000_000
HELD_BYTES = 32_000_000
TOO_OFTEN = "repeated_too_often"


class Parts:
    """Rows in `count` parts of about the same size; all rows of a key are in one of them.

    What is more than HELD_BYTES goes to `folder`.
    """

    def __init__(self, storage: Storage, folder: str, file_size: int) -> None:
        self.storage = storage
        self.folder = folder
        self.count = 1 + file_size // PART_BYTES
        self._held: list[pl.DataFrame] = []
        self._bytes = 0
        self._written = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take rows with their `_key`."""
        self._held.append(frame)
        self._bytes += int(frame.estimated_size())
        if self._bytes > HELD_BYTES:
            self._write()

    def _write(self) -> None:
        for number, frame in self._divided().items():
            body = io.BytesIO()
            frame.write_ipc(body, compression="lz4")
            with room_for_it():
                self.storage.write(f"{self.folder}/{number}/{self._written:06d}.arrow", body.getvalue())
        self._held, self._bytes = [], 0
        self._written += 1

    def _divided(self) -> dict[int, pl.DataFrame]:
        if not self._held:
            return {}
        frame = pl.concat(self._held)
        numbers = [
            crc32(key.encode()) % self.count if key else row % self.count
            for key, row in frame.select(KEY, "_row").iter_rows()
        ]
        divided = frame.with_columns(pl.Series("_part", numbers, dtype=pl.UInt32)).partition_by(
            "_part", as_dict=True, include_key=False
        )
        return {int(number): part for (number,), part in divided.items()}

    def __iter__(self) -> Iterator[pl.DataFrame]:
        last = self._divided()
        for number in range(self.count):
            folder = f"{self.folder}/{number}"
            names = self.storage.names(folder) if self._written else []
            whole = [name for name in names if name.endswith(".arrow")]  # a reader that was killed leaves others
            frames = [pl.read_ipc(io.BytesIO(self.storage.read(f"{folder}/{name}"))) for name in whole]
            if number in last:
                frames.append(last[number])
            if frames:
                yield pl.concat(frames)


def stage_together(batches: Iterable[MappedRows], key: TargetKey, chunk_rows: int, parts: Parts) -> Iterator[Stage]:
    """Cut `batches` into stages; the rows of a key are in one chunk, in the order of the file, at most MOST_ROWS.

    Any beyond are refused as `repeated_too_often`. A chunk has `chunk_rows` rows, or the rows of one key.
    """
    cut = Cutter()
    for batch in batches:
        cut.read(batch)
        if batch.frame.height:
            parts.add(with_key(batch.frame, key))
        if len(cut.refusals) >= REFUSALS_AT_ONCE:
            yield cut.stage(None)
    for part in parts:
        frame = part.sort(KEY, "_row", nulls_last=True)
        often = (pl.col(KEY).is_not_null()) & (pl.int_range(pl.len()).over(KEY) >= MOST_ROWS)
        cut.refusals += _refusals(frame.filter(often), key)
        frame = frame.filter(~often)
        for start, end in _cuts(frame, chunk_rows):
            yield cut.stage(frame[start:end])
    if cut.refusals:
        yield cut.stage(None)


def _cuts(frame: pl.DataFrame, chunk_rows: int) -> Iterator[tuple[int, int]]:
    """Return the places of chunks that do not part rows of the same key."""
    begin = end = 0
    for start in [*group_starts(frame)[1:], frame.height] if frame.height else []:
        if start - begin > chunk_rows and end > begin:
            yield begin, end
            begin = end
        end = start
    if end > begin:
        yield begin, end


def _refusals(frame: pl.DataFrame, key: TargetKey) -> list[Refusal]:
    texts = key_texts(frame, key)
    if not frame.height or texts is None:
        return []
    return [
        Refusal(row, line, key.field, TOO_OFTEN, f"{key.label} “{text[:100]}” came {MOST_ROWS} times before.")
        for (row, line), text in zip(frame.select("_row", "_line").rows(), texts, strict=True)
    ]
