"""The rows of a file as they were read, kept beside its chunks until the job ends.

The file of refused rows is written from them: reading a block of these takes a twentieth of the time that it takes to
parse it again.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import polars as pl

from services.imports.domain.careful import RowFault
from services.imports.domain.reading import Batch
from services.imports.domain.uploads import room_for_it
from shared.storage import Storage


class KeptRows:
    """Batches in a folder of the file store, each named after its last row. Iterating gives them in order.

    `rows` is the number of the last row that was given.
    """

    def __init__(self, storage: Storage, folder: str, columns: Sequence[str], delimiter: str) -> None:
        self.storage = storage
        self.folder = folder
        self.columns = list(columns)
        self.delimiter = delimiter
        self.rows = 0

    def keep(self, batch: Batch, rows: int) -> None:
        """Store a batch, whose last row is number `rows`; storing it again changes nothing."""
        frame = io.BytesIO()
        batch.frame.write_ipc(frame, compression="lz4")
        with room_for_it():
            if batch.faults:
                faults = json.dumps([asdict(fault) for fault in batch.faults])
                self.storage.write(f"{self.folder}/{rows:012d}.json", faults.encode())
            self.storage.write(f"{self.folder}/{rows:012d}.arrow", frame.getvalue())

    def __iter__(self) -> Iterator[Batch]:
        names = self.storage.names(self.folder)
        for name in names:
            number, _, kind = name.partition(".")
            if kind != "arrow":
                continue
            faults = []
            if f"{number}.json" in names:
                faults = [RowFault(**fault) for fault in json.loads(self.storage.read(f"{self.folder}/{number}.json"))]
            frame = pl.read_ipc(io.BytesIO(self.storage.read(f"{self.folder}/{name}")))
            self.rows = int(number)
            yield Batch(frame, faults)
