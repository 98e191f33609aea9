"""The file of refused rows as a download."""

from pathlib import PurePath
from typing import Any

from flask import Response, send_file

from shared.storage import Storage


def error_file_response(storage: Storage, job: Any) -> Response:
    """Return the error file of `job` (which has one), named after its source."""
    name = f"{PurePath(job.file_name).stem}-errors.csv"
    return send_file(
        storage.open(job.error_file),
        mimetype=f"text/csv; charset={job.encoding}",
        as_attachment=True,
        download_name=name,
        max_age=0,
    )
