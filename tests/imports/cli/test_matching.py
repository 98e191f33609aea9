"""`./liaison import`: which column feeds which field, as told, as saved, or as an error file had it."""

import json

import pytest

from services.imports import cli


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
