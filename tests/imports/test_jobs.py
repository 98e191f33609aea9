"""Uploads, progress and sweeping: what stands around the engine (product rows I3, I7, I8, I14)."""

import errno
import io
import subprocess
import sys
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, update

from services.imports import tasks
from services.imports.config import imports_config
from services.imports.domain import uploads
from services.imports.domain.owners import is_away
from services.imports.domain.progress import job_progress
from services.imports.errors import EmptyUpload, FileTooLarge, StorageFull, UploadCutShort
from services.imports.models import Chunk, Job
from services.imports.uploading import clean_name
from shared.db import read_only, unit_of_work, uuid7
from shared.http import ServiceUnavailable
from shared.settings import SettingsError
from shared.storage import Storage
from tests.imports.conftest import rows


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path.as_uri())


def test_a_file_is_stored_whole_with_its_digest(storage):
    received = uploads.receive_file(storage, io.BytesIO(b"a,b\n1,2\n"), 8)
    assert received.size == 8
    assert storage.read(received.path) == b"a,b\n1,2\n"


class Broken(io.BytesIO):
    def read(self, size=-1, /):
        if not (piece := super().read(4)):
            raise ConnectionResetError
        return piece


@pytest.mark.parametrize(
    ("source", "expected", "error"),
    [
        (io.BytesIO(b"half"), 19, UploadCutShort),
        (Broken(b"half a file"), None, UploadCutShort),
        (io.BytesIO(b""), None, EmptyUpload),
        (io.BytesIO(b"x" * 50), None, FileTooLarge),
        (io.BytesIO(b"x"), 50, FileTooLarge),
    ],
)
def test_what_is_refused_leaves_nothing(storage, source, expected, error):
    with pytest.raises(error):
        uploads.receive_file(storage, source, expected, limit=20)
    assert storage.names("imports") == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_store_is_said_and_leaves_nothing(storage, monkeypatch, code):
    def full(*_):
        raise OSError(code, "no room")

    monkeypatch.setattr(uploads, "_copy", full)
    with pytest.raises(StorageFull, match="no room left"):
        uploads.receive_file(storage, io.BytesIO(b"x"), 1)
    assert storage.names("imports") == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\x\\a.csv", "a.csv"),
        ("../../etc/passwd", "passwd"),
        ("\0a\n.csv", "a.csv"),
        ("", "upload.csv"),
        ("Ä b.csv", "Ä b.csv"),
    ],
)
def test_a_file_name_is_a_name_only(given, kept):
    assert clean_name(given) == kept


def test_small_files_have_small_chunks(make_job):
    assert make_job(rows(100)).chunk_rows == 200
    assert 900 < make_job(rows(20_000)).chunk_rows < 1_300
    assert make_job(rows(20_000)).queue == "short"
    large = make_job(rows(200_000))
    assert (large.chunk_rows, large.queue) == (10_000, "long")


def progress(job):
    with read_only() as session:
        return job_progress(session, session.get_one(Job, job.id))


def test_progress_is_the_sum_of_what_is_true(make_job, app):
    job = make_job(rows(1_000), start=True, chunk_rows=200)
    assert (progress(job).step, progress(job).percent) == ("queued", 0)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        session.execute(
            update(Chunk)
            .where(Chunk.no < 2)
            .values(state="done", created=150, unchanged=50, finished_at=func.clock_timestamp())
        )
        session.execute(update(Job).values(started_at=func.now() - timedelta(seconds=4)))
    now = progress(job)
    assert (now.step, now.done, now.created, now.unchanged, now.percent) == ("writing", 400, 300, 100, 40)
    assert 50 < now.rate < 110
    assert 5 <= now.seconds_left <= 12


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ({"read_at": None}, "reading"),
        ({}, "writing"),
        ({"waiting": "Waiting for the customers service."}, "waiting"),
        ({"waiting": "Waiting.", "cancel_requested_at": func.now()}, "cancelling"),
        ({"state": "queued", "cancel_requested_at": func.now()}, "cancelling"),
        ({"rows": 0}, "ending"),
    ],
)
def test_the_step_tells_what_is_being_done(make_job, values, step):
    job = make_job(rows(10), start=True)
    with unit_of_work() as session:
        session.execute(update(Job).values(**{"state": "running", "read_at": func.now(), "rows": 10, **values}))
    assert progress(job).step == step


