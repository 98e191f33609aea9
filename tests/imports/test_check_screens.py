"""Checking a file before its import, on the screens and by the API (product row I5)."""

import json
import re
import uuid

import pytest

from services.imports import tasks
from services.imports.models import Job
from services.imports.pages.wording import forecast
from shared.bulk import COUNTS
from shared.db import read_only
from shared.testing import client_as
from tests.imports.conftest import rows
from tests.imports.screens import form_on, imported, uploaded, words_on

API = "/api/imports/v1"
FILE = "code,name,Color\n1,A,red\n2,New <b>,blue\n3,C,\n4,bad one,\n5\n"


def job_at(place: str) -> Job:
    with read_only() as session:
        return session.get_one(Job, uuid.UUID(place.rpartition("/")[2]))


def check_at(client, place: str, **changes: str):
    values = {**form_on(client.get(place).get_data(as_text=True)), "then": "check", **changes}
    return client.post(f"{place}/mapping", data=values)


def work(job):
    tasks.read_file.run(str(job.id))
    tasks.send_chunks.run(job.queue)
    tasks.end_job.run(str(job.id))


@pytest.fixture
def place(client, run):
    """A file whose check is done; two things of it are there already."""
    imported(client, run, uploaded(client, "code,name\n1,A\n2,B\n"))
    place = uploaded(client, FILE, "things.csv")
    assert check_at(client, place).headers["Location"] == place
    work(job_at(place))
    return place


# On the screen


def test_a_file_is_checked_from_the_matching_screen_and_watched(client):
    place = uploaded(client, FILE)
    assert re.search(r'name="then" value="check"', client.get(place).get_data(as_text=True))
    check_at(client, place)
    page = client.get(place)
    assert "Nothing is imported yet: the whole file is only looked at." in words_on(page)
    assert "To create" in words_on(page)
    assert f'action="{place}/check/drop"' in page.get_data(as_text=True)
    assert 'hx-trigger="every 2s"' in client.get("/imports").get_data(as_text=True)
    work(job_at(place))
    stream = client.get(f"{place}/events").get_data(as_text=True)
    assert "event: end" in stream


def test_the_result_tells_counts_fields_samples_and_reasons(client, place):
    page = words_on(client.get(place))
    assert "An import would create 1, update 1, leave 1 as they are and refuse 2 of 5 rows." in page
    assert "To create 1 To update 1 Unchanged 1 Skipped 0 Refused 2" in page
    assert "What updates would change 1 row Name 2 line 3 Name: B would become New <b>" in page
    assert "What would be created Line Code Name 4 3 C" in page
    assert "Rows that would be refused" in page
    assert "5 name Name: not a name. invalid" in page
    assert b"New <b>" not in client.get(place).data
    refused = client.get(f"{place}/refused.csv").data.decode().splitlines()
    assert [line.split(",")[0] for line in refused] == ["code", "4", "5"]
    listed = words_on(client.get("/imports"))
    assert "Checked" in listed
    assert "5 rows" in listed


def test_a_check_by_which_all_rows_would_be_refused_offers_no_import_but_what_to_do(client):
    place = uploaded(client, "code,name\n1,bad\n2,bad\n")
    check_at(client, place)
    work(job_at(place))
    page = client.get(place)
    assert "All 2 rows would be refused." in words_on(page)
    assert "change the matching" in words_on(page)
    assert "Import the others now" not in words_on(page)
    assert f'action="{place}/start"' not in page.get_data(as_text=True)
    assert f'action="{place}/check/drop"' in page.get_data(as_text=True)
    assert f'href="{place}/refused.csv"' in page.get_data(as_text=True)


def test_an_import_goes_on_from_the_check_and_tells_a_difference(client, place, run, make_job):
    run(make_job("code,name\n3,C\n", start=True))
    for _ in range(2):  # pressed twice
        assert client.post(f"{place}/start").headers["Location"] == place
    run(job_at(place))
    page = words_on(client.get(place))
    assert "3 of 5 rows were imported: 1 updated, 2 unchanged. 2 rows were refused." in page
    assert "The check had told 1 created and 1 unchanged; it became 0 created and 2 unchanged" in page


def test_the_matching_can_be_changed_after_a_check(client, place, run):
    assert client.post(f"{place}/check/drop").headers["Location"] == place
    page = client.get(place)
    assert "Match the columns" in words_on(page)
    assert "An import would" not in words_on(page)
    assert f"{place}/refused.csv" not in page.text
    values = {**form_on(page.get_data(as_text=True)), "column.2": "email"}
    client.post(f"{place}/mapping", data=values)
    assert run(job_at(place)).created == 1


