"""`./liaison import`: a file goes in, is checked first, or is refused in one sentence."""

import json
import uuid

import pytest

from services.imports import cli


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