def test_the_guess_of_rows_follows_the_place_in_the_file(make_job):
    job = make_job(rows(10), start=True)
    with unit_of_work() as session:
        session.execute(update(Job).values(state="running", read_rows=100, read_bytes=Job.file_size / 4, read_failed=3))
    now = progress(job)
    assert (now.rows, now.done, now.failed) == (None, 3, 3)
    assert 380 < now.expected < 420


def test_old_files_are_swept_and_new_ones_stay(make_job, run, app, see):
    storage = app.extensions["liaison.storage"]
    fresh, old, forgotten = make_job(rows(2)), run(make_job("code,name\n1,bad\n", start=True)), make_job(rows(2))
    long_ago = func.now() - timedelta(days=31)
    with unit_of_work() as session:
        session.execute(update(Job).where(Job.id == old.id).values(finished_at=long_ago))
        session.execute(update(Job).where(Job.id == forgotten.id).values(created_at=long_ago))
    orphan = uuid.UUID(int=(uuid7().int >> 80) - 2 * 86_400_000 << 80 | 7 << 76)
    storage.write(f"imports/{orphan}/source", b"half an upload")
    half = uuid7()
    storage.write(f"imports/{half}/source.partial", b"just arriving")
    storage.write(f"imports/{fresh.id}/work/chunks/0.arrow", b"")
    tasks.sweep_files.run()
    assert set(storage.names("imports")) == {str(fresh.id), str(forgotten.id), str(half)}
    assert see(old).error_file is None
    assert see(forgotten).state == "cancelled"


def test_polars_is_not_there_when_a_worker_forks():
    program = "import sys, services.imports.app, services.imports.tasks; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("value", ["soon", "0", "-3", "10000"])
def test_a_lease_that_makes_no_sense_is_named(value):
    with pytest.raises(SettingsError, match="IMPORTS_LEASE_SECONDS"):
        imports_config({"IMPORTS_LEASE_SECONDS": value})


@pytest.mark.parametrize(("value", "most"), [("", None), ("0", None), ("250", 250_000_000)])
def test_files_may_be_of_any_size_unless_a_limit_is_set(value, most):
    assert imports_config({"UPLOAD_MAX_MB": value}).most_bytes == most


@pytest.mark.parametrize("value", ["-1", "1.5", "2 GB"])
def test_a_limit_of_files_that_makes_no_sense_is_named(value):
    with pytest.raises(SettingsError, match="UPLOAD_MAX_MB"):
        imports_config({"UPLOAD_MAX_MB": value})


def test_a_lease_is_longer_than_any_call_to_an_owner():
    for environment in ({}, {"IMPORTS_LEASE_SECONDS": "5"}):
        config = imports_config(environment)
        assert config.owner_seconds < config.lease.total_seconds()


@pytest.mark.parametrize(
    ("reason", "away"), [("ConnectError", True), ("503", True), ("500", False), ("ReadTimeout", False)]
)
def test_an_owner_that_fails_over_a_chunk_is_not_away(reason, away):
    assert is_away(ServiceUnavailable("customers", reason)) is away


def test_a_job_that_ended_is_not_read_another_way_even_when_its_file_is_gone(make_job, run, client, app):
    job = run(make_job(rows(3), start=True))
    app.extensions["liaison.storage"].delete(job.file_path)
    headers = {"If-Match": f'"{job.version}"'}
    answer = client.patch(f"/api/imports/v1/jobs/{job.id}", json={"encoding": "utf-8"}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (409, "job_ended")
    form = client.post(f"/imports/{job.id}/form", data={"encoding": "utf-8", "version": job.version})
    assert "come to its end already" in form.text