@pytest.mark.parametrize("then", ["start", "check"])
def test_a_file_that_somebody_matched_otherwise_since_is_not_taken_unseen(client, place, then):
    page = client.get(place).get_data(as_text=True)
    [seen] = re.findall(
        rf'action="{place}/{then}" method="post"><input type="hidden" name="version" value="(\d+)"', page
    )
    client.post(f"{place}/check/drop")
    check_at(client, place, **{"column.1": ""}, constant_field="name", constant_value="Other")
    work(job_at(place))
    assert job_at(place).state == "ready"
    late = client.post(f"{place}/{then}", data={"version": seen})
    assert (late.status_code, "changed by somebody else" in words_on(late)) == (412, True)
    assert job_at(place).state == "ready"
    for _ in range(2):  # pressed twice
        assert client.post(f"{place}/{then}", data={"version": job_at(place).version}).location == place


def test_a_check_can_be_done_again(client, place, run, make_job):
    run(make_job("code,name\n3,C\n", start=True))
    client.post(f"{place}/check")
    work(job_at(place))
    assert "An import would update 1, leave 2 as they are and refuse 2 of 5 rows." in words_on(client.get(place))


def test_a_check_at_work_is_stopped_and_its_columns_stay(client):
    place = uploaded(client, FILE)
    check_at(client, place)
    client.post(f"{place}/check/drop")
    assert job_at(place).state == "mapped"
    assert "Match the columns" in words_on(client.get(place))


def test_a_form_that_comes_while_the_file_is_checked_is_refused(client):
    place = uploaded(client, FILE)
    check_at(client, place)
    late = client.post(f"{place}/mapping", data={"column.0": "code", "column.1": "name", "match": "code"})
    assert late.status_code == 409
    assert "is being checked just now" in words_on(late)


@pytest.mark.parametrize("state", ["checking", "ready"])
def test_a_checked_file_is_discarded(client, place, state):
    if state == "checking":
        client.post(f"{place}/check")
    assert "Nothing of it was imported." in words_on(client.get(f"{place}/cancel"))
    assert "Discard" in words_on(client.get(f"{place}/menu"))
    assert client.post(f"{place}/cancel").headers["Location"] == "/imports"
    page = words_on(client.get(place))
    assert "Stopped before any row was imported." in page
    assert "refused" not in page


def test_who_may_only_see_jobs_sees_the_result_and_no_button(app, client, place):
    auditor = client_as(app, "jobs.all", name="Otto Auditor")
    page = auditor.get(place).get_data(as_text=True)
    assert "An import would create" in page
    assert f'action="{place}' not in page
    assert f"{place}/cancel" not in page
    for path in ("check", "check/drop", "start"):
        assert auditor.post(f"{place}/{path}").status_code == 403


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 0, 0, 0, 0), "There is nothing to import."),
        ((1, 0, 0, 0, 0, 1), "The only row would be refused."),
        ((5, 0, 0, 0, 0, 5), "All 5 rows would be refused."),
        ((5, 0, 0, 5, 0, 0), "All 5 rows were there already, just as in the file: an import would change nothing."),
        ((1, 1, 0, 0, 0, 0), "An import would create 1 of 1 row."),
        (
            (9, 1, 2, 1, 2, 3),
            "An import would create 1, update 2, leave 1 as they are, skip 2 and refuse 3 of 9 rows.",
        ),
    ],
)
def test_a_forecast_is_one_sentence(counts, words):
    assert forecast(dict(zip(("rows", *COUNTS), counts, strict=True))) == words


# By the API


@pytest.fixture
def mapped(make_job, run):
    run(make_job("code,name\n1,A\n2,B\n", start=True))
    job = make_job("code,name\n1,A\n2,New\n3,C\n4,bad\n")
    return f"{API}/jobs/{job.id}"


def work_on(path):
    with read_only() as session:
        work(session.get_one(Job, uuid.UUID(path.rpartition("/")[2])))


