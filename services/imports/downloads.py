"""Files as downloads: the refused rows of an import, and exports."""

from pathlib import PurePath
from typing import Any

from flask import Response, send_file

from services.imports.errors import ExportExpired
from shared.storage import Storage


def error_file_response(storage: Storage, job: Any) -> Response:
    """Return the error file of `job` (which has one), named after its source."""
    name = f"{PurePath(job.file_name).stem}-errors.csv"
    response = send_file(
        storage.open(job.error_file), mimetype="text/csv", as_attachment=True, download_name=name, max_age=0
    )
    response.content_type = f"text/csv; charset={job.encoding}"
    return response


def export_file_response(storage: Storage, export: Any) -> Response:
    """Return the file of `export`; raise ExportExpired when it was swept away in this very moment."""
    try:
        file = storage.open(export.file_path)
    except FileNotFoundError as error:
        raise ExportExpired from error
    response = send_file(file, mimetype="text/csv", as_attachment=True, download_name=export.file_name, max_age=0)
    response.content_type = "text/csv; charset=utf-8"
    response.content_length = export.file_size
    return response
