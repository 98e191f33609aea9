"""The screen on which the columns of a file are matched (I4), and what is chosen there (I6)."""

import re

import pytest
from sqlalchemy import select

from services.imports.domain import jobs
from services.imports.domain.jobs import Viewer
from services.imports.domain.target import Target
from services.imports.models import SavedMapping
from shared.db import read_only
from tests.imports.screens import THREE, count_of, form_on, imported, job_at, uploaded, words_on


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
    assert job_at(place).state == "uploaded"


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
    assert job_at(place).state == "uploaded"


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
    assert job_at(place).state == "mapped"
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
    values = {"version": job_at(place).version, "encoding": "latin-1", "delimiter": ",", "has_header": "false"}
    assert client.post(f"{place}/form", data=values).headers["Location"] == place
    job = job_at(place)
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
    job = run(job_at(place))
    with read_only() as session:
        refused = jobs.list_refusals(session, Viewer(job.created_by, ""), job.id)
    assert [(one.row, one.message) for one in refused] == [
        (3, "Contact “ANN@x.example of c1” came before, on line 2."),
        (5, "Contact “bo of C1” came before, on line 3."),
    ]
