"""Refused rows corrected on the screen and tried again (product row I9)."""

import re
import uuid

from services.imports.models import Job
from shared.db import read_only
from shared.testing import client_as
from tests.imports.screens import GRACE, imported, uploaded, words_on
from tests.imports.seeing import counts, refusals

API = "/api/imports/v1"
MENDED = 'ID;Who;Note\n1;Acme;\n2;bad Bolt;=1+1\n3;bad Cog;"two\nlines"\n4;Dot;x;y\n1;Again;\n'


def first_job(client, run, text=MENDED):
    columns = {"column.0": "code", "column.1": "name", "column.2": ""}
    return imported(client, run, uploaded(client, text, "things.csv"), **columns, keep_unmapped="true")


def after(response):
    with read_only() as session:
        return session.get_one(Job, uuid.UUID(response.headers["Location"].rpartition("/")[2]))


def test_wrong_cells_are_shown_to_be_corrected(client, run):
    job = first_job(client, run)
    assert refusals(job) == [
        (2, 3, "invalid"), (3, 4, "invalid"), (4, 6, "too_many_cells"), (5, 7, "duplicate_in_file")
    ]  # fmt: skip
    assert f"/imports/{job.id}/correct" in client.get(f"/imports/{job.id}").get_data(as_text=True)
    page = client.get(f"/imports/{job.id}/correct")
    cells = re.findall(r'name="(cell[^"]+)" aria-label="([^"]+)".*?value="([^"]*)"', page.get_data(as_text=True))
    assert cells == [
        ("cell.2.1", "Who, line 3", "bad Bolt"), ("cell.3.1", "Who, line 4", "bad Cog"), ("cell.5.0", "ID, line 7", "1")
    ]  # fmt: skip
    assert "1 other row cannot be corrected here" in words_on(page)
    others = client.get(f"/imports/{job.id}/correct/2").get_data(as_text=True)
    assert 'name="cell.2.0" value="2"' in others
    assert 'name="cell.2.2" value="=1+1"' in others
    assert "\ntwo\nlines</textarea>" in client.get(f"/imports/{job.id}/correct/3").get_data(as_text=True)
    assert client.get(f"/imports/{job.id}/correct/4").status_code == 404


def test_corrected_rows_are_tried_again_as_before_and_linked(client, run, owner):
    frames = []
    job = first_job(client, run)
    owner.before = frames.append
    typed = {"cell.2.1": "Bölt", "cell.3.1": "bad Cog", "cell.3.2": "two\r\nlines", "cell.5.0": "5"}
    response = client.post(f"/imports/{job.id}/correct", data=typed)
    assert response.status_code == 303
    again = run(after(response))
    assert counts(again) == (2, 2, 0, 0, 0, 0)
    assert again.file_name == "things – corrected.csv"
    assert (again.retry_of, again.mapping, again.blank) == (job.id, job.mapping, job.blank)
    assert frames[0].select("code", "name", "_attributes").rows() == [
        ("2", "Bölt", '{"Note":"=1+1"}'), ("5", "Again", None)
    ]  # fmt: skip
    assert "tried again: things – corrected.csv" in words_on(client.get(f"/imports/{job.id}"))
    assert f'href="/imports/{job.id}"' in client.get(f"/imports/{again.id}").get_data(as_text=True)


def test_corrections_when_sent_again_after_a_lost_answer_are_one_job_and_others_another(client, run, owner):
    job = first_job(client, run)
    page = client.get(f"/imports/{job.id}/correct").get_data(as_text=True)
    key = re.search(r'name="key" value="([^"]+)"', page).group(1)
    assert key not in client.get(f"/imports/{job.id}/correct").get_data(as_text=True)
    place, typed = f"/imports/{job.id}/correct", {"key": key, "cell.2.1": "Bolt"}
    first = client.post(place, data=typed)
    run(after(first))
    again = client.post(place, data=typed)
    assert (again.status_code, again.location) == (303, first.location)
    other = client.post(place, data={**typed, "cell.2.1": "Nut"})
    assert (other.status_code, other.location != first.location) == (303, True)
    assert counts(run(after(other))) == (1, 0, 1, 0, 0, 0)


