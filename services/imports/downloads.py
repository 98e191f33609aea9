"""The file of refused rows as a download."""

from pathlib import PurePath
from typing import Any

from flask import Response, send_file

from shared.storage import Storage


def error_file_response(storage: Storage, job: Any) -> Response:
    """Return the error file of `job` (which has one), named after its source."""
    name = f"{PurePath(job.file_name).stem}-errors.csv"
    response = send_file(
        storage.open(job.error_file), mimetype="text/csv", as_attachment=True, download_name=name, max_age=0
    )
    response.content_type = f"text/csv; charset={job.encoding}"
    return response