def test_a_check_is_begun_told_and_imported(client, mapped, app):
    app.extensions["liaison.celery"].sent.clear()
    begun = client.post(f"{mapped}/check")
    assert (begun.status_code, begun.json["state"], begun.json["check"]) == (202, "checking", None)
    assert app.extensions["liaison.celery"].sent == [("imports.read_file", (begun.json["id"],))]
    assert client.post(f"{mapped}/check").json["version"] == begun.json["version"]
    work_on(mapped)
    ready = client.get(mapped).json
    assert ready["state"] == "ready"
    assert ready["counts"] == {"rows": 4, "created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0}
    check = ready["check"]
    assert check["counts"] == {"rows": 4, "created": 1, "updated": 1, "unchanged": 1, "skipped": 0, "failed": 1}
    assert check["fields"] == [{"field": "name", "rows": 1}]
    assert check["sample"]["updated"] == [
        {"row": 2, "line": 3, "record": "2", "changes": [{"field": "name", "old": "B", "new": "New"}], "more": 0}
    ]
    assert check["sample"]["created"][0]["values"][0] == {"field": "code", "value": "3"}
    assert check["sample"]["refused"][0]["code"] == "invalid"
    assert check["difference"] is None
    assert client.get(f"{mapped}/refusals").json["items"][0]["line"] == 5
    assert client.get(ready["error_file"]).text.splitlines()[1].startswith("4,bad,5,")
    app.extensions["liaison.celery"].sent.clear()
    assert client.post(f"{mapped}/start").json["state"] == "running"
    assert [name for name, _ in app.extensions["liaison.celery"].sent] == ["imports.send_chunks", "imports.end_job"]
    work_on(mapped)
    done = client.get(mapped).json
    assert done["counts"] == check["counts"]
    assert done["check"] == check


def test_while_a_file_is_checked_nothing_is_counted_as_done(client, mapped):
    client.post(f"{mapped}/check")
    with read_only() as session:
        job = session.get_one(Job, uuid.UUID(mapped.rpartition("/")[2]))
    tasks.read_file.run(str(job.id))
    tasks.send_chunks.run("short")
    told = client.get(mapped).json
    assert (told["progress"]["step"], told["progress"]["done"]) == ("checking", 4)
    assert [told["counts"][name] for name in COUNTS] == [0] * 5


def test_what_does_not_fit_is_refused_by_code(client, mapped):
    version = client.get(mapped).json["version"]
    assert client.post(f"{mapped}/check", headers={"If-Match": '"77"'}).json["code"] == "stale"
    client.post(f"{mapped}/check", headers={"If-Match": f'"{version}"'})
    late = client.patch(mapped, json={"mode": "update"}, headers={"If-Match": f'"{version + 1}"'})
    assert (late.status_code, late.json["code"]) == (409, "job_checking")
    assert client.post(f"{mapped}/start").json["code"] == "job_checking"
    work_on(mapped)
    client.post(f"{mapped}/start")
    for method in (client.post, client.delete):
        assert method(f"{mapped}/check").json["code"] == "job_started"
    work_on(mapped)
    for method in (client.post, client.delete):
        assert method(f"{mapped}/check").json["code"] == "job_ended"


def test_a_check_is_thrown_away_by_hand_or_by_another_matching(client, mapped):
    for throw_away in (
        lambda: client.delete(f"{mapped}/check"),
        lambda: client.patch(mapped, json={"mode": "create"}, headers={"If-Match": client.get(mapped).headers["ETag"]}),
    ):
        client.post(f"{mapped}/check")
        work_on(mapped)
        thrown = throw_away()
        assert thrown.status_code == 200
        assert (thrown.json["state"], thrown.json["check"], thrown.json["error_file"]) == ("mapped", None, None)
        assert client.get(f"{mapped}/refusals").json["items"] == []
    version = thrown.json["version"]
    assert client.delete(f"{mapped}/check").json["version"] == version


def test_a_check_is_watched_to_its_end(client, mapped):
    client.post(f"{mapped}/check")
    work_on(mapped)
    events = client.get(f"{mapped}/events").text.strip().split("\n\n")
    assert json.loads(events[1].partition("data: ")[2])["state"] == "ready"
    assert events[-1] == "event: end\nid: end\ndata: ready"


def test_the_check_of_somebody_else_is_not_there(app, mapped):
    other = client_as(app, "import", name="Bob")
    for method in (other.post, other.delete):
        assert method(f"{mapped}/check").json["code"] == "job_not_found"


def test_the_result_of_a_wide_file_stays_small(client, make_job, check):
    header = ",".join(["code", "name", *(f"column {at}" for at in range(198))])
    wide = "".join(f"\n{at},N{'x' * 900},{','.join(['y' * 300] * 198)}" for at in range(40))
    job = check(make_job(header + wide))
    assert job.promise["counts"]["created"] == 40
    assert len(json.dumps(job.promise)) < 20_000
    assert len(words_on(client.get(f"/imports/{job.id}"))) < 30_000


def test_jobs_that_are_ready_can_be_listed(client, make_job, check):
    job = check(make_job(rows(2)))
    assert [one["id"] for one in client.get(f"{API}/jobs?state=ready").json["items"]] == [str(job.id)]
