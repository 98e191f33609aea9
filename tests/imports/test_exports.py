"""I12: an export is a job: asked for at once, written by a worker that may die, kept for a day, for who asked."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from services.imports import tasks
from services.imports.domain.writing import SHORT_ROWS, begin_writing
from services.imports.models import Export, Outbox
from services.imports.tasks.exporting import RowCounter
from shared.db import read_only, unit_of_work
from shared.errors import Invalid
from shared.testing import client_as
from tests.imports.conftest import ADA
from tests.imports.seeing import LONG

API = "/api/imports/v1/exports"
FILE = b'\xef\xbb\xbfCode,Name\r\n1,"two\nlines"\r\n2,B\r\n'
LEASE = timedelta(seconds=30)


@pytest.fixture
def exporter(app):
    """Ada, who may export customers."""
    return client_as(app, "export", "customers.view", name=ADA.name, user_id=ADA.user_id)


@pytest.fixture
def ask(exporter, owner):
    """ask(pieces=[...], **wish) -> the export as the API tells it."""

    def make(pieces=(FILE,), **wish):
        owner.pieces = list(pieces)
        answer = exporter.post(API, json={"kind": "customers", **wish})
        assert answer.status_code == 202, answer.json
        return answer.json

    return make


def write(export):
    tasks.write_export.run(export["id"])


def stored(export):
    with read_only() as session:
        return session.get_one(Export, uuid.UUID(export["id"]))


def change(export, **values):
    with unit_of_work() as session:
        session.execute(update(Export).where(Export.id == uuid.UUID(export["id"])).values(**values))


def told(name):
    with read_only() as session:
        return session.scalars(select(Outbox.payload).where(Outbox.name == name).order_by(Outbox.event_id)).all()


def test_export_when_asked_for_is_there_at_once_and_then_written(app, exporter, owner, ask):
    export = ask(filter={"q": "smith", "status": "active"}, columns=["Name"], delimiter=";", bom=False)
    assert (export["state"], export["file"]) == ("queued", None)
    assert app.extensions["liaison.celery"].sent == [("imports.write_export", (export["id"],))]
    assert exporter.get(f"{API}/{export['id']}/file").json["code"] == "export_not_ready"
    write(export)
    assert owner.exported == [
        {"filter": {"q": "smith", "status": "active"}, "columns": ["Name"], "delimiter": ";", "bom": False}
    ]
    now = exporter.get(f"{API}/{export['id']}").json
    assert (now["state"], now["progress"]["rows"], now["progress"]["expected"]) == ("completed", 2, 3)
    file = exporter.get(now["file"])
    assert file.data == FILE
    assert "customers-" in file.headers["Content-Disposition"]
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_export_when_not_permitted_is_refused(app, exporter, ask):
    """I12: without the permission 403; another person's export is not there, except for who sees all jobs."""
    export = ask()
    write(export)
    for without in (client_as(app, "customers.view", "import", name="Ben"), client_as(app, name="Cy")):
        assert without.post(API, json={"kind": "customers"}).status_code == 403
        assert without.get(API).status_code == 403
        assert without.get("/imports/exports").status_code == 403
        assert without.get("/imports/exports/new/customers").status_code == 403
        assert without.get(f"{API}/{export['id']}/file").status_code == 403
    blind = client_as(app, "export", name="Dee").post(API, json={"kind": "customers"})
    assert (blind.status_code, blind.json["detail"]) == (403, "You may not see things, so you cannot export them.")
    other = client_as(app, "export", "customers.view", name="Eve")
    for path in ("", "/file", "/events"):
        assert other.get(f"{API}/{export['id']}{path}").status_code == 404
        assert other.get(f"/imports/exports/{export['id']}{path}").status_code == 404
    assert other.post(f"{API}/{export['id']}/cancel").status_code == 404
    assert other.get(API).json["items"] == []
    overseer = client_as(app, "jobs.all", name="Olga")
    assert [one["id"] for one in overseer.get(API).json["items"]] == [export["id"]]
    path = f"{export['id']}/file"
    for permissions in (["jobs.all", "customers.view"], ["jobs.all", "export"], ["export", "customers.view"]):
        other = client_as(app, *permissions, name="Olga")
        refused = 403 if "jobs.all" in permissions else 404
        assert other.get(f"{API}/{path}").status_code == other.get(f"/imports/exports/{path}").status_code == refused
    assert client_as(app, "jobs.all", "export", "customers.view").get(f"{API}/{path}").data == FILE


