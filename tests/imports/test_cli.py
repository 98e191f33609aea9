"""`./liaison import`, against the service over HTTP with a worker beside it."""

import json
import re
import threading
import time
import uuid

import pytest
from werkzeug.serving import make_server

from services.imports import cli, export_cli, jobs_cli, tasks
from shared.identity import HEADER, Identity, sign_identity
from shared.worker import nudge
from tests.imports.conftest import ADA

TOKEN = "secret-token"
WORK = {
    "imports.read_file": tasks.read_file,
    "imports.send_chunks": tasks.send_chunks,
    "imports.end_job": tasks.end_job,
    "imports.write_export": tasks.write_export,
}


@pytest.fixture
def permissions():
    """What the person behind the token may do."""
    return {"import", "export", "undo", "customers.view"}


@pytest.fixture
def served(app, monkeypatch, permissions):
    """The service as the gateway would show it: a token in, a signed identity on; and one worker."""
    keys = app.extensions["liaison.settings"].keys_dir

    def gateway(environ, start_response):
        if environ.get("HTTP_AUTHORIZATION") != f"Bearer {TOKEN}":
            start_response("401 Unauthorized", [("Content-Type", "application/problem+json")])
            return [b"{}"]
        identity = Identity(ADA.user_id, ADA.name, "employee", frozenset(permissions))
        environ[f"HTTP_{HEADER.upper().replace('-', '_')}"] = sign_identity(keys, identity)
        return app.wsgi_app(environ, start_response)

    server = make_server("127.0.0.1", 0, gateway, threaded=True)
    ended = threading.Event()

    def work():
        with app.app_context():
            while not ended.is_set():
                sent = app.extensions["liaison.celery"].sent
                if not sent:
                    time.sleep(0.01)
                    continue
                name, args = sent.pop(0)
                WORK[name].run(*args)

    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=work)]
    for thread in threads:
        thread.start()
    monkeypatch.setenv("LIAISON_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("LIAISON_TOKEN", TOKEN)
    monkeypatch.setattr(cli, "POLL_SECONDS", 0.02)
    yield
    ended.set()
    server.shutdown()
    for thread in threads:
        thread.join()
    server.server_close()


@pytest.fixture
def file(tmp_path):
    def write(text, name="things.csv"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_a_file_is_imported_and_told_as_json(served, file, owner, capsys):
    path = file("id,title,Mail,colour\n1,A,a@b.example,red\n2,B,,\n")
    assert cli.main(["import", "customers", path, "--json"]) == 0
    out = capsys.readouterr()
    told = json.loads(out.out)
    assert set(told) == {"id", "state", "counts", "error_file"}
    assert told["state"] == "completed"
    assert told["counts"] == {"rows": 2, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0}
    assert told["error_file"] is None
    assert "completed" in out.err
    assert set(owner.things()) == {"1", "2"}


def test_a_refused_row_makes_the_exit_code_1(served, file, capsys):
    path = file("id,title\n1,A\n2,bad\n")
    assert cli.main(["import", "customers", path, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == "completed_with_errors"
    assert told["counts"]["failed"] == 1
    assert told["error_file"] == f"/api/imports/v1/jobs/{told['id']}/error-file"


@pytest.fixture
def imported(served, file, capsys):
    """Two things are there already."""
    cli.main(["import", "customers", file("id,title\n1,A\n2,B\n")])
    capsys.readouterr()


def test_a_dry_run_tells_what_would_be_and_applies_nothing(imported, file, owner, capsys):
    before = owner.things()
    path = file("id,title\n1,A\n2,New\n3,C\n4,bad\n")
    assert cli.main(["import", "customers", path, "--dry-run", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"id", "state", "counts", "fields", "sample", "newer", "error_file"}
    assert told["state"] == "ready"
    assert told["counts"] == {"rows": 4, "created": 1, "updated": 1, "unchanged": 1, "skipped": 0, "failed": 1}
    assert told["fields"] == [{"field": "name", "rows": 1}]
    assert {name: len(rows) for name, rows in told["sample"].items()} == {"created": 1, "updated": 1, "refused": 1}
    assert owner.things() == before


def test_a_dry_run_of_an_export_tells_what_others_changed_since(imported, file, owner, capsys):
    path = file("id,title,_liaison\n1,A,v1\n2,New,v1\n")
    owner.newer = 1
    assert cli.main(["import", "customers", path, "--dry-run"]) == 0
    told = "1 row was changed by others since this export and would "
    assert f"{told}be refused; check again with --overwrite-newer to import them." in capsys.readouterr().out
    assert cli.main(["import", "customers", path, "--dry-run", "--overwrite-newer"]) == 0
    assert f"{told}overwrite those changes." in capsys.readouterr().out


def test_a_dry_run_that_somebody_stops_ends(imported, file, owner, capsys, client):
    def stop(frame):
        owner.before = lambda frame: None
        [job] = client.get("/api/imports/v1/jobs?state=checking").json["items"]
        assert client.delete(f"/api/imports/v1/jobs/{job['id']}/check").status_code == 200

    owner.before = stop
    assert cli.main(["import", "customers", file("id,title\n3,C\n"), "--dry-run"]) == 2
    assert "the check of things.csv was stopped, and nothing imported." in capsys.readouterr().err
    assert set(owner.things()) == {"1", "2"}


def test_a_dry_run_without_a_refusal_exits_with_0(imported, file):
    assert cli.main(["import", "customers", file("id,title\n3,C\n"), "--dry-run"]) == 0


def test_a_checked_file_is_imported_by_its_job_and_differences_are_said(imported, file, owner, capsys):
    path = file("id,title\n2,New\n3,C\n4,bad\n")
    cli.main(["import", "customers", path, "--dry-run"])
    out = capsys.readouterr().out
    assert out.startswith("things.csv: checked, nothing imported. 3 rows: 1 would be created, 1 would be updated, 1 wo")
    assert "Updates would change name in 1.\n  line 2, update 2: name B -> New\n  line 3, create: 3, C\n" in out
    assert "  line 4, refuse: Name: not a name.\n" in out
    job = out.partition("--job ")[2].split()[0]
    cli.main(["import", "customers", file("id,title\n2,New\n", "other.csv")])
    capsys.readouterr()
    assert cli.main(["import", "--job", job]) == 1
    out = capsys.readouterr().out
    assert "1 created, 1 unchanged, 1 failed.\nThe check had told 1 updated and 0 unchanged; it became" in out
    assert owner.things()["3"] == ("C", 1)
    assert cli.main(["import", "--job", job, "--json"]) == 2
    assert "has come to its end" in capsys.readouterr().err


def test_people_get_a_sentence(served, file, capsys):
    assert cli.main(["import", "customers", file("id,title\n1,A\n2,bad\n")]) == 1
    out = capsys.readouterr().out
    assert out.startswith("things.csv: completed with errors. 2 rows: 1 created, 1 failed.\n")
    assert "/error-file" in out


def test_columns_can_be_told(served, file, owner):
    path = file("x,y,title\n1,A,other\n")
    assert cli.main(["import", "customers", path, "--map", "x=code", "--map", "y=name"]) == 0
    assert owner.things() == {"1": ("A", 1)}


def test_columns_that_feed_nothing_are_kept_or_left_out(served, file, owner):
    frames = []
    owner.before = frames.append
    path = file("id,title,Shelf\n1,A,4\n")
    assert cli.main(["import", "customers", path]) == 0
    assert cli.main(["import", "customers", path, "--drop-others"]) == 0
    assert [frame["_attributes"].to_list() for frame in frames if "_attributes" in frame.columns] == [['{"Shelf":"4"}']]


def test_a_likely_column_is_used_and_said(served, file, owner, capsys):
    assert cli.main(["import", "customers", file("id,titel\n1,A\n")]) == 0
    assert "“titel” was taken as name" in capsys.readouterr().err


MONTHLY = {
    "columns": {"Nr": "code", "What": "name", "On?": "state", "Gone": "email"},
    "values": {"On?": {"x": "active"}, "What": {}},
    "blanks": {"What": "keep"},
    "keep_unmapped": False,
}


@pytest.fixture
def monthly(served, client):
    """A mapping that is saved by name."""
    body = {"kind": "customers", "name": "Monthly list", "header": ["Nr"], "mapping": MONTHLY}
    assert client.post("/api/imports/v1/mappings", json=body).status_code == 201


def test_a_saved_matching_is_used_by_its_name(monthly, file, owner, capsys, client):
    path = file("Nr,What,On?,other\n1,A,x,o\n")
    assert cli.main(["import", "customers", path, "--saved", "Monthly list", "--json"]) == 0
    out = capsys.readouterr()
    assert "The file has no column “Gone” of that matching." in out.err
    assert owner.things() == {"1": ("A", 1)}
    mapping = client.get(f"/api/imports/v1/jobs/{json.loads(out.out)['id']}").json["mapping"]
    assert mapping["columns"] == {"Nr": "code", "What": "name", "On?": "state"}
    assert (mapping["values"], mapping["blanks"]) == ({"On?": {"x": "active"}}, {"What": "keep"})
    assert mapping["keep_unmapped"] is False


def test_what_is_told_comes_before_a_saved_matching(monthly, file, owner):
    path = file("Nr,What,other\n1,A,B\n")
    assert cli.main(["import", "customers", path, "--saved", "Monthly list", "--map", "other=name"]) == 0
    assert owner.things() == {"1": ("B", 1)}
    assert cli.main(["import", "customers", path, "--saved", "Monthly list", "--set", "name=All"]) == 0
    assert owner.things() == {"1": ("All", 2)}


def test_a_file_is_imported_as_saved_for_its_columns_and_what_is_typed_comes_first(served, file, owner, capsys, client):
    saved = MONTHLY | {
        "columns": {"Nr": "code", "On?": "state"},
        "constants": {"name": "All"},
        "blanks": {"Nr": "keep"},
    }
    body = {"kind": "customers", "name": "By columns", "header": ["on?", "Nr", "Other"], "mapping": saved}
    assert client.post("/api/imports/v1/mappings", json=body).status_code == 201

    def mapping_of(*arguments):
        assert cli.main(["import", "customers", file("Nr,On?,Other\n1,x,B\n"), *arguments, "--json"]) == 0
        out = capsys.readouterr()
        assert out.err.startswith("Matched as saved under “By columns”.\n")
        return client.get(f"/api/imports/v1/jobs/{json.loads(out.out)['id']}").json["mapping"]

    assert mapping_of() == saved | {"values": {"On?": {"x": "active"}}}
    assert owner.things() == {"1": ("All", 1)}
    assert mapping_of("--set", "name=Typed")["constants"] == {"name": "Typed"}
    typed = mapping_of("--map", "Other=name", "--map", "On?=", "--no-drop-others")
    assert typed == {
        "columns": {"Nr": "code", "Other": "name"},
        "constants": {},
        "keep_unmapped": True,
        "values": {},
        "blanks": {"Nr": "keep"},
    }


@pytest.fixture
def error_file(imported, file, client, capsys):
    """The file of a row that was refused in an import that only updates, by columns that were told."""
    path = file("x,y,title\n1,New,o\n9,bad,o\n", "dealers.csv")
    told = ("--map", "x=code", "--map", "y=name", "--drop-others", "--mode", "update", "--blank", "clear")
    assert cli.main(["import", "customers", path, *told, "--json"]) == 1
    refused = client.get(json.loads(capsys.readouterr().out)["error_file"]).get_data(as_text=True)
    return file(refused.replace("bad", "good"), "fixed.csv")


def test_an_error_file_goes_in_as_the_first_time_and_says_so(error_file, owner, capsys, client):
    before = owner.things()
    assert cli.main(["import", "customers", error_file, "--json"]) == 0
    out = capsys.readouterr()
    assert out.err.startswith("Matched, and applied, as in the import of dealers.csv of ")
    assert owner.things() == before
    job = client.get(f"/api/imports/v1/jobs/{json.loads(out.out)['id']}").json
    assert (job["mode"], job["blank"], job["mapping"]["keep_unmapped"]) == ("update", "clear", False)
    assert job["mapping"]["columns"] == {"x": "code", "y": "name"}


def test_what_is_typed_comes_before_the_choices_of_an_error_file(error_file, owner, capsys, client):
    typed = ("--mode", "both", "--map", "title=name", "--no-drop-others")
    assert cli.main(["import", "customers", error_file, *typed, "--json"]) == 0
    assert owner.things()["9"] == ("o", 1)
    job = client.get(f"/api/imports/v1/jobs/{json.loads(capsys.readouterr().out)['id']}").json
    assert (job["mode"], job["blank"], job["mapping"]["keep_unmapped"]) == ("both", "clear", True)


def test_an_import_of_before_does_not_steer_the_next(served, file, owner, capsys):
    path = file("id,title\n1,A\n")
    assert cli.main(["import", "customers", path, "--mode", "update", "--map", "title=", "--set", "name=All"]) == 0
    assert owner.things() == {}
    capsys.readouterr()
    assert cli.main(["import", "customers", path]) == 0
    assert owner.things() == {"1": ("A", 1)}
    assert "Matched" not in capsys.readouterr().err


def test_a_matching_that_is_not_saved_is_said_with_those_that_are(monthly, file, capsys):
    assert cli.main(["import", "customers", file("id,title\n1,A\n"), "--saved", "monthly"]) == 2
    assert "no matching is saved as “monthly” for customers. There are: Monthly list." in capsys.readouterr().err


def test_a_mode_is_passed_on(served, file, owner):
    assert cli.main(["import", "customers", file("id,title\n1,A\n"), "--mode", "update"]) == 0
    assert owner.things() == {}


def test_a_file_without_codes_is_matched_by_email(served, file, owner):
    assert cli.main(["import", "customers", file("mail,title\na@b.example,A\n")]) == 0
    assert set(owner.things()) == {"a@b.example"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["planets", "{file}"],
            "liaison import: “planets” cannot be imported. What can be: customers, vendors, contacts.\n",
        ),
        (["customers", "nowhere.csv"], "liaison import: there is no file nowhere.csv.\n"),
        (["customers", "{file}", "--map", "name"], "liaison import: --map takes COLUMN=FIELD, not “name”.\n"),
        (
            ["customers", "{file}", "--map", "z=name"],
            "liaison import: the file has no column “z”. It has: id, title.\n",
        ),
        (["customers", "{file}", "--map", "title=size"], "There is no field “size”."),
        (["customers", "{empty}"], "liaison import: This file is empty."),
    ],
)
def test_what_cannot_be_done_is_one_sentence(served, file, capsys, arguments, sentence):
    paths = {"file": file("id,title\n1,A\n"), "empty": file("", "empty.csv")}
    assert cli.main(["import", *(argument.format(**paths) for argument in arguments)]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


def test_a_wrong_token_is_said(served, file, capsys, monkeypatch):
    monkeypatch.setenv("LIAISON_TOKEN", "wrong")
    assert cli.main(["import", "customers", file("id\n1\n")]) == 2
    assert "the access token is not valid" in capsys.readouterr().err


def test_a_service_that_is_not_there_is_said(file, capsys, monkeypatch):
    monkeypatch.setenv("LIAISON_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LIAISON_TOKEN", "x")
    assert cli.main(["import", "customers", file("id\n1\n")]) == 2
    assert "Is Liaison running?" in capsys.readouterr().err


def test_without_an_address_it_says_what_to_set(file, capsys, monkeypatch):
    monkeypatch.delenv("LIAISON_URL", raising=False)
    assert cli.main(["import", "customers", file("id\n1\n")]) == 2
    assert "set LIAISON_URL and LIAISON_TOKEN" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["customers"],
        [],
        *(
            ["--job", str(uuid.uuid4()), *more]
            for more in (["--dry-run"], ["customers", "a.csv"], ["--overwrite-newer"])
        ),
        ["--job", str(uuid.uuid4()), "--mode", "both"],
        ["--job", str(uuid.uuid4()), "--no-create-associates"],
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["import", *arguments])
    assert ended.value.code == 2
    assert "usage: liaison import" in capsys.readouterr().err


@pytest.fixture
def two_things(served, file, capsys):
    """The id of an import of two things that is done."""
    cli.main(["import", "customers", file("id,title\n1,A\n2,B\n"), "--json"])
    return json.loads(capsys.readouterr().out)["id"]


def test_an_import_is_taken_back(two_things, owner, capsys):
    assert jobs_cli.main(["undo", two_things, "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out) == {
        "id": two_things,
        "state": "undone",
        "counts": {"removed": 2, "restored": 0, "kept": 0, "gone": 0},
        "failure": None,
        "kept_file": None,
    }
    assert "undone" in out.err
    assert owner.things() == {}


def test_what_stays_makes_the_exit_code_1_and_is_said(two_things, owner, file, capsys):
    cli.main(["import", "customers", file("id,title\n1,New\n"), "--json"])
    capsys.readouterr()
    assert jobs_cli.main(["undo", two_things]) == 1
    out = capsys.readouterr().out
    assert out.startswith("things.csv: partly undone. 1 removed, 1 kept.\n")
    assert "/kept-file" in out


@pytest.mark.parametrize("again", [True, False])
def test_what_cannot_be_taken_back_is_one_sentence(two_things, capsys, again):
    if again:
        jobs_cli.main(["undo", two_things])
        capsys.readouterr()
    assert jobs_cli.main(["undo", two_things if again else str(uuid.uuid4())]) == 2
    err = capsys.readouterr().err
    assert ("took this import back on" if again else "There is no such import.") in err
    assert err.startswith("liaison undo: ")


def test_the_latest_jobs_are_listed(two_things, capsys):
    assert jobs_cli.main(["jobs"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(two_things)
    assert line.endswith("import       completed              things.csv  2 created\n")
    assert jobs_cli.main(["jobs", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["id"], told["state"], told["counts"]["created"], told["undo"]) == (two_things, "completed", 2, None)
    assert told["what"] == "import"


def test_exports_are_listed_among_the_latest_jobs(two_things, owner, tmp_path, capsys):
    owner.pieces = [b"Code,Name\r\n", b"1,A\r\n2,B\r\n"]
    assert export_cli.main(["customers", str(tmp_path / "out.csv"), "--json"]) == 0
    export = json.loads(capsys.readouterr().out)["id"]
    assert jobs_cli.main(["jobs"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert (first.split()[0], second.split()[0]) == (export, two_things)
    assert re.search(r"  export       completed              customers-[\d-]{10}\.csv  2 customers$", first)
    assert jobs_cli.main(["jobs", "--json"]) == 0
    told, other = json.loads(capsys.readouterr().out)
    assert told.keys() == other.keys()
    assert told["counts"].keys() == other["counts"].keys()
    assert (told["what"], told["kind"], told["counts"]["rows"], told["undo_until"]) == ("export", "customers", 2, None)
    assert jobs_cli.main(["jobs", "-n", "1", "--json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == [export]


@pytest.mark.parametrize("permission", ["import", "export"])
def test_jobs_are_listed_for_who_may_see_one_sort_only(served, permission, permissions, capsys):
    permissions.intersection_update({permission})
    assert jobs_cli.main(["jobs"]) == 0
    assert capsys.readouterr() == ("", "No imports or exports yet.\n")


def test_jobs_when_neither_sort_may_be_seen_are_refused(served, permissions, capsys):
    permissions.clear()
    assert jobs_cli.main(["jobs"]) == 2
    assert "You do not have the permission" in capsys.readouterr().err


def test_no_jobs_are_said(served, capsys):
    assert jobs_cli.main(["jobs"]) == 0
    assert capsys.readouterr() == ("", "No imports or exports yet.\n")


def test_a_nudge_that_cannot_be_sent_is_no_error(app):
    class Away:
        def send_task(self, *_, **__):
            raise ConnectionRefusedError

    assert nudge(Away(), "imports.read_file", "1", queue="imports.short") is False


# ------------------------------------------------------------------ export


def test_an_export_is_written_whole_and_told_as_json(served, tmp_path, owner, capsys):
    """I12."""
    owner.pieces = [b"Code,Name\r\n", b"1,A\r\n2,B\r\n"]
    path = tmp_path / "out.csv"
    filters = ["--filter", "q=smith", "--filter", "status=all"]
    assert export_cli.main(["customers", str(path), *filters, "--delimiter", "semicolon", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["rows"], told["file"]) == ("completed", 2, str(path))
    assert path.read_bytes() == b"Code,Name\r\n1,A\r\n2,B\r\n"
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]
    assert owner.exported == [{"filter": {"q": "smith", "status": "all"}, "columns": [], "delimiter": ";", "bom": True}]


def test_an_export_that_cannot_be_done_says_why(served, tmp_path, owner, capsys):
    path = tmp_path / "out.csv"
    path.write_text("as it was")
    for arguments, sentence in (
        (["planets", str(path)], "cannot be exported"),
        (["customers", str(path), "--filter", "colour=red"], "no filter “colour”"),
        (["customers", str(path), "--filter", "smith"], "NAME=VALUE"),
        (["customers", str(tmp_path / "no" / "out.csv")], "there is no folder"),
    ):
        assert export_cli.main(arguments) == 2
        assert sentence in capsys.readouterr().err
    assert path.read_text() == "as it was"
