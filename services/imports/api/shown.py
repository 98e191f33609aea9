"""A job as the API shows it."""

from typing import Any

from services.imports.domain.progress import Progress
from shared.bulk import COUNTS


def shown(job: Any, progress: Progress) -> dict[str, Any]:
    """Return a job with its progress, for `JobOut`."""
    facts = progress.to_json()
    return {
        **{name: getattr(job, name) for name in _PLAIN},
        "counts": {"rows": progress.rows, **{name: facts[name] for name in COUNTS}},
        "progress": facts,
        "failure": {"code": job.failure_code, "sentence": job.failure} if job.failure_code else None,
        "error_file": f"/api/imports/v1/jobs/{job.id}/error-file" if job.error_file else None,
        "created_by": {"id": job.created_by, "name": job.created_by_name},
    }


_PLAIN = (
    "id", "kind", "state", "file_name", "file_size", "created_at", "queued_at", "started_at", "finished_at", "version",
    "encoding", "bom", "delimiter", "has_header", "header", "sample", "warnings", "mapping", "mode", "match", "blank",
)  # fmt: skip