def test_export_when_wrongly_asked_for_is_refused(exporter):
    for wish, where in (
        ({"kind": "customers", "columns": ["password"]}, "columns"),
        ({"kind": "customers", "filter": {"secret": "1"}}, "filter.secret"),
        ({"kind": "customers", "delimiter": "|"}, "delimiter"),
    ):
        answer = exporter.post(API, json=wish)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [where])
    assert exporter.post(API, json={"kind": "planets"}).status_code == 404


def refuse_status(asked):
    if asked["filter"].get("status", "active") != "active":
        raise Invalid("Some values are not right.", fields={"filter.status": ["Must be one of: active."]})


def test_export_when_a_value_of_its_filter_is_wrong_is_refused_at_once(app, exporter, owner):
    owner.judging = refuse_status
    answer = exporter.post(API, json={"kind": "customers", "filter": {"status": "nonsense"}})
    assert (answer.status_code, answer.json["code"]) == (422, "export_refused")
    assert answer.json["errors"] == {"filter.status": ["Must be one of: active."]}
    assert answer.json["detail"] == "Status: Must be one of: active."
    assert exporter.get(API).json["items"] == []
    assert exporter.post(API, json={"kind": "customers", "filter": {"status": "active"}}).status_code == 202


def test_export_when_the_owner_says_all_itself_is_refused_in_its_words(app, exporter, owner):
    def refuse(asked):
        raise Invalid("There is no associate “A9”.", fields={"associate": ["There is no associate “A9”."]})

    owner.judging = refuse
    answer = exporter.post(API, json={"kind": "customers", "filter": {"q": "x"}})
    assert answer.json["errors"] == {"filter.associate": ["There is no associate “A9”."]}
    assert answer.json["detail"] == "There is no associate “A9”."


def test_export_when_the_owner_finds_the_wrong_value_only_later_fails_by_its_name(
    exporter, ask, owner, app, monkeypatch
):
    client = app.extensions["imports.export_owners"].of("customers").client
    ask()  # so that the target is known
    with monkeypatch.context() as patch:
        patch.setattr(client.http, "_base_url", client.http.base_url.copy_with(port=1))
        export = ask(filter={"status": "nonsense"})
    owner.judging = refuse_status
    write(export)
    assert (stored(export).state, stored(export).failure) == ("failed", "Status: Must be one of: active.")


def test_export_when_repeated_with_its_key_is_made_once(exporter):
    headers = {"Idempotency-Key": "once"}
    first, second = (exporter.post(API, json={"kind": "customers"}, headers=headers).json["id"] for _ in "12")
    assert first == second


def test_link_when_a_day_has_passed_is_over_and_its_file_is_swept(app, exporter, ask):
    export = ask()
    write(export)
    storage = app.extensions["liaison.storage"]
    tasks.sweep_exports.run()
    assert storage.exists(stored(export).file_path)
    path = stored(export).file_path
    change(export, expires_at=func.now() - timedelta(seconds=1))
    answer = exporter.get(f"{API}/{export['id']}/file")
    assert (answer.status_code, answer.json["code"]) == (410, "export_expired")
    assert exporter.get(f"{API}/{export['id']}").json["file"] is None
    tasks.sweep_exports.run()
    assert not storage.exists(path)
    assert storage.names("exports") == []
    page = exporter.get(f"/imports/exports/{export['id']}").text
    assert "24 hours" in page
    assert "Export again" in page
    assert exporter.get(f"/imports/exports/{export['id']}/file").status_code == 410


