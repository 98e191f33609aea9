"""The screens of imports, on the real PostgreSQL, with an owner of its own: how-to (I2), mapping (I4), modes (I6),
progress (I7), an honest end (I8), the error file (I9).
"""

import re
import uuid
from html import unescape

import pytest
from sqlalchemy import event, func, select

from services.imports.domain import jobs
from services.imports.domain.jobs import Viewer
from services.imports.domain.target import Target
from services.imports.models import Job, SavedMapping
from shared.db import read_only
from shared.testing import SignedClient, client_as
from tests.imports.nasty.files import READ, REFUSED, Nasty, Refused

GRACE = Viewer(uuid.UUID(int=99), "Grace Other")
THREE = "code,name,email\n001,Acme,a@acme.example\n002,bad Bolt,\n003,Cog,c@cog.example\n"


def words_on(response) -> str:
    """What a person reads: without tags, single spaces."""
    body = re.sub(r"<(script|style|template|svg).*?</\1>", " ", response.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def upload(client: SignedClient, data: str | bytes, name: str = "list.csv"):
    return client.post(
        "/imports/files?kind=customers",
        data=data.encode() if isinstance(data, str) else data,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Content-Type": "text/csv"},
    )


def uploaded(client: SignedClient, data: str | bytes, name: str = "list.csv") -> str:
    """Upload and return where the screen of the new job is."""
    response = upload(client, data, name)
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.json["location"]


def form_on(page: str) -> dict[str, str]:
    """Return what the form of the matching screen would send as it stands."""
    values = dict(re.findall(r'<input type="hidden" name="(version)" value="(\d+)"', page))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        if name == "constant_field":
            continue
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        values[name] = unescape(chosen.group(1)) if chosen else ""
    values.update((name, unescape(text)) for name, text in re.findall(r'name="(text\.[^"]+)" value="([^"]*)"', page))
    values.update(re.findall(r'type="radio"[^>]* name="([^"]+)" value="([^"]+)" checked', page))
    if re.search(r'name="keep_unmapped" value="true" checked', page):
        values["keep_unmapped"] = "true"
    return values


def imported(client: SignedClient, run, place: str, **changes: str) -> Job:
    """Press Import on the matching screen and let the workers work."""
    values = {**form_on(client.get(place).get_data(as_text=True)), **changes}
    response = client.post(f"{place}/mapping", data=values)
    assert (response.status_code, response.headers.get("Location")) == (303, place), words_on(response)
    return run(_job(place))


def _job(place: str) -> Job:
    with read_only() as session:
        return session.get_one(Job, uuid.UUID(place.rpartition("/")[2]))


def count_of(model: type) -> int:
    with read_only() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


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


# Matching


def test_matching_screen_shows_columns_samples_and_how_they_were_matched(client):
    page = client.get(uploaded(client, "ID,Name,Emial,Colour\n001,Acme,a@b.example,red\n")).get_data(as_text=True)
    form = form_on(page)
    assert [form[f"column.{at}"] for at in range(4)] == ["code", "name", "email", ""]
    text = words_on(client.get("/imports"))
    assert "Match its columns" in text
    words = words_on(client.get(uploaded(client, "ID,Name,Emial,Colour\n001,Acme,a@b.example,red\n")))
    for expected in (
        "known name",
        "same name",
        "suggested – check",
        "kept as attribute",
        "1 row ; 3 of 4 columns used",
    ):
        assert expected in words


def test_html_in_names_and_cells_is_shown_as_text(client, run):
    name = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E.csv"
    place = uploaded(client, 'code,<b>name</b>,name\n1,<script>alert("x")</script>,bad <i>\n', name)
    for page in (client.get(place), client.get("/imports")):
        assert b"<img src=x" not in page.data
        assert b"<script>alert(" not in page.data
        assert b"<b>name" not in page.data
    job = imported(client, run, place)
    assert job.failed == 1
    page = client.get(place)
    assert b"<i>" not in page.data
    assert b"&lt;img src=x" in page.data


def test_preview_shows_rows_as_they_would_be_imported(client):
    place = uploaded(client, "ID,Title,Extra\n 001 ,Acme,red\n002,,\n")
    values = {"column.0": "code", "column.1": "name", "keep_unmapped": "true", "match": "code"}
    answer = client.post(f"{place}/preview", data=values).get_data(as_text=True)
    cells = re.findall(r'<t[dh][^>]*dir="auto">(.*?)</t[dh]>', answer)
    assert cells == ["Code", "Name", "Extra", "001", "Acme", "red", "002", "", ""]
    assert "<strong>2 rows</strong>; 2 of 3 columns used, 1 kept as an attribute." in answer


def test_preview_says_what_is_wrong_before_the_start(client):
    place = uploaded(client, "a,b\n1,2\n")
    answer = words_on(client.post(f"{place}/preview", data={"column.0": "email", "column.1": "email", "match": "code"}))
    assert "b : “E-mail” is fed by column “a” already." in answer
    assert "Choose the column that holds “Name”." in answer
    assert "Rows are matched by Code" in answer


def test_wrong_matching_is_not_started(client):
    place = uploaded(client, "ID,Colour\n1,red\n")
    values = form_on(client.get(place).get_data(as_text=True))
    response = client.post(f"{place}/mapping", data=values)
    assert response.status_code == 422
    assert "Choose the column that holds “Name”." in words_on(response)
    assert _job(place).state == "uploaded"


def test_two_hundred_columns_can_be_matched(client, run):
    header = ",".join(["code", "name", *(f"column {at}" for at in range(198))])
    place = uploaded(client, f"{header}\n1,Acme{',x' * 198}\n")
    page = client.get(place)
    assert "1 row ; 2 of 200 columns used, 198 kept as attributes" in words_on(page)
    assert imported(client, run, place).created == 1


def test_constants_stand_in_all_rows(client, run, owner):
    place = uploaded(client, "ID\n1\n2\n")
    values = {"constant_field": ["name", ""], "constant_value": ["Same", ""]}
    job = imported(client, run, place, **values)
    assert job.created == 2
    assert {name for name, _ in owner.things().values()} == {"Same"}


def test_matching_is_saved_by_name_and_used_for_the_next_file(client, run):
    place = uploaded(client, "x,y\n1,Acme\n")
    imported(client, run, place, **{"column.0": "code", "column.1": "name", "match": "code", "save_as": "Monthly"})
    again = uploaded(client, "Y,x \nBolt,2\n")
    page = client.get(again).get_data(as_text=True)
    assert "Matched as saved in Monthly by Ada Admin." in words_on(client.get(again))
    assert form_on(client.get(uploaded(client, "x,y\n2,Bolt\n")).get_data(as_text=True))["column.1"] == "name"
    anew = form_on(client.get(f"{again}?saved=none").get_data(as_text=True))
    assert anew["column.0"] == ""
    assert "Monthly" in page


def test_name_that_is_taken_stops_the_start(client, run):
    imported(client, run, uploaded(client, THREE), save_as="Monthly")
    place = uploaded(client, THREE)
    values = {**form_on(client.get(place).get_data(as_text=True)), "save_as": "Monthly"}
    response = client.post(f"{place}/mapping", data=values)
    assert response.status_code == 409
    assert "This name is taken." in words_on(response)
    assert _job(place).state == "uploaded"


def test_saved_matching_can_be_chosen_and_deleted(client, run):
    imported(
        client, run, uploaded(client, "x,y\n1,Acme\n"), **{"column.0": "code", "column.1": "name", "save_as": "Odd"}
    )
    with read_only() as session:
        saved = session.execute(select(SavedMapping)).scalar_one()
    place = uploaded(client, "y,x,z\nBolt,2,\n")
    chosen = form_on(client.get(f"{place}?saved={saved.id}").get_data(as_text=True))
    assert (chosen["column.0"], chosen["column.1"], chosen["column.2"]) == ("name", "code", "")
    assert client.get(f"{place}?saved=nonsense").status_code == 404
    response = client.post(f"/imports/mappings/{saved.id}/delete", data={"version": saved.version, "back": place})
    assert response.headers["Location"] == place
    assert count_of(SavedMapping) == 0


def test_saved_matching_can_be_renamed(client, run):
    for name in ("Odd", "Even"):
        imported(client, run, uploaded(client, THREE), save_as=name)
    with read_only() as session:
        saved = session.execute(select(SavedMapping).where(SavedMapping.name == "Odd")).scalar_one()
    place, rename = uploaded(client, THREE), f"/imports/mappings/{saved.id}/rename"
    assert rename in client.get(place).get_data(as_text=True)
    asked = client.get(f"{rename}?back={place}").get_data(as_text=True)
    assert 'value="Odd"' in asked
    assert f'name="back" value="{place}"' in asked
    form = {"version": "1", "back": place}
    for name, words in (("Even", "This name is taken."), (" ", "Give it a name.")):
        response = client.post(rename, data={**form, "name": name})
        assert (response.status_code, words in words_on(response)) == ({"Even": 409}.get(name, 422), True)
    response = client.post(rename, data={**form, "name": " Weekly "})
    assert response.headers["Location"] == place
    assert "Weekly" in words_on(client.get(f"{place}?saved={saved.id}"))
    assert client.post(rename, data={**form, "name": "Late"}).status_code == 412


def test_file_is_matched_as_the_last_one_of_its_kind_was(client, run):
    imported(
        client, run, uploaded(client, "x,y\n1,Acme\n"), **{"column.0": "code", "column.1": "name", "mode": "create"}
    )
    page = client.get(uploaded(client, "x,y\n2,Bolt\n"))
    form = form_on(page.get_data(as_text=True))
    assert (form["column.0"], form["column.1"], form["mode"]) == ("code", "name", "create")
    assert "Matched as last time" in words_on(page)


def test_kept_for_later_waits(client):
    place = uploaded(client, THREE)
    values = {**form_on(client.get(place).get_data(as_text=True)), "column.2": "", "then": "wait"}
    assert client.post(f"{place}/mapping", data=values).headers["Location"] == "/imports"
    assert _job(place).state == "mapped"
    assert form_on(client.get(place).get_data(as_text=True))["column.2"] == ""


def test_somebody_elses_change_is_not_overwritten(client):
    place = uploaded(client, THREE)
    values = form_on(client.get(place).get_data(as_text=True))
    client.post(f"{place}/mapping", data={**values, "then": "wait"})
    response = client.post(f"{place}/mapping", data=values)
    assert response.status_code == 412
    assert "changed by somebody else" in words_on(response)


def test_file_can_be_read_another_way(client):
    place = uploaded(client, "Müller;Ort,x\nKöln;1,5\n".encode("cp1252"))
    assert "not in Unicode" in words_on(client.get(place))
    values = {"version": _job(place).version, "encoding": "latin-1", "delimiter": ",", "has_header": "false"}
    assert client.post(f"{place}/form", data=values).headers["Location"] == place
    job = _job(place)
    assert (job.encoding, job.delimiter, job.header) == ("latin-1", ",", ["Column 1", "Column 2"])
    values |= {"version": job.version, "has_header": "true", "encoding": "utf-16-le"}
    wrong = client.post(f"{place}/form", data=values)
    assert wrong.status_code == 422
    assert "Choose another encoding" in words_on(wrong)


def test_file_without_header_is_told_and_can_be_imported(client, run):
    place = uploaded(client, "T1,Acme,a@acme.example\nT2,Bolt,b@bolt.example\n")
    assert "The first row looks like data" in words_on(client.get(place))
    job = imported(client, run, place, **{"column.0": "code", "column.1": "name", "match": "code"})
    assert job.created == 2


def test_texts_are_told_what_they_mean(client, run, owner):
    frames = []
    owner.before = frames.append
    place = uploaded(client, "code,name,state\n1,Acme,Yes\n2,Bolt,on\n3,Cog,YES\n4,Dot,\n")
    page = words_on(client.get(place))
    assert "state State Yes 2 rows not known – choose" in page
    assert "on 1 row As it is: Active" in page
    form = form_on(client.get(place).get_data(as_text=True))
    assert form["text.2.0"] == "Yes"
    answer = client.post(f"{place}/preview", data={**form, "value.2.0": "active"}).get_data(as_text=True)
    assert answer.count(">active<") == 2
    job = imported(client, run, place, **{"value.2.0": "active"}, save_as="Yes")
    assert job.mapping["values"] == {"state": {"Yes": "active"}}
    assert frames[0]["state"].to_list() == ["active", "on", "active", None]
    again = uploaded(client, "code,name,state\n5,Egg,no\n")
    page = client.get(again)
    assert "Yes not in the first rows" in words_on(page)
    assert form_on(page.get_data(as_text=True))["value.2.0"] == "active"


def test_values_are_shown_for_the_columns_as_chosen(client):
    place = uploaded(client, "code,name,flag\n1,Acme,Y\n")
    form = form_on(client.get(place).get_data(as_text=True))
    assert "value.2.0" not in form
    answer = client.post(f"{place}/columns", data={**form, "column.2": "state"})
    assert "flag State Y 1 row not known" in words_on(answer)


def test_wrong_values_and_blanks_are_refused(client):
    place = uploaded(client, "code,name,state\n1,Acme,Y\n")
    form = form_on(client.get(place).get_data(as_text=True))
    response = client.post(f"{place}/mapping", data={**form, "value.2.0": "gone", "blank.2": "clear"})
    assert response.status_code == 422
    assert "“State” cannot be “gone”." in words_on(response)
    assert "“State” is never cleared by a blank cell." in words_on(response)


def test_blank_cells_are_told_column_by_column(client, run, owner):
    place = uploaded(client, "code,name,email\n1,Acme,\n")
    assert "Blank cells, column by column" in words_on(client.get(place))
    job = imported(client, run, place, **{"blank.2": "clear"})
    assert job.mapping["blanks"] == {"email": "clear"}
    assert owner.told[-1]["blanks"] == {"email": "clear"}
    assert owner.told[-1]["blank"] == "keep"


def test_rows_that_come_again_are_applied_if_asked(client, run, owner):
    place = uploaded(client, "code,name\nA1,Acme\na1,Bolt\n")
    form = form_on(client.get(place).get_data(as_text=True))
    assert form["repeated"] == "refuse"
    refused = client.post(f"{place}/mapping", data={**form, "repeated": "fold", "mode": "create"})
    assert refused.status_code == 422
    assert "only be applied where known records are updated" in words_on(refused)
    job = imported(client, run, place, repeated="fold")
    assert (job.created, job.updated, job.failed) == (1, 1, 0)
    assert owner.told[-1]["repeated"] == "fold"
    assert "Repeated rows are applied in their order" in words_on(client.get(place))
    assert form_on(client.get(uploaded(client, "code,name\nA1,Acme\n")).get_data(as_text=True))["repeated"] == "fold"


CONTACTS = {
    "kind": "contacts",
    "label": "Contacts",
    "noun": "contact",
    "keys": [
        {"name": "contact", "field": "account_code", "rule": "code", "label": "Contact", "apart": [["email"], ["name"]]}
    ],
    "fields": [
        {"name": "account_code", "label": "Account", "required": True},
        {"name": "name", "label": "Name"},
        {"name": "email", "label": "E-mail"},
    ],
    "keeps_others": False,
}


@pytest.fixture
def contacts(app, monkeypatch):
    """Contacts as a kind whose rows share their account."""
    owner = app.extensions["imports.owners"].of("contacts")
    monkeypatch.setattr(owner, "target", lambda: Target.from_json(CONTACTS))


def test_contacts_of_one_account_need_no_column_for_it(client, run, owner, contacts):
    page = client.get("/imports/new/contacts?account_code=C%3C1").get_data(as_text=True)
    assert '<input type="hidden" name="constant.account_code" value="C&lt;1">' in page
    response = client.post(
        "/imports/files?kind=contacts&constant.account_code=C1",
        data=b"code,name,email,account\n1,Ann,ann@x.example,C9\n2,Bo,,\n",
    )
    place = response.json["location"]
    page = client.get(place).get_data(as_text=True)
    assert 'name="constant_value" value="C1"' in page
    assert "Keep the other columns" not in page
    form = form_on(page)
    assert [form[f"column.{at}"] for at in range(4)] == ["", "name", "email", ""]
    client.post(f"{place}/form", data={"version": form["version"], "delimiter": ";"})
    client.post(f"{place}/form", data={"delimiter": ","})
    assert 'name="constant_value" value="C1"' in client.get(place).get_data(as_text=True)
    frames = []
    owner.before = frames.append
    constant = {"constant_field": "account_code", "constant_value": "C1"}
    job = imported(client, run, place, **constant)
    assert job.mapping["constants"] == {"account_code": "C1"}
    assert frames[0]["account_code"].to_list() == ["C1", "C1"]
    again = client.post("/imports/files?kind=contacts", data=b"code,name,email,account\n1,Ann,ann@x.example,C9\n")
    page = client.get(again.json["location"])
    assert "Matched as last time" in words_on(page)
    assert 'value="C1"' not in page.get_data(as_text=True)


def test_contact_that_comes_again_is_told_by_what_tells_it_apart(client, run, contacts):
    data = b"account,name,email\nC1,Ann,ann@x.example\nC1,Bo,\nc1,Anna,ANN@x.example\nC2,Ann,ann@x.example\nC1,bo,\n"
    place = client.post("/imports/files?kind=contacts", data=data).json["location"]
    values = form_on(client.get(place).get_data(as_text=True)) | {"column.0": "account_code"}
    client.post(f"{place}/mapping", data=values)
    job = run(_job(place))
    with read_only() as session:
        refused = jobs.list_refusals(session, Viewer(job.created_by, ""), job.id)
    assert [(one.row, one.message) for one in refused] == [
        (3, "Contact “ANN@x.example of c1” came before, on line 2."),
        (5, "Contact “bo of C1” came before, on line 3."),
    ]


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
    assert _job(place).state == "cancelled"
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
