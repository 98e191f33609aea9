"""The screens of imports: how-to (I2), progress (I7), an honest end (I8), the error file (I9)."""

import re
from html import unescape

import pytest
from sqlalchemy import event

from services.imports.domain import jobs
from services.imports.domain.jobs import Viewer
from services.imports.models import Job
from shared.db import read_only
from shared.testing import client_as
from tests.imports.nasty.files import READ, REFUSED, Nasty, Refused
from tests.imports.screens import GRACE, THREE, count_of, imported, job_at, upload, uploaded, words_on

# The list


def test_empty_list_tells_the_next_step(client):
    page = words_on(client.get("/imports"))
    assert "No imports yet" in page
    assert "Get a sample file" in page


def test_list_shows_own_jobs_and_with_the_permission_everybodys(app, client, make_job):
    make_job(THREE)
    other = make_job(THREE, viewer=GRACE)
    assert f"/imports/{other.id}" not in client.get("/imports").get_data(as_text=True)
    assert client.get(f"/imports/{other.id}").status_code == 404
    manager = client_as(app, "import", "jobs.all", name="Mia Manager")
    assert f"/imports/{other.id}" in manager.get("/imports").get_data(as_text=True)
    assert manager.get(f"/imports/{other.id}").status_code == 200


def test_who_may_only_see_jobs_is_offered_nothing_else(app, make_job, run):
    job = run(make_job(THREE, start=True))
    waiting = make_job(THREE)
    auditor = client_as(app, "jobs.all", name="Otto Auditor")
    assert "Upload" not in words_on(auditor.get("/imports"))
    assert "2 of 3 rows were imported" in words_on(auditor.get(f"/imports/{job.id}"))
    assert "Match the columns" not in words_on(auditor.get(f"/imports/{waiting.id}"))
    assert auditor.post(f"/imports/{waiting.id}/mapping").status_code == 403
    assert upload(auditor, THREE).status_code == 403


def test_without_permission_nothing_is_shown(app, make_job):
    job = make_job(THREE)
    stranger = client_as(app, "customers.view", name="Sam Stranger")
    for place in ("/imports", f"/imports/{job.id}", "/imports/fragments/running", "/imports/new/customers"):
        assert stranger.get(place).status_code == 403


def test_list_asks_again_only_while_something_is_at_work(client, make_job, run):
    job = make_job(THREE, start=True)
    assert 'hx-trigger="every 2s"' in client.get("/imports").get_data(as_text=True)
    assert 'hx-trigger="every 2s"' in client.get("/imports/fragments/running").get_data(as_text=True)
    run(job)
    assert "every 2s" not in client.get("/imports").get_data(as_text=True)
    assert "Completed with errors" in words_on(client.get("/imports/fragments/running"))


def test_fragment_for_the_home_page_is_quiet_without_jobs(client):
    assert words_on(client.get("/imports/fragments/running")) == "Nothing was imported or exported lately."


def test_list_costs_the_same_queries_for_many_jobs(app, client, make_job):
    def queries() -> int:
        made = []
        engine = app.extensions["liaison.engine"]
        event.listen(engine, "before_cursor_execute", lambda *call: made.append(call))
        assert client.get("/imports").status_code == 200
        return len(made)

    for start in (True, False):
        make_job(THREE, start=start)
    few = queries()
    for start in (True, False) * 5:
        make_job(THREE, start=start)
    assert queries() == few


def test_list_has_pages(client, make_job):
    for _ in range(22):
        make_job("code,name\n1,A\n")
    first = client.get("/imports").get_data(as_text=True)
    following = unescape(re.search(r'href="(/imports\?cursor=[^"]+)"', first).group(1))
    rest = client.get(following, headers={"HX-Request": "true", "HX-Target": "job-list"}).get_data(as_text=True)
    assert first.count('class="job-row"') == 20
    assert rest.count('class="job-row"') == 2
    assert "<html" not in rest


# Upload, how-to


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_file_that_is_no_csv_is_refused_with_a_sentence(client, case: Refused):
    response = upload(client, case.data)
    assert response.status_code == 422
    assert case.words in response.json["detail"]
    assert count_of(Job) == 0


def test_unknown_kind_is_refused(client):
    response = client.post("/imports/files?kind=dragons", data=b"a,b\n1,2\n")
    assert response.status_code == 404
    assert "dragons" in response.json["detail"]


def test_how_to_shows_instructions_and_fields(client):
    page = words_on(client.get("/imports/new/customers"))
    assert "One row is one thing." in page
    assert "Code" in page
    assert "needed" in page


def test_sample_file_goes_in_as_it_is(client, run):
    sample = client.get("/imports/new/customers/sample.csv")
    assert sample.data.startswith(b"\xef\xbb\xbf")
    place = uploaded(client, sample.data)
    assert words_on(client.get(place)).count("same name") == 4
    assert imported(client, run, place).created == 1


# The job


def test_job_at_work_is_watched_live(client, make_job):
    job = make_job(THREE, start=True)
    page = client.get(f"/imports/{job.id}").get_data(as_text=True)
    assert f'hx-sse:connect="/imports/{job.id}/events"' in page
    assert "<progress" in page
    assert "Waiting for its turn" in page