def test_export_when_its_worker_was_killed_starts_again(app, exporter, ask, owner):
    """I11: the dead one's lease runs out, the reconciler wakes another; what it had written goes."""
    export = ask()
    with unit_of_work() as session:
        dead = begin_writing(session, uuid.UUID(export["id"]), LEASE)
    storage = app.extensions["liaison.storage"]
    storage.write(f"{dead.path}.partial", b"half")
    app.extensions["liaison.celery"].sent.clear()
    tasks.reconcile.run()
    write(export)  # a message that comes twice finds nothing to do
    assert app.extensions["liaison.celery"].sent == []
    assert stored(export).state == "running"
    change(export, lease_until=func.now() - timedelta(seconds=1))
    tasks.reconcile.run()
    assert app.extensions["liaison.celery"].sent == [("imports.write_export", (export["id"],))]
    write(export)
    assert stored(export).state == "completed"
    assert len(storage.names(f"exports/{export['id']}")) == 1
    assert exporter.get(f"{API}/{export['id']}/file").data == FILE


def test_export_when_its_stream_breaks_starts_again_and_in_the_end_gives_up(app, exporter, ask, owner):
    def breaks(at):
        if at == 1:
            raise ConnectionAbortedError

    export = ask(pieces=[FILE, b"3,C\r\n"])
    owner.between = breaks
    for attempt in range(5):
        write(export)
        assert stored(export).state == "queued", attempt
        assert "does not answer" in stored(export).waiting
        assert app.extensions["liaison.storage"].names(f"exports/{export['id']}") == []
        change(export, resume_at=stored(export).resume_at + LONG)
        write(export)  # not yet: it rests
        assert stored(export).attempts == attempt + 1
        change(export, resume_at=None)
    tasks.reconcile.run()
    assert (stored(export).state, stored(export).failure_code) == ("failed", "interrupted")


def test_export_when_the_owner_is_away_waits_without_end(app, exporter, ask, owner, monkeypatch):
    export = ask()
    client = app.extensions["imports.export_owners"].of("customers").client
    with monkeypatch.context() as patch:
        patch.setattr(client.http, "_base_url", client.http.base_url.copy_with(port=1))
        for _ in range(7):
            write(export)
            change(export, resume_at=None)
    assert (stored(export).state, stored(export).attempts) == ("queued", 0)
    tasks.reconcile.run()
    write(export)
    assert stored(export).state == "completed"


def test_export_when_stopped_on_the_way_leaves_nothing(app, exporter, ask, owner, monkeypatch):
    monkeypatch.setattr("services.imports.tasks.exporting.TOLD_SECONDS", 0)
    export = ask(pieces=[FILE, b"3,C\r\n", b"4,D\r\n"])
    reached, go_on = threading.Event(), threading.Event()

    def waits(at):
        if at == 1:
            reached.set()
            go_on.wait(10)

    owner.between = waits

    def work():
        with app.app_context():
            write(export)

    worker = threading.Thread(target=work)
    worker.start()
    assert reached.wait(10)
    now = exporter.post(f"{API}/{export['id']}/cancel")
    assert (now.status_code, now.json["state"]) == (200, "cancelled")
    go_on.set()
    worker.join()
    assert stored(export).state == "cancelled"
    assert stored(export).file_path is None
    tasks.sweep_exports.run()
    assert app.extensions["liaison.storage"].names("exports") == []
    assert exporter.post(f"{API}/{export['id']}/cancel").json["code"] == "export_ended"
    assert exporter.get(f"{API}/{export['id']}/file").status_code == 409


