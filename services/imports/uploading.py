"""An upload as it comes over the wire, for the API and the screens alike."""

import re
from urllib.parse import unquote

from flask import current_app, request
from sqlalchemy.exc import IntegrityError

from services.imports.caller import current_viewer, idempotency_key, importable
from services.imports.domain import jobs, uploads
from services.imports.domain.jobs import Viewer
from services.imports.domain.sniffing import Sniffed, sniff_file
from services.imports.domain.uploads import Received
from services.imports.models import Job
from shared.db import read_only, unit_of_work
from shared.storage import Storage

_NO_NAME = "upload.csv"


def receive_upload(
    kind: str,
    file_name: str = "",
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    has_header: bool | None = None,
    constants: dict[str, str] | None = None,
) -> Job:
    """Take in the file that is the body of this request and make its job.

    The body goes straight to the file store. Whatever is refused leaves nothing behind. With an Idempotency-Key the
    same file makes one job, however often it comes.
    """
    importable(kind)
    viewer = current_viewer()
    storage: Storage = current_app.extensions["liaison.storage"]
    request.max_content_length = None  # it is not held in memory
    received = uploads.receive_file(storage, request.stream, request.content_length, most_bytes())
    try:
        form = read_form(received.path, encoding=encoding, delimiter=delimiter, has_header=has_header)
        job = _make_job(viewer, kind, clean_name(file_name or _given_name()), received, form, constants)
    except BaseException:
        storage.delete(uploads.folder_of(received.job_id))
        raise
    if job.id != received.job_id:
        storage.delete(uploads.folder_of(received.job_id))
    return job


def most_bytes() -> int | None:
    """Return how many bytes a file may have in this installation, None for any number."""
    most: int | None = current_app.extensions["imports.config"].most_bytes
    return most


def _make_job(
    viewer: Viewer, kind: str, name: str, received: Received, form: Sniffed, constants: dict[str, str] | None
) -> Job:
    key = idempotency_key()
    try:
        with unit_of_work() as session:
            known = jobs.uploaded_before(session, viewer, key, received.digest) if key else None
            return known or jobs.create_job(
                session, viewer, kind, name, received, form, upload_key=key, constants=constants
            )
    except IntegrityError:  # its twin was quicker
        with read_only() as session:
            known = jobs.uploaded_before(session, viewer, key, received.digest) if key else None
        if known is None:
            raise
        return known


def read_form(
    path: str, *, encoding: str | None = None, delimiter: str | None = None, has_header: bool | None = None
) -> Sniffed:
    """Find out how a stored file is written; what is given is not guessed."""
    storage: Storage = current_app.extensions["liaison.storage"]
    with storage.open(path) as file:
        return sniff_file(file, encoding=encoding, delimiter=delimiter, has_header=has_header)


def _given_name() -> str:
    found = re.search(r"filename\*=UTF-8''([^;\s]+)", request.headers.get("Content-Disposition", ""), re.IGNORECASE)
    return unquote(found.group(1)) if found else ""


def clean_name(name: str) -> str:
    """Return a file's name without folders and control signs, 200 characters at most."""
    base = re.split(r"[/\\]", name)[-1]
    return "".join(sign for sign in base if sign.isprintable()).strip()[:200] or _NO_NAME