def test_stream_sends_fragments_and_the_end(client, make_job, run):
    job = run(make_job(THREE, start=True))
    body = client.get(f"/imports/{job.id}/events").get_data(as_text=True)
    assert 'data: <dl class="counts">' in body
    assert "event: end" in body
    assert "event: progress" not in body


def test_end_is_told_in_a_sentence_with_the_refused_rows(client, make_job, run):
    job = run(make_job(THREE, start=True))
    page = words_on(client.get(f"/imports/{job.id}"))
    assert "2 of 3 rows were imported: 2 created. 1 row was refused." in page
    assert "3 name Name: not a name. invalid" in page
    assert "1 name : not valid" in page
    again = run(make_job(THREE.replace("002,bad Bolt,\n", ""), start=True))
    assert "All 2 rows were there already" in words_on(client.get(f"/imports/{again.id}"))


def test_refused_rows_come_back_corrected_without_matching(client, run, owner):
    place = uploaded(client, "Number;Who;Mail\n007;bad Bolt;b@bolt.example\n008;Cog;\n", "things.csv")
    job = imported(client, run, place, **{"column.0": "code", "column.1": "name", "column.2": "email", "match": "code"})
    assert (job.created, job.failed) == (1, 1)
    refused = client.get(f"{place}/refused.csv")
    assert "filename=things-errors.csv" in refused.headers["Content-Disposition"]
    assert refused.data.decode() == (
        "Number;Who;Mail;_line;_column;_code;_message\r\n"
        "007;bad Bolt;b@bolt.example;2;Who;invalid;Name: not a name.\r\n"
    )
    corrected = uploaded(client, refused.data.replace(b"bad Bolt", b"Bolt"), "things-errors.csv")
    assert "it says why the row was refused" in words_on(client.get(corrected))
    job = imported(client, run, corrected)
    assert (job.created, job.failed) == (1, 0)
    assert owner.things()["007"][0] == "Bolt"


def test_export_that_comes_back_tells_what_is_left_out_and_why(client, run, owner):
    place = uploaded(client, "Code,Name,_status,_liaison\n007,Bolt,active,v1\n", "things.csv")
    page = words_on(client.get(place))
    assert "it tells what no import changes" in page
    assert "it marks a file that Liaison wrote" in page
    assert "kept as an attribute" not in page
    assert imported(client, run, place).created == 1


def test_many_refused_rows_are_shown_in_parts(client, make_job, run):
    job = run(make_job("code,name\n" + "".join(f"{n},bad {n}\n" for n in range(250)), start=True))
    page = client.get(f"/imports/{job.id}").get_data(as_text=True)
    assert "All 250 rows were refused." in page
    assert page.count("<code>invalid</code>") == 100
    following = re.search(r'hx-get="(/imports/[^"]+/refusals/\d+)"', page).group(1)
    assert client.get(following).get_data(as_text=True).count("<code>invalid</code>") == 100


def test_waiting_job_is_discarded(client):
    place = uploaded(client, THREE)
    assert "Nothing of it was imported." in words_on(client.get(f"{place}/cancel"))
    assert client.post(f"{place}/cancel").headers["Location"] == "/imports"
    assert job_at(place).state == "cancelled"
    assert "Stopped before any row was imported." in words_on(client.get(place))


def test_job_at_work_is_stopped(client, make_job, run):
    job = make_job(THREE, start=True)
    assert "stays" in words_on(client.get(f"/imports/{job.id}/cancel"))
    assert client.post(f"/imports/{job.id}/cancel").headers["Location"] == f"/imports/{job.id}"
    assert run(job).state == "cancelled"
    assert client.post(f"/imports/{job.id}/cancel").status_code == 409


def test_result_can_be_read_while_the_owner_is_away(app, client, make_job, run, monkeypatch):
    job = run(make_job(THREE, start=True))
    owner = app.extensions["imports.owners"].of("customers")
    monkeypatch.setattr(owner, "_target", None)
    monkeypatch.setattr(owner, "client", type(owner.client)(app.extensions["liaison.settings"], "portal"))
    assert "2 of 3 rows were imported" in words_on(client.get(f"/imports/{job.id}"))
    assert client.get("/imports").status_code == 200


# Wrong input, from the upload to the end


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_every_other_row_is_imported_when_one_is_nasty(client, run, case: Nasty):
    place = uploaded(client, case.data)
    if case.declared:
        client.post(f"{place}/form", data={"encoding": case.declared, "delimiter": ",", "has_header": "true"})
    job = imported(client, run, place)
    assert (job.created, job.failed, job.rows) == (case.good, len(case.faults), case.good + len(case.faults))
    assert job.state == ("completed_with_errors" if case.faults else "completed")
    with read_only() as session:
        refusals = jobs.list_refusals(session, Viewer(job.created_by, ""), job.id)
    assert [(refusal.row, refusal.line, refusal.code) for refusal in refusals] == case.faults
    page = words_on(client.get(place))
    for _, line, code in case.faults:
        assert re.search(rf"{line:,} .*\. {code}", page)
    assert (client.get(f"{place}/refused.csv").status_code == 200) == bool(case.faults)


def test_same_code_twice_names_the_first_line(client, run):
    job = imported(client, run, uploaded(client, "code,name\nA1,Acme\nB2,Bolt\n a1 ,Again\n"))
    assert (job.created, job.failed) == (2, 1)
    page = words_on(client.get(f"/imports/{job.id}"))
    assert "came before, on line 2." in page
