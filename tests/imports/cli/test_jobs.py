"""`./liaison undo`, `jobs` and `export`: what was done is listed and taken back, lists are written as files."""

import json
import re
import uuid

import pytest

from services.imports import cli, export_cli, jobs_cli
from shared.worker import nudge


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
