"""The JSON API of imports, request by request (product rows I2, I4, I6, I7, I9, X2)."""

import json
import uuid

import pytest
from sqlalchemy import event

from services.imports import tasks
from shared.testing import client_as
from tests.imports.conftest import ADA, rows

API = "/api/imports/v1"


def upload(client, content="id,name\n1,A\n2,bad\n", *, name="things.csv", headers=None, **query):
    data = content.encode() if isinstance(content, str) else content
    query = {"kind": "customers", "filename": name, **query}
    return client.post(f"{API}/uploads", query_string=query, data=data, headers=headers or {})


@pytest.fixture
def mapped(client):
    """A job whose columns are matched, and its version."""
    job = upload(client).json
    answer = client.patch(
        f"{API}/jobs/{job['id']}",
        json={"mapping": {"columns": {"id": "code", "name": "name"}}},
        headers={"If-Match": f'"{job["version"]}"'},
    )
    assert answer.status_code == 200, answer.json
    return answer.json


def test_an_uploaded_file_becomes_a_job(client):
    answer = upload(client, "id;name\r\n1;Ärger in Österreich\r\n".encode("cp1252"), name="C:\\lists\\my things.csv")
    job = answer.json
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{API}/jobs/{job['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert job["state"] == "uploaded"
    assert (job["file_name"], job["encoding"], job["delimiter"]) == ("my things.csv", "cp1252", ";")
    assert (job["header"], job["sample"]) == (["id", "name"], [["1", "Ärger in Österreich"]])
    assert job["warnings"]
    assert job["counts"]["rows"] is None


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "file_empty"), (b"PK\x03\x04zip", "zip_file"), (b"%PDF-1.7", "binary_file"), (b" \n\n", "file_empty")],
)
def test_a_file_that_cannot_be_read_leaves_nothing(client, app, content, code):
    answer = upload(client, content)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.content_type == "application/problem+json"
    assert app.extensions["liaison.storage"].names("imports") == []
    assert client.get(f"{API}/jobs").json["items"] == []


def test_a_kind_that_is_not_known_is_named(client):
    answer = upload(client, kind="planets")
    assert (answer.status_code, answer.json["code"]) == (404, "unknown_kind")


def test_what_is_said_about_a_file_is_not_guessed(client):
    job = upload(client, "1;A\n2;B\n", has_header="false", delimiter=";", encoding="latin-1").json
    assert (job["has_header"], job["encoding"]) == (False, "latin-1")
    assert len(job["sample"]) == 2


