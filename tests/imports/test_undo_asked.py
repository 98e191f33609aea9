"""Who may ask for an undo, when, and what they are shown of it (I10)."""

import csv
import io
import json

import pytest
from sqlalchemy import func, update

from services.imports.domain import jobs
from services.imports.models import Job, Kept
from shared.db import unit_of_work
from shared.errors import Conflict
from shared.testing import client_as
from tests.imports.conftest import ADA, rows
from tests.imports.undoing import UMA, ask, touch, work


def days_ago(job, days):
    with unit_of_work() as session:
        moved = func.now() - func.make_interval(0, 0, 0, days)
        session.execute(update(Job).where(Job.id == job.id).values(finished_at=moved))


@pytest.fixture
def uma(app):
    return client_as(app, "undo", "jobs.all", name=UMA.name, user_id=UMA.user_id)


def refused(uma, job):
    answer = uma.post(f"/api/imports/v1/jobs/{job.id}/undo")
    return answer.status_code, answer.get_json()["code"]


def test_a_second_undo_is_refused_and_says_who_was_first(make_job, run, see, uma):
    job = run(make_job(rows(3), start=True))
    ask(job)
    work(job, see)
    answer = uma.post(f"/api/imports/v1/jobs/{job.id}/undo")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "job_undone")
    assert answer.get_json()["detail"].startswith("Uma Undoer took this import back on ")


def test_an_undo_while_it_is_undone_is_the_same_one(make_job, run, uma):
    job = run(make_job(rows(3), start=True))
    answers = [uma.post(f"/api/imports/v1/jobs/{job.id}/undo") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({json.dumps(answer.get_json()) for answer in answers}) == 1


def test_thirty_days_are_the_end(make_job, run, uma):
    job = run(make_job(rows(3), start=True))
    days_ago(job, 29)
    assert uma.get(f"/api/imports/v1/jobs/{job.id}").get_json()["undo_until"]
    days_ago(job, 31)
    assert refused(uma, job) == (409, "undo_too_late")
    assert uma.get(f"/api/imports/v1/jobs/{job.id}").get_json()["undo_until"] is None
    with pytest.raises(Conflict, match=r"ended on \d+ \w+ \d{4}\.$"):
        ask(job)


def test_what_changed_nothing_has_nothing_to_take_back(make_job, run, uma):
    run(make_job("code,name\n1,A\n", start=True))
    same = run(make_job("code,name\n1,A\nX,bad\n", start=True))
    waiting = make_job(rows(3))
    assert [refused(uma, job) for job in (same, waiting)] == [(409, "nothing_to_undo")] * 2
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, waiting.id)
    assert refused(uma, waiting) == (409, "nothing_to_undo")


def test_one_that_is_checked_only_has_nothing_to_take_back(make_job, uma):
    job = make_job(rows(3))
    with unit_of_work() as session:
        session.execute(update(Job).values(state="ready"))
    assert refused(uma, job) == (409, "nothing_to_undo")


def test_one_at_work_is_stopped_first(make_job, uma):
    assert refused(uma, make_job(rows(3), start=True)) == (409, "job_at_work")


def test_an_undo_cannot_be_stopped_nor_the_import_started_anew(make_job, run, client):
    job = run(make_job(rows(3), start=True))
    ask(job)
    codes = [client.post(f"/api/imports/v1/jobs/{job.id}/{what}").get_json()["code"] for what in ("cancel", "start")]
    assert codes == ["job_undoing", "job_ended"]


def test_it_needs_its_permission_and_the_sight_of_the_job(make_job, run, app, client):
    job = run(make_job(rows(3), start=True))
    assert client.post(f"/api/imports/v1/jobs/{job.id}/undo").status_code == 403
    stranger = client_as(app, "undo", "import", name="Stan Stranger")
    assert stranger.post(f"/api/imports/v1/jobs/{job.id}/undo").status_code == 404
    assert client.get(f"/imports/{job.id}/undo").status_code == 403


# What is shown


