"""The first rows of a job's file as their owner would store them, for the API and the screens alike.

polars comes with the first preview: a process at rest does not need its 40 MB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import current_app

from services.imports.caller import current_viewer, owner_of, target_for
from services.imports.domain.first_megabyte import RowCount, count_rows
from services.imports.domain.jobs import Options, check_start, must_wait
from services.imports.domain.mapping import Mapping
from services.imports.models import Job
from shared.http import ServiceUnavailable
from shared.storage import Storage

if TYPE_CHECKING:
    from services.imports.domain.preview import PreviewRow

Form = tuple[str, int, str, str, tuple[str, ...], bool]


@dataclass(frozen=True)
class Preview:
    """The first rows, and why they were only mapped and not checked; None where their owner answered."""

    rows: list[PreviewRow]
    not_checked: str | None = None


def checked_preview(job: Job, mapping: Mapping, options: Options) -> Preview:
    """Return the first rows as they would be stored; where the owner does not answer soon, as they are mapped.

    `job` is one that this person may see. Raises JobChecking, JobStarted, JobEnded, Forbidden, and MappingRefused for
    what cannot run.
    """
    from services.imports.domain import preview as domain

    target = target_for(job.kind)
    must_wait(job)
    current_viewer().must_have_choices(job.kind, mapping.to_json(), options)
    check_start(mapping, job.header, target, options)
    with _storage().open(job.file_path) as file:
        first = domain.read_first_rows(job, file, mapping, target)
    try:
        return Preview(domain.checked_rows(first, job, mapping, options, target, owner_of(job.kind)))
    except ServiceUnavailable as error:
        return Preview(domain.plain_rows(first), f"{error.away} does not answer just now.")


def plain_preview(job: Job, mapping: Mapping, why: str) -> Preview:
    """Return the first rows as they are mapped; `why` says why their owner was not asked."""
    from services.imports.domain import preview as domain

    with _storage().open(job.file_path) as file:
        first = domain.read_first_rows(job, file, mapping, target_for(job.kind))
    return Preview(domain.plain_rows(first), why)


def row_count(job: Job) -> RowCount:
    """Return how many rows the file of a job has, about."""
    return _counted(*form_of(job))


def form_of(job: Job) -> Form:
    """Return how the file of a job is written, and where it is."""
    return job.file_path, job.file_size, job.encoding, job.delimiter, tuple(job.header), job.has_header


@lru_cache(256)
def _counted(
    path: str, size: int, encoding: str, delimiter: str, columns: tuple[str, ...], has_header: bool
) -> RowCount:
    with _storage().open(path) as file:
        return count_rows(file, size, encoding=encoding, delimiter=delimiter, columns=columns, has_header=has_header)


def _storage() -> Storage:
    storage: Storage = current_app.extensions["liaison.storage"]
    return storage
