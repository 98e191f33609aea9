"""A job from its file to its end, step by step, on real databases (product rows I6, I8, I9, I11)."""

from tests.imports.conftest import rows


def counts(job):
    return {name: getattr(job, name) for name in ("rows", "created", "updated", "unchanged", "skipped", "failed")}


def test_every_row_is_accounted_for(make_job, run, owner):
    job = run(make_job(rows(1_000) + "T000001,Again\nX,bad one\nY\n", start=True, chunk_rows=200))
    assert job.state == "completed_with_errors"
    assert counts(job) == {"rows": 1_003, "created": 1_000, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 3}
    assert len(owner.things()) == 1_000
    assert owner.finished == [str(job.id)]
