"""Taking a file in, piece by piece: it is stored whole or not at all."""

import errno
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from services.imports.errors import EmptyUpload, FileTooLarge, StorageFull, UploadCutShort
from shared.db import uuid7
from shared.storage import Storage

PIECE = 1 << 20
WORK = "work"  # the folder of what is needed only until the job ends
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Source(Protocol):
    """Where the bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


@dataclass(frozen=True)
class Received:
    """A file in the store, and the id of the job that it is for."""

    job_id: uuid.UUID
    path: str
    size: int
    digest: bytes


def folder_of(job_id: uuid.UUID) -> str:
    """Return the folder of everything that a job stores."""
    return f"imports/{job_id}"


def work_of(job_id: uuid.UUID, reading: int) -> str:
    """Return the folder of what one reading of a job's file leaves; another reading never meets its files."""
    return f"{folder_of(job_id)}/{WORK}/{reading}"


def receive_file(storage: Storage, source: Source, expected: int | None, limit: int | None = None) -> Received:
    """Store what `source` gives and return where; `expected` is the size that was announced, if one was.

    At most `limit` bytes are taken, any number without one.

    Raises FileTooLarge, UploadCutShort, EmptyUpload or StorageFull; nothing of the file stays then.
    """
    if limit and expected is not None and expected > limit:
        raise FileTooLarge(limit)
    job_id = uuid7()
    path = f"{folder_of(job_id)}/source"
    digest = hashlib.sha256()
    try:
        with room_for_it(), storage.writing(path) as file:
            size = _copy(source, file, digest, expected, limit)
            if expected is not None and size != expected:
                raise UploadCutShort(size, expected)
            if not size:
                raise EmptyUpload
    except BaseException:
        storage.delete(folder_of(job_id))
        raise
    return Received(job_id, path, size, digest.digest())


def _copy(source: Source, file: BinaryIO, digest: "hashlib._Hash", expected: int | None, limit: int | None) -> int:
    size = 0
    while piece := _next_piece(source, size, expected):
        size += len(piece)
        if limit and size > limit:
            raise FileTooLarge(limit)
        digest.update(piece)
        file.write(piece)
    return size


def _next_piece(source: Source, size: int, expected: int | None) -> bytes:
    try:
        return source.read(PIECE)
    except Exception as error:  # whatever the server makes of a connection that broke
        raise UploadCutShort(size, expected) from error


@contextmanager
def room_for_it() -> Iterator[None]:
    """Turn a full file store into StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull from error
        raise
