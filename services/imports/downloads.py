"""Files as downloads: the refused rows of an import, what stayed when it was taken back, and exports."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from flask import Response, current_app, send_file, stream_with_context

from services.imports.domain.undoing import each_kept
from services.imports.errors import ExportExpired
from shared.cells import defuse
from shared.db import read_only
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


KEPT_COLUMNS = ("Record", "Name", "Field", "Reason", "Why", "Address")


def kept_file_response(job: Any) -> Response:
    """Return what stayed when `job` was taken back, as CSV; memory stays flat."""
    name = f"{PurePath(job.file_name).stem}-kept.csv"
    response = Response(stream_with_context(_kept_lines(job)), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _kept_lines(job: Any) -> Iterator[str]:
    yield "\ufeff" + _line(KEPT_COLUMNS)
    address = current_app.extensions["liaison.settings"].public_url.rstrip("/")
    with read_only() as session:
        for one in each_kept(session, job.id):
            yield _line((one.record, one.label, one.field or "", one.reason, one.message, address + one.url))


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(map(defuse, cells))
    return text.getvalue()