def test_export_when_long_goes_to_the_long_queue_and_tells_how_far_it_is(app, exporter, ask, owner, monkeypatch):
    monkeypatch.setattr("services.imports.tasks.exporting.TOLD_SECONDS", 0)
    lines = [b"Code,Name\r\n", *(b"1,A\r\n" * 1000 for _ in range(SHORT_ROWS // 1000 + 1))]
    export = ask(pieces=lines)
    write(export)
    assert (stored(export).queue, stored(export).state) == ("long", "queued")
    assert app.extensions["liaison.celery"].sent[-1] == ("imports.write_export", (export["id"],))
    seen = []
    owner.between = lambda at: seen.append(exporter.get(f"{API}/{export['id']}").json["progress"])
    write(export)
    assert all(progress["expected"] == SHORT_ROWS + 1000 for progress in seen)
    assert sorted(one["rows"] for one in seen) == [one["rows"] for one in seen]
    assert seen[-1]["rows"] > 0
    assert stored(export).rows == SHORT_ROWS + 1000
    stream = exporter.get(f"{API}/{export['id']}/events").text
    assert '"percent": 100.0' in stream
    assert "event: end" in stream


def test_export_when_it_ends_or_is_taken_is_told_to_the_audit(exporter, ask, app):
    """X3."""
    export = ask(filter={"q": "smith"})
    write(export)
    (finished,) = told("imports.job_finished.v1")
    assert (finished["what"], finished["kind"], finished["counts"]) == ("export", "customers", {"rows": 2})
    assert (finished["actor_name"], finished["about"]) == (ADA.name, {"q": "smith"})
    client_as(app, "jobs.all", "export", "customers.view", name="Olga").get(f"{API}/{export['id']}/file")
    (taken,) = told("imports.export_taken.v1")
    assert (taken["actor_name"], taken["owner_name"], taken["rows"]) == ("Olga", ADA.name, 2)
    with read_only() as session:
        assert session.scalar(text("SELECT count(*) FROM export")) == 1


def test_rows_when_counted_in_pieces_are_the_records():
    data = b'a,"b\nc ""x"" \n"\r\n1,2\r\n"\n\n",3\r\n'
    for cut in range(len(data)):
        counter = RowCounter()
        counter.count(data[:cut])
        counter.count(data[cut:])
        assert (counter.rows, counter.size) == (2, len(data))


def test_screens_when_somebody_exports(app, exporter, ask):
    dialog = exporter.get("/imports/exports/new/customers?q=smith&status=active&cursor=x").text
    for words in ("“smith”", "Code", "Name", "_liaison", "Semicolon"):
        assert words in dialog
    assert "cursor" not in dialog
    form = {"filter.q": "smith", "filter.status": "active", "column": ["Name", "_liaison"], "delimiter": ";"}
    answer = exporter.post("/imports/exports/new/customers", data=form)
    assert answer.status_code == 303
    page = exporter.get(answer.headers["Location"])
    assert "hx-sse:connect" in page.text
    with read_only() as session:
        (export,) = session.scalars(select(Export)).all()
    assert (export.filter, export.columns, export.delimiter, export.bom) == (
        {"q": "smith", "status": "active"},
        ["Name", "_liaison"],
        ";",
        False,
    )
    again = exporter.get("/imports/exports/new/customers").text  # as it was written the last time
    assert 'value="Name" checked' in again
    assert 'value="Code" checked' not in again
    assert 'value="Code" checked' in exporter.get("/imports/exports/new/customers?usual=1").text
    tasks.write_export.run(str(export.id))
    done = exporter.get(f"/imports/exports/{export.id}").text
    assert "Download" in done
    assert exporter.get("/imports/exports").text.count("job-row") >= 1
    assert "Download" in exporter.get(f"/imports/exports/{export.id}/menu").text
    assert exporter.get("/imports/fragments/running").text.count(f"/imports/exports/{export.id}") >= 1


def test_dialog_when_of_one_account_names_it_and_keeps_it(exporter):
    dialog = exporter.get("/imports/exports/new/contacts?account=C%261").text
    assert "All contacts of customer" in dialog
    assert 'name="filter.account" value="C&amp;1"' in dialog
    answer = exporter.post("/imports/exports/new/contacts", data={"filter.account": "C&1"})
    with read_only() as session:
        assert session.scalars(select(Export.filter)).all() == [{"account": "C&1"}]
    assert "customer C&amp;1" in exporter.get(answer.headers["Location"]).text
