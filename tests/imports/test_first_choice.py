"""What a file begins with: as the job that refused its rows, as saved, as last time, or by names (I4, I9)."""

import io
import uuid
from dataclasses import replace

import pytest

from services.imports.domain import jobs, uploads
from services.imports.domain.first_choice import first_choice
from services.imports.domain.jobs import Options
from services.imports.domain.mapping import Mapping
from services.imports.domain.sniffing import sniff_file
from services.imports.domain.target import Target
from shared.db import read_only, unit_of_work
from shared.testing import client_as
from tests.imports.conftest import ADA
from tests.imports.owner import TARGET
from tests.imports.screens import GRACE, form_on, job_at, uploaded, words_on

API = "/api/imports/v1"
FILE = "Nr,What,Extra\n1,bad,x\n2,Bolt,y\n3,bad too,z\n"
OTHER = "Nr,What,Extra\n1,Acme,x\n2,Bolt,y\n3,Cog,z\n4,bad,z\n"
AS_USED = {"Nr": "code", "What": "name", "Extra": "email"}
AS_SAVED = {
    "columns": {"nr": "code", "Extra": "state"},
    "constants": {"name": "All"},
    "keep_unmapped": False,
    "values": {"Extra": {"x": "active"}},
    "blanks": {"nr": "keep"},
}
CHOSEN = {"mode": "update", "match": "email", "blank": "clear", "repeated": "fold", "newer": "overwrite"}
THINGS = Target.from_json(TARGET)
BOSS = replace(GRACE, sees_all=True)


@pytest.fixture
def saved(client):
    """A mapping that is saved for the columns of FILE, spelt a little otherwise."""
    body = {"kind": "customers", "name": "Monthly", "header": ["What", "EXTRA", "nr"], "mapping": AS_SAVED}
    return client.post(f"{API}/mappings", json=body).json


@pytest.fixture
def refused(app, make_job, run):
    """refused(FILE, mode="update") -> the job that refused rows of it, and its error file."""

    def do(content, columns=AS_USED, **options):
        job = run(make_job(content, columns=columns, start=True, **options))
        with app.extensions["liaison.storage"].open(job.error_file) as file:
            return job, file.read()

    return do


@pytest.fixture
def begin(app):
    """begin(content, viewer) -> what the file of a new job begins with."""

    def do(content, viewer=ADA, target=THINGS, **asked):
        data, storage = (content if isinstance(content, bytes) else content.encode()), app.extensions["liaison.storage"]
        received = uploads.receive_file(storage, io.BytesIO(data), len(data))
        with unit_of_work() as session:
            job = jobs.create_job(session, viewer, "customers", "new.csv", received, sniff_file(io.BytesIO(data)))
        with read_only() as session:
            return first_choice(session, viewer, job, target, **asked)

    return do