def test_rows_as_they_were_are_not_tried_again(client, run):
    job = first_job(client, run)
    response = client.post(f"/imports/{job.id}/correct", data={"cell.2.1": "bad Bolt"})
    assert response.status_code == 422
    assert "Change at least one cell" in words_on(response)
    assert client.post(f"/imports/{job.id}/correct", data={"cell.1.1": "x"}).status_code == 404
    assert client.post(f"/imports/{job.id}/correct", data={"cell.99999999999.1": "x"}).status_code == 404


def test_file_in_another_encoding_is_corrected_in_any_letters(client, run, owner):
    place = uploaded(client, "code,name\n1,bad Jürgen\n".encode("cp1252"))
    job = imported(client, run, place, **{"column.0": "code", "column.1": "name"})
    assert "bad Jürgen" in client.get(f"/imports/{job.id}/correct").get_data(as_text=True)
    again = run(after(client.post(f"/imports/{job.id}/correct", data={"cell.1.1": "Łukasz"})))
    assert again.created == 1
    assert owner.things()["1"][0] == "Łukasz"


def test_corrected_rows_may_be_refused_and_corrected_again(client, run):
    job = first_job(client, run)
    again = run(after(client.post(f"/imports/{job.id}/correct", data={"cell.2.1": "bad still"})))
    assert again.failed == 1
    last = run(after(client.post(f"/imports/{again.id}/correct", data={"cell.1.1": "Bolt"})))
    assert (last.created, last.retry_of) == (1, again.id)


def test_row_with_the_key_of_another_stays_refused_until_its_key_is_changed(client, run, owner):
    job = first_job(client, run)
    again = run(after(client.post(f"/imports/{job.id}/correct", data={"cell.5.1": "Twice"})))
    assert refusals(again) == [(1, 2, "duplicate_in_file")]
    assert owner.things()["1"][0] == "Acme"
    last = run(after(client.post(f"/imports/{again.id}/correct", data={"cell.1.0": "6"})))
    assert (last.created, owner.things()["6"][0]) == (1, "Twice")


def test_job_without_refused_rows_has_nothing_to_correct(client, run, app):
    job = first_job(client, run, "ID;Who;Note\n1;Acme;\n")
    assert client.get(f"/imports/{job.id}/correct").status_code == 404
    refused = first_job(client, run)
    other = client_as(app, "import", name=GRACE.name, user_id=GRACE.user_id)
    assert other.post(f"/imports/{refused.id}/correct", data={"cell.2.1": "x"}).status_code == 404
    assert client_as(app, "jobs.all").post(f"/imports/{refused.id}/correct").status_code == 403


def test_api_tries_again_too(client, run):
    job = first_job(client, run)
    rows = [{"row": 2, "cells": {"Who": "Bolt"}}, {"row": 3, "cells": {"ID": "33", "Who": "Cog"}}]
    response = client.post(f"{API}/jobs/{job.id}/retry", json={"rows": rows})
    assert (response.status_code, response.json["retry_of"]) == (201, str(job.id))
    assert run(after(response)).created == 2
    wrong = client.post(f"{API}/jobs/{job.id}/retry", json={"rows": [{"row": 2, "cells": {"Nope": "x"}}]})
    assert (wrong.status_code, wrong.json["detail"]) == (422, "The file has no column “Nope”.")
    same = client.post(f"{API}/jobs/{job.id}/retry", json={"rows": [{"row": 2, "cells": {"Who": "bad Bolt"}}]})
    assert (same.status_code, same.json["code"]) == (422, "nothing_corrected")


def test_file_that_was_only_checked_is_imported_before_it_is_corrected(client, make_job, check):
    job = check(make_job("code;name\n1;A\n2;bad\n"))
    assert (job.state, job.error_file is not None) == ("ready", True)
    asked = {"rows": [{"row": 2, "cells": {"name": "Bo"}}]}
    answer = client.post(f"{API}/jobs/{job.id}/retry", json=asked)
    assert (answer.status_code, answer.json["code"]) == (409, "only_checked")
