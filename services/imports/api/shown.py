"""A job as the API shows it, and the places in its lists."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from services.imports.domain.first_megabyte import RowCount
from services.imports.domain.jobs import Options, options_of
from services.imports.domain.progress import Progress
from services.imports.domain.promise import difference
from services.imports.domain.undoing import undo_until
from services.imports.previewing import Preview
from shared.bulk import COUNTS, UNDO_COUNTS
from shared.errors import Invalid
from shared.web import decode_cursor
from shared.web.paging import FOREIGN


def shown(job: Any, progress: Progress) -> dict[str, Any]:
    """Return a job with its progress, for `JobOut`."""
    facts = progress.to_json()
    counts = {name: 0 if job.state == "checking" else facts[name] for name in COUNTS}
    return {
        **{name: getattr(job, name) for name in _PLAIN},
        "counts": {"rows": progress.rows, **counts},
        "check": _check(job),
        "undo": _undo(job, progress),
        "undo_until": undo_until(job),
        "progress": facts,
        "failure": {"code": job.failure_code, "sentence": job.failure} if job.failure_code else None,
        "error_file": f"/api/imports/v1/jobs/{job.id}/error-file" if job.error_file else None,
        "created_by": {"id": job.created_by, "name": job.created_by_name},
    }


def _undo(job: Any, progress: Progress) -> dict[str, Any] | None:
    if job.undo_requested_at is None:
        return None
    return {
        "by": {"id": job.undo_by, "name": job.undo_by_name},
        "requested_at": job.undo_requested_at,
        "ended_at": None if job.state == "undoing" else job.undone_at,
        **{name: getattr(progress, name) for name in UNDO_COUNTS},
        "failure": job.undo_failure,
        "kept_file": f"/api/imports/v1/jobs/{job.id}/kept-file" if progress.final and progress.kept else None,
    }


def _check(job: Any) -> dict[str, Any] | None:
    if not job.promise:
        return None
    return {"newer": 0, **job.promise, "at": datetime.fromisoformat(job.promise["at"]), "difference": difference(job)}


_PLAIN = (
    "id", "kind", "state", "file_name", "file_size", "created_at", "queued_at", "started_at", "finished_at", "version",
    "encoding", "bom", "delimiter", "has_header", "header", "sample", "warnings", "mapping", "mode", "match", "blank",
    "repeated", "newer", "associates", "create_associates", "retry_of", "change",
)  # fmt: skip


def chosen_options(job: Any, values: dict[str, Any]) -> Options:
    """Return how rows are applied: as `values` say, else as the job has it."""
    return replace(options_of(job), **{name: values[name] for name in asdict(options_of(job)) if name in values})


def shown_preview(preview: Preview, count: RowCount) -> dict[str, Any]:
    """Return the first rows of a file, for `PreviewOut`."""
    return {
        "rows_in_file": count.rows,
        "exact": count.exact,
        "not_checked": preview.not_checked,
        "rows": [
            {
                **vars(one),
                "values": [{"field": name, "value": value} for name, value in one.values.items() if value],
                "changes": [{"field": name, "old": old, "new": one.values[name]} for name, old in one.old.items()],
            }
            for one in preview.rows
        ],
    }


def row_cursor(cursor: str) -> int:
    """Return the row behind which a page of refused rows begins."""
    row = decode_cursor(cursor, 1)[0]
    if not isinstance(row, int) or not 0 <= row < 1 << 31:
        raise Invalid("This page address is not complete.", fields={"cursor": [FOREIGN]})
    return row