def test_what_stayed_is_listed_and_given_out(make_job, run, see, owner, uma):
    job = run(make_job('code,name\n1,A\n"=2+3",B\n3,C\n', start=True))
    touch(owner, "1", "=2+3")
    ask(job)
    work(job, see)
    first = uma.get(f"/api/imports/v1/jobs/{job.id}/kept?limit=1").get_json()
    then = uma.get(f"/api/imports/v1/jobs/{job.id}/kept?limit=1&cursor={first['next']}").get_json()
    assert {one["label"] for one in (*first["items"], *then["items"])} == {"1", "=2+3"}
    assert then["next"] is None
    shown = uma.get(f"/api/imports/v1/jobs/{job.id}").get_json()
    assert shown["undo"]["kept"] == 2
    file = uma.get(shown["undo"]["kept_file"])
    assert "filename=things-kept.csv" in file.headers["Content-Disposition"]
    lines = list(csv.reader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert lines[0] == ["Record", "Name", "Field", "Reason", "Why", "Address"]
    assert sorted(line[1] for line in lines[1:]) == ["'=2+3", "1"]
    assert lines[1][5].startswith("http://localhost/things/")


def test_nothing_kept_is_no_file(make_job, run, uma):
    job = run(make_job(rows(3), start=True))
    answer = uma.get(f"/api/imports/v1/jobs/{job.id}/kept-file")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "nothing_kept")


@pytest.fixture
def person(app):
    return client_as(app, "undo", "import", name=ADA.name, user_id=ADA.user_id)


def test_the_screen_asks_first_and_tells_the_end(make_job, run, see, owner, person, app):
    job = run(make_job("code,name\n1,A\n2,B\n", start=True))
    page = person.get(f"/imports/{job.id}").get_data(as_text=True)
    assert f'data-dialog="/imports/{job.id}/undo"' in page
    assert f'data-dialog="/imports/{job.id}/undo"' in person.get(f"/imports/{job.id}/menu").get_data(as_text=True)
    question = person.get(f"/imports/{job.id}/undo").get_data(as_text=True)
    assert "added 2 and changed 0 things" in question
    touch(owner, "1")
    assert person.post(f"/imports/{job.id}/undo").headers["Location"] == f"/imports/{job.id}"
    live = person.get(f"/imports/{job.id}").get_data(as_text=True)
    assert "Undoing" in live
    assert "player-stop" not in live
    assert "/cancel" not in live + person.get(f"/imports/{job.id}/menu").get_data(as_text=True)
    work(job, see)
    page = person.get(f"/imports/{job.id}").get_data(as_text=True)
    assert "The import was taken back in part. 1 removed, 1 stayed." in page
    assert "Ben changed it." in page
    assert 'href="/things/1"' in page
    assert f"/imports/{job.id}/kept.csv" in page
    assert f'data-dialog="/imports/{job.id}/undo"' not in page
    assert person.get(f"/imports/{job.id}/kept.csv").status_code == 200
    assert person.get(f"/imports/{job.id}/undo").status_code == 409
    assert "Partly undone" in person.get("/imports").get_data(as_text=True)


def test_the_screen_offers_nothing_that_is_not_permitted(make_job, run, client):
    job = run(make_job(rows(3), start=True))
    for place in (f"/imports/{job.id}", f"/imports/{job.id}/menu"):
        assert f"/imports/{job.id}/undo" not in client.get(place).get_data(as_text=True)


def test_much_that_stayed_is_shown_in_parts(make_job, run, see, owner, person):
    job = run(make_job(rows(3), start=True))
    with unit_of_work() as session:
        values = {"record": "thing", "url": "/things/1", "reason": "changed", "message": "Ben changed it."}
        session.add_all(Kept(job_id=job.id, label=f"Thing {number}", **values) for number in range(250))
        session.execute(update(Job).values(state="partly_undone", kept=250, undone_at=func.now()))
    page = person.get(f"/imports/{job.id}").get_data(as_text=True)
    assert page.count("Ben changed it.") == 100
    following = page.partition('hx-get="/imports/')[2].partition('"')[0]
    assert person.get(f"/imports/{following}").get_data(as_text=True).count("Ben changed it.") == 100
