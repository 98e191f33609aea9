"""Writing the file of an export: from its owner's stream into the file store."""

import time
import uuid
from collections.abc import Iterator

import structlog
from celery import shared_task

from services.imports.domain import writing
from services.imports.domain.exports import wish_of
from services.imports.domain.owners import is_away
from services.imports.domain.uploads import room_for_it
from services.imports.domain.writing import Writing
from services.imports.errors import LeaseLost, StorageFull
from services.imports.tasks.surroundings import export_owners, lease, renewed, storage
from services.imports.wakeups import wake_writer
from shared.db import after_commit, unit_of_work
from shared.errors import DomainError
from shared.http import ServiceUnavailable

MINUTES = 60
TOLD_SECONDS = 0.5
log = structlog.get_logger("exporting")


@shared_task(name="imports.write_export", acks_late=False, soft_time_limit=MINUTES * 120, time_limit=MINUTES * 120 + 30)
def write_export(export_id: str) -> None:
    """Write the file of an export from its beginning; whatever an earlier writer left is thrown away."""
    with unit_of_work() as session:
        held = writing.begin_writing(session, uuid.UUID(export_id), lease())
    if held is None:
        return
    term = lease()
    try:
        with renewed(lambda session: writing.keep_writing(session, held, term)):
            _write(held)
    except LeaseLost:
        storage().delete(held.path)
        log.info("writing stopped", export=export_id)
    except ServiceUnavailable as error:
        name = export_owners().of(held.export.kind).name
        sentence = f"Waiting for the {name} service, which does not answer just now. The export goes on by itself."
        _rest(held, sentence, counts=not is_away(error))
    except StorageFull:
        _rest(held, "There is no room left in the file store. The export goes on by itself when there is.")
    except DomainError as error:
        with unit_of_work() as session:
            writing.fail_writing(session, held, error.code, error.sentence)
    except Exception:
        _rest(held, "Writing the file was interrupted. It starts again by itself.", counts=True)
        raise


def _write(held: Writing) -> None:
    owner, wish = export_owners().of(held.export.kind), wish_of(held.export)
    if held.export.expected is None and _passes_on(held, owner.count(wish)):
        return
    storage().delete(writing.folder_of(held.export.id))
    counter = RowCounter()
    with room_for_it(), storage().writing(held.path) as file, owner.stream(wish) as pieces:
        for piece in _told(held, pieces, counter):
            file.write(piece)
    with unit_of_work() as session:
        writing.end_writing(session, held, counter.rows, counter.size)


def _passes_on(held: Writing, rows: int) -> bool:
    with unit_of_work() as session:
        passes_on = writing.expect_rows(session, held, rows)
        if passes_on:
            after_commit(session, lambda: wake_writer(held.export.id, "long"))
    return passes_on


def _told(held: Writing, pieces: Iterator[bytes], counter: "RowCounter") -> Iterator[bytes]:
    """Give the pieces on, counting their rows and telling from time to time how many there are."""
    told = time.monotonic()
    for piece in pieces:
        counter.count(piece)
        if time.monotonic() - told > TOLD_SECONDS:
            with unit_of_work() as session:
                writing.note_rows(session, held, counter.rows)
            told = time.monotonic()
        yield piece


def _rest(held: Writing, sentence: str, *, counts: bool = False) -> None:
    with unit_of_work() as session:
        writing.rest_writing(session, held, sentence, counts=counts)


class RowCounter:
    """Counts the records of a CSV file in pieces: line feeds outside quotes, less the header's."""

    def __init__(self) -> None:
        self.size = 0
        self._lines = 0
        self._quotes = 0

    @property
    def rows(self) -> int:
        """How many records there were so far."""
        return max(self._lines - 1, 0)

    def count(self, piece: bytes) -> None:
        """Take the next piece into account."""
        self.size += len(piece)
        for part in piece.split(b'"')[self._quotes % 2 :: 2]:
            self._lines += part.count(b"\n")
        self._quotes += piece.count(b'"')