def test_an_upload_repeated_under_its_key_makes_one_job(client, app):
    key = {"Idempotency-Key": "k1"}
    first, again = upload(client, headers=key), upload(client, headers=key)
    assert first.json["id"] == again.json["id"]
    assert len(app.extensions["liaison.storage"].names("imports")) == 1
    other = upload(client, "id,name\n9,Z\n", headers=key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert len(app.extensions["liaison.storage"].names("imports")) == 1


def test_columns_are_matched_by_name_and_alias(client):
    job = upload(client, "id,Title,Mail,other\n1,A,a@b.example,x\n").json
    matches = client.get(f"{API}/jobs/{job['id']}/matches").json["items"]
    assert [(one["column"], one["field"]) for one in matches] == [
        ("id", "code"),
        ("Title", "name"),
        ("Mail", "email"),
        ("other", None),
    ]


def test_a_mapping_saved_by_name_is_found_by_the_header(client):
    header = ["Nummer", "Wie"]
    mapping = {"columns": {"Nummer": "code", "Wie": "name"}, "constants": {}, "keep_unmapped": False}
    body = {"kind": "customers", "name": "Monthly", "header": header, "mapping": mapping}
    saved = client.post(f"{API}/mappings", json=body)
    assert saved.status_code == 201
    job = upload(client, "Nummer,Wie\n1,A\n").json
    matches = client.get(f"{API}/jobs/{job['id']}/matches").json["items"]
    assert [(one["field"], one["how"]) for one in matches] == [("code", "saved"), ("name", "saved")]
    taken = client.post(f"{API}/mappings", json=body)
    assert (taken.status_code, taken.json["code"]) == (409, "mapping_name_taken")


def test_a_saved_mapping_can_be_changed_and_forgotten(client):
    body = {"kind": "customers", "name": "One", "header": ["a"], "mapping": {"columns": {"a": "name"}}}
    saved = client.post(f"{API}/mappings", json=body).json
    path = f"{API}/mappings/{saved['id']}"
    edit = {name: body[name] for name in ("header", "mapping")} | {"name": "Two"}
    assert client.put(path, json=edit).status_code == 428
    assert client.put(path, json=edit, headers={"If-Match": '"7"'}).status_code == 412
    changed = client.put(path, json=edit, headers={"If-Match": '"1"'})
    assert (changed.json["name"], changed.headers["ETag"]) == ("Two", '"2"')
    assert [one["name"] for one in client.get(f"{API}/mappings?kind=customers").json["items"]] == ["Two"]
    assert client.delete(path, headers={"If-Match": '"2"'}).status_code == 204
    assert client.get(path).status_code == 404


def test_a_saved_mapping_is_found_by_its_name_and_renamed(client):
    about = {"kind": "customers", "header": ["a"], "mapping": {"columns": {"a": "name"}}}
    one, _ = (client.post(f"{API}/mappings", json={**about, "name": name}).json for name in ("One", "Other"))
    path = f"{API}/mappings/{one['id']}"
    assert client.patch(path, json={"name": "New"}).status_code == 428
    taken = client.patch(path, json={"name": "Other"}, headers={"If-Match": '"1"'})
    assert (taken.status_code, taken.json["code"]) == (409, "mapping_name_taken")
    assert client.patch(path, json={"name": ""}, headers={"If-Match": '"1"'}).status_code == 422
    named = client.patch(path, json={"name": "New"}, headers={"If-Match": '"1"'})
    assert (named.status_code, named.json["mapping"], named.headers["ETag"]) == (200, one["mapping"], '"2"')
    found = client.get(f"{API}/mappings?kind=customers&name=New").json["items"]
    assert [item["id"] for item in found] == [one["id"]]
    assert client.get(f"{API}/mappings?name=One").json["items"] == []


@pytest.mark.parametrize(
    ("mapping", "where"),
    [
        ({"columns": {"nowhere": "name"}}, "columns.nowhere"),
        ({"columns": {"name": "size"}}, "columns.name"),
        ({"columns": {"id": "code"}}, "fields.name"),
        ({"columns": {"name": "name"}}, "match"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_what_is_wrong(client, mapping, where):
    job = upload(client).json
    answer = client.patch(f"{API}/jobs/{job['id']}", json={"mapping": mapping}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json["code"]) == (422, "mapping_refused")
    assert where in answer.json["errors"]


def test_a_change_needs_the_version_it_was_made_from(client, mapped):
    path = f"{API}/jobs/{mapped['id']}"
    assert client.patch(path, json={"mode": "update"}).status_code == 428
    stale = client.patch(path, json={"mode": "update"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["code"]) == (412, "stale")
    changed = client.patch(path, json={"mode": "update"}, headers={"If-Match": f'"{mapped["version"]}"'})
    assert changed.json["mode"] == "update"
    assert changed.json["mapping"] == mapped["mapping"]


def test_another_delimiter_starts_the_matching_anew(client, mapped):
    answer = client.patch(
        f"{API}/jobs/{mapped['id']}", json={"delimiter": ";"}, headers={"If-Match": f'"{mapped["version"]}"'}
    )
    assert answer.json["header"] == ["id,name"]
    assert (answer.json["state"], answer.json["mapping"]) == ("uploaded", None)


def test_a_job_that_is_not_mapped_does_not_start(client):
    job = upload(client).json
    answer = client.post(f"{API}/jobs/{job['id']}/start")
    assert (answer.status_code, answer.json["code"]) == (409, "not_mapped")


def test_a_started_job_is_waked_for_and_cannot_be_changed(client, mapped, app):
    path = f"{API}/jobs/{mapped['id']}"
    assert client.post(f"{path}/start", headers={"If-Match": '"1"'}).status_code == 412
    first = client.post(f"{path}/start")
    assert (first.status_code, first.json["state"]) == (202, "queued")
    assert app.extensions["liaison.celery"].sent == [("imports.read_file", (mapped["id"],))]
    assert client.post(f"{path}/start").json["version"] == first.json["version"]
    late = client.patch(path, json={"mode": "update"}, headers={"If-Match": first.headers["ETag"]})
    assert (late.status_code, late.json["code"]) == (409, "job_started")


def test_a_job_that_has_not_begun_is_cancelled_at_once(client, mapped):
    path = f"{API}/jobs/{mapped['id']}"
    assert client.post(f"{path}/cancel").json["state"] == "cancelled"
    for again in ("cancel", "start"):
        assert client.post(f"{path}/{again}").json["code"] == "job_ended"


def work(job):
    tasks.read_file.run(job["id"])
    tasks.send_chunks.run("short")
    tasks.end_job.run(job["id"])


def test_the_end_is_told_in_full(client, mapped):
    client.post(f"{API}/jobs/{mapped['id']}/start")
    work(mapped)
    job = client.get(f"{API}/jobs/{mapped['id']}").json
    assert job["state"] == "completed_with_errors"
    assert job["counts"] == {"rows": 2, "created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 1}
    assert job["progress"]["percent"] == 100
    refused = client.get(f"{API}/jobs/{job['id']}/refusals").json
    assert [(one["row"], one["line"], one["code"]) for one in refused["items"]] == [(2, 3, "invalid")]
    file = client.get(job["error_file"])
    assert file.headers["Content-Disposition"] == "attachment; filename=things-errors.csv"
    assert file.text.splitlines()[1].startswith("2,bad,3,")


def test_refused_rows_come_in_pages(client, make_job, run):
    job = run(make_job("code,name\n" + "".join(f"{at},bad\n" for at in range(7)), start=True))
    cursor, found = None, []
    while True:
        page = client.get(f"{API}/jobs/{job.id}/refusals", query_string={"limit": 3, "cursor": cursor or ""}).json
        found += [one["row"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert found == list(range(1, 8))


@pytest.mark.parametrize("path", ["", "/error-file", "/refusals", "/events", "/matches"])
def test_the_job_of_somebody_else_is_not_there(app, mapped, path):
    other = client_as(app, "import", name="Bob")
    answer = other.get(f"{API}/jobs/{mapped['id']}{path}")
    assert (answer.status_code, answer.json["code"]) == (404, "job_not_found")
    assert other.get(f"{API}/jobs").json["items"] == []


def test_who_may_see_all_jobs_sees_them(app, mapped):
    boss = client_as(app, "jobs.all", name="Bob")
    assert [job["id"] for job in boss.get(f"{API}/jobs").json["items"]] == [mapped["id"]]
    assert boss.get(f"{API}/jobs?mine=true").json["items"] == []
    assert boss.get(f"{API}/jobs/{mapped['id']}").json["created_by"]["name"] == ADA.name
    assert boss.post(f"{API}/jobs/{mapped['id']}/start").status_code == 403


def test_jobs_come_newest_first_in_pages_by_state(client, make_job):
    made = [str(make_job(rows(2)).id) for _ in range(5)]
    first = client.get(f"{API}/jobs?limit=3&state=mapped").json
    rest = client.get(f"{API}/jobs?limit=3&state=mapped&cursor={first['next']}").json
    assert [job["id"] for job in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert client.get(f"{API}/jobs?state=running").json["items"] == []


def test_a_list_costs_the_same_for_any_number_of_jobs(client, make_job, app):
    def queries():
        made = []
        engine = app.extensions["liaison.engine"]
        count = lambda *_: made.append(1)  # noqa: E731
        event.listen(engine, "before_cursor_execute", count)
        client.get(f"{API}/jobs")
        event.remove(engine, "before_cursor_execute", count)
        return len(made)

    make_job(rows(2), start=True)
    one = queries()
    for _ in range(6):
        make_job(rows(2), start=True)
    assert queries() == one == 2


def test_a_job_is_watched_to_its_end(client, mapped):
    client.post(f"{API}/jobs/{mapped['id']}/start")
    work(mapped)
    stream = client.get(f"{API}/jobs/{mapped['id']}/events")
    assert stream.content_type.startswith("text/event-stream")
    events = [dict(line.split(": ", 1) for line in part.splitlines()) for part in stream.text.strip().split("\n\n")]
    assert events[0] == {"retry": "2000"}
    assert json.loads(events[1]["data"])["done"] == 2
    assert events[-1] == {"event": "end", "id": "end", "data": "completed_with_errors"}
    again = client.get(f"{API}/jobs/{mapped['id']}/events", headers={"Last-Event-ID": "end"})
    assert again.status_code == 204


def test_what_can_be_imported_is_told(client):
    kinds = client.get(f"{API}/targets").json["items"]
    assert [kind["kind"] for kind in kinds] == ["customers"] * 3  # the one owner of these tests answers for all
    one = client.get(f"{API}/targets/customers").json
    assert [field["name"] for field in one["fields"]] == ["code", "name", "email", "state"]
    sample = client.get(f"{API}/targets/customers/sample.csv")
    assert sample.data.decode("utf-8-sig").splitlines() == [
        "Code,Name,E-mail,State",
        "A1,First,first@things.example,",
    ]


@pytest.mark.parametrize("path", ["", "/exports"])
@pytest.mark.parametrize("cursor", ["WyJ4Il0", "Wy0xXQ", "x"])
def test_a_cursor_that_was_never_given_out_is_refused_on_the_screen(app, path, cursor):
    answer = client_as(app, "import", "export").get(f"/imports{path}?cursor={cursor}")
    assert (answer.status_code, "This page address is not complete." in answer.text) == (422, True)


def test_namesakes_of_two_kinds_are_both_listed_at_the_edge_of_a_page(client):
    body = {"name": "Monthly", "header": ["Id"], "mapping": {"columns": {"Id": "code"}}}
    for kind in ("customers", "vendors"):
        assert client.post(f"{API}/mappings", json={**body, "kind": kind}).status_code == 201
    first = client.get(f"{API}/mappings?limit=1").json
    rest = client.get(f"{API}/mappings?limit=1&cursor={first['next']}").json
    assert {one["kind"] for one in (*first["items"], *rest["items"])} == {"customers", "vendors"}
    assert rest["next"] is None


@pytest.mark.parametrize("cursor", ["WyJ4Il0", "Wy0xXQ", "WzEsMl0", "x", "WzEwMDAwMDAwMDAwMDBd"])
@pytest.mark.parametrize("path", ["/jobs", "/jobs/{}/refusals", "/mappings"])
def test_a_cursor_that_was_never_given_out_is_refused(client, mapped, path, cursor):
    answer = client.get(f"{API}{path.format(mapped['id'])}?cursor={cursor}")
    assert (answer.status_code, "cursor" in answer.json["errors"]) == (422, True)


def test_text_that_cannot_be_stored_is_refused(client):
    body = {"kind": "customers", "name": "a\0b", "header": ["\ud800"], "mapping": {"columns": {"a": "name\0"}}}
    answer = client.post(f"{API}/mappings", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


def test_a_job_that_never_was_is_not_found(client):
    assert client.get(f"{API}/jobs/{uuid.uuid4()}").status_code == 404