def matches_of(client, content, **query):
    job = client.post(f"{API}/uploads", query_string={"kind": "customers", "filename": "fixed.csv"}, data=content).json
    answer = client.get(f"{API}/jobs/{job['id']}/matches", query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_an_error_file_begins_as_the_job_that_wrote_it_before_any_saved_mapping(client, refused, saved):
    job, file = refused(FILE, **CHOSEN)
    found = matches_of(client, file)
    assert (found["source"], found["saved"]) == ("error_file", None)
    assert (found["job"]["id"], found["job"]["file_name"]) == (str(job.id), "things.csv")
    assert found["mapping"] == {**job.mapping, "columns": AS_USED}
    assert found["options"] == {**CHOSEN, "associates": "add", "create_associates": False}
    assert [one["how"] for one in found["items"]] == ["saved"] * 3 + ["own"] * 4


def test_the_screen_of_an_error_file_is_as_the_job_that_wrote_it_and_says_so(client, refused, saved):
    job, file = refused(FILE, **CHOSEN)
    page = client.get(uploaded(client, file))
    form = form_on(page.get_data(as_text=True))
    assert {f"Column {at}": form.get(f"column.{at}") for at in range(4)} == {
        "Column 0": "code",
        "Column 1": "name",
        "Column 2": "email",
        "Column 3": None,
    }
    assert {name: form[name] for name in ("mode", "match", "blank", "repeated")} == {
        name: CHOSEN[name] for name in ("mode", "match", "blank", "repeated")
    }
    assert "Rows that were refused in things.csv of" in words_on(page)
    assert f'href="/imports/{job.id}"' in page.get_data(as_text=True)


def test_the_error_file_of_a_check_begins_as_that_check(make_job, check, app, client):
    job = check(make_job(FILE, columns=AS_USED, mode="create"))
    with app.extensions["liaison.storage"].open(job.error_file) as file:
        found = matches_of(client, file.read())
    assert (found["source"], found["options"]["mode"]) == ("error_file", "create")


def test_of_two_jobs_with_these_columns_it_is_the_one_that_refused_these_rows(begin, refused):
    first, of_first = refused(FILE, mode="update")
    second, of_second = refused(OTHER, mode="create")
    assert begin(of_first).job.id == first.id
    assert begin(of_second).job.id == second.id
    head, *lines = of_first.decode().splitlines()
    sorted_and_fixed = "\n".join([head, *(line.replace("bad", "good") for line in lines[::-1])])
    assert begin(sorted_and_fixed).job.id == first.id
    wider = "\n".join(f"{line},{more}" for line, more in zip([head, *lines], ("New", "n", "n"), strict=True))
    assert begin(wider).job.id == first.id
    assert begin(wider).mapping.columns == AS_USED


@pytest.mark.parametrize("row", ["1,good,x,,,,", "1,good,x,77,Nr,invalid,No.", "1,good,x,4x,Nr,other,No."])
def test_an_error_file_that_no_job_of_theirs_wrote_is_as_any_other(begin, refused, row):
    refused(FILE, mode="update")
    assert begin(f"Nr,What,Extra,_line,_column,_code,_message\n{row}\n").job is None


def test_the_columns_alone_make_no_error_file_of_it(begin, refused, saved):
    refused(FILE, mode="update")
    found = begin(FILE)
    assert (found.source, found.saved.name, found.job, found.options.mode) == ("saved", "Monthly", None, "both")


def test_a_colleague_sees_only_what_they_may_see(begin, refused, saved, app):
    job, file = refused(FILE, mode="update")
    assert (begin(file, BOSS).source, begin(file, BOSS).job.id) == ("error_file", job.id)
    found = begin(file, GRACE)
    assert (found.source, found.job, found.options.mode) == ("saved", None, "both")
    for permissions, source in ((("import",), "saved"), (("import", "jobs.all"), "error_file")):
        colleague = client_as(app, *permissions, name="Bob", user_id=uuid.UUID(int=len(permissions)))
        answer = matches_of(colleague, file)
        assert (answer["source"], answer["job"] is not None) == (source, source == "error_file")
        words = words_on(colleague.get(uploaded(colleague, file)))
        assert ("things.csv" in words) == (source == "error_file")


def test_what_somebody_may_not_choose_is_not_taken_over(begin, refused):
    _, file = refused(FILE, create_associates=True, associates="replace")
    barred = replace(ADA, hidden=frozenset({"associates"}))
    assert (begin(file).options.create_associates, begin(file, barred).options.create_associates) == (True, False)
    assert begin(file, barred).options.associates == "replace"


def test_a_saved_mapping_that_is_chosen_comes_before_and_leaves_how_rows_are_applied(client, refused, saved):
    job, file = refused(FILE, mode="update", match="code")
    found = matches_of(client, file, saved=saved["id"])
    assert (found["source"], found["saved"]["name"], found["job"]["id"]) == ("saved", "Monthly", str(job.id))
    assert found["mapping"]["constants"] == AS_SAVED["constants"]
    assert found["options"]["mode"] == "update"
    page = words_on(client.get(f"{uploaded(client, file)}?saved={saved['id']}"))
    assert "Matched as saved in Monthly by Ada Admin. What to do with the rows is as in things.csv" in page


def test_a_matching_anew_forgets_all_of_it(client, refused):
    _, file = refused(FILE, mode="update")
    page = client.get(f"{uploaded(client, file)}?saved=none")
    assert form_on(page.get_data(as_text=True))["mode"] == "both"
    assert "things.csv" not in words_on(page)


def test_a_saved_mapping_is_told_whole_however_the_file_spells_its_columns(client, saved):
    found = matches_of(client, "Nr,what,extra\n1,A,x\n")
    assert (found["source"], found["saved"]["id"], found["job"]) == ("saved", saved["id"], None)
    assert found["mapping"] == {
        "columns": {"Nr": "code", "extra": "state"},
        "constants": {"name": "All"},
        "keep_unmapped": False,
        "values": {"extra": {"x": "active"}},
        "blanks": {"Nr": "keep"},
    }
    place = uploaded(client, "Nr,what,extra\n1,A,x\n")
    values = {**form_on(client.get(place).get_data(as_text=True)), "then": "wait"}
    values |= {"constant_field": "name", "constant_value": "All"}
    client.post(f"{place}/mapping", data=values)
    assert job_at(place).mapping == found["mapping"]


def test_an_earlier_import_is_taken_up_by_screens_only(begin, make_job, run):
    job = run(make_job(OTHER, columns=AS_USED, start=True, mode="create"))
    on_screen, by_script = begin(OTHER, own_earlier=True), begin(OTHER)
    assert (on_screen.source, on_screen.job.id, on_screen.options.mode) == ("earlier", job.id, "create")
    assert (by_script.source, by_script.job, by_script.options) == ("names", None, Options())


def test_a_saved_mapping_of_another_kind_is_not_there(client):
    body = {"kind": "vendors", "name": "V", "header": ["a"], "mapping": {"columns": {"a": "name"}}}
    vendors = client.post(f"{API}/mappings", json=body).json["id"]
    job = client.post(f"{API}/uploads", query_string={"kind": "customers"}, data="a\n1\n").json["id"]
    for wrong in (vendors, uuid.uuid4()):
        answer = client.get(f"{API}/jobs/{job}/matches", query_string={"saved": wrong})
        assert (answer.status_code, answer.json["code"]) == (404, "mapping_not_found")


def test_whose_records_these_are_is_not_taken_over(app, make_job, run, begin):
    key = {"name": "contact", "field": "state", "rule": "code", "label": "Of", "apart": [["email"], ["name"]]}
    target = Target.from_json({**TARGET, "keys": [key]})
    made = make_job(FILE, columns=AS_USED)
    known = Mapping(AS_USED, {"state": "active"}).to_json()
    with unit_of_work() as session:
        jobs.change_mapping(session, ADA, made.id, None, mapping=known)
        jobs.start_job(session, ADA, made.id)
    job = run(made)
    with app.extensions["liaison.storage"].open(job.error_file) as file:
        found = begin(file.read(), target=target)
    assert (found.source, found.mapping.columns, found.mapping.constants) == ("error_file", AS_USED, {})
