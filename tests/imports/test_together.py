"""Chunks in which the rows of a key stand together, in the order of the file (product row I6)."""

import pytest
from flask import abort
from hypothesis import given
from hypothesis import strategies as st

from services.imports import tasks
from services.imports.domain import chunks, together
from services.imports.domain.staging import chunk_file, halves, places_of
from services.imports.domain.target import TargetKey
from services.imports.domain.together import Parts, stage_together
from shared.bulk import Refusal
from shared.db import read_only
from shared.keys import code_key
from shared.storage import Storage
from tests.imports.seeing import counts, now_due, refusals
from tests.imports.test_staging import CODE, batch

CONTACT = TargetKey("contact", "code", "code", "Contact", (), (("email",), ("first_name", "last_name", "phone")))


@pytest.fixture
def storage(tmp_path):
    return Storage(f"file://{tmp_path}")


def staged(storage, batches, chunk_rows=10, key=CODE, size=0):
    return list(stage_together(batches, key, chunk_rows, Parts(storage, "parts", size)))


def rows_of(stages):
    return [stage.frame["_row"].to_list() for stage in stages if stage.frame is not None]


codes = st.lists(st.one_of(st.none(), st.text("aAbB1 \u00a0", max_size=2)), max_size=60)


@given(codes, st.integers(1, 12), st.integers(1, 20), st.integers(0, 20_000_000), st.booleans())
def test_rows_of_a_key_are_in_one_chunk_in_their_order(tmp_path_factory, cells, chunk_rows, batch_rows, size, spilt):
    def stages():
        storage = Storage(f"file://{tmp_path_factory.mktemp('parts')}")
        parts = (batch(at + 1, cells[at : at + batch_rows]) for at in range(0, len(cells), batch_rows))
        return staged(storage, parts, chunk_rows, size=size)

    with pytest.MonkeyPatch.context() as patch:
        if spilt:
            patch.setattr(together, "HELD_BYTES", 50)
        made = stages()
        again = stages()
    assert sorted(row for rows in rows_of(made) for row in rows) == list(range(1, len(cells) + 1))
    assert made[-1].rows == len(cells) if cells else not made
    home = {}
    for number, rows in enumerate(rows_of(made)):
        for key in {code_key(cells[row - 1] or "") for row in rows} - {""}:
            assert home.setdefault(key, number) == number
            same = [row for row in rows if code_key(cells[row - 1] or "") == key]
            assert same == sorted(same)
        assert len(rows) <= chunk_rows or len({code_key(cells[row - 1] or "") for row in rows}) == 1
    assert [chunk_file(stage.frame) for stage in made] == [chunk_file(stage.frame) for stage in again]


@pytest.mark.parametrize("cut", [1, None])
def test_what_a_reader_that_was_killed_was_writing_is_not_read(storage, monkeypatch, cut):
    monkeypatch.setattr(together, "HELD_BYTES", 1)
    cells = ["a", "b", "a", "c"]
    made = rows_of(staged(storage, [batch(1, cells)]))
    (name,) = storage.names("parts/0")
    storage.write(f"parts/0/{name}.0123abcd.partial", storage.read(f"parts/0/{name}")[:cut])
    assert rows_of(staged(storage, [batch(1, cells)])) == made


def test_chunk_has_its_size_where_keys_allow_it(storage):
    stages = staged(storage, [batch(1, ["a", "b", "a", "c", "d", "d", "d", "e"])], chunk_rows=3)
    assert rows_of(stages) == [[1, 3, 2], [4], [5, 6, 7], [8]]


def test_refusals_of_the_reader_and_the_hundred_and_first_row_of_a_key_are_told(storage):
    bad = [Refusal(103, 104, None, "too_few_cells", "")]
    stages = staged(storage, [batch(1, ["x"] * 102, bad)], chunk_rows=200)
    assert [(one.row, one.code) for stage in stages for one in stage.refusals] == [
        (103, "too_few_cells"),
        (101, "repeated_too_often"),
        (102, "repeated_too_often"),
    ]
    assert (stages[-1].rows, stages[-1].failed) == (103, 3)


def test_halves_keep_rows_of_a_key_together(storage):
    [stage] = staged(storage, [batch(1, ["a", "b", "a", "b", "b", "c"])])
    first, second = halves(chunk_file(stage.frame))
    assert (first["_row"].to_list(), second["_row"].to_list()) == ([1, 3], [2, 4, 5, 6])
    whole, nothing = halves(chunk_file(first))
    assert (places_of(whole), nothing.height) == ([(1, 2), (3, 4)], 0)


def test_rows_that_share_a_field_are_told_apart_by_others(storage):
    people = {
        "email": ["a@x.example", None, "A@x.example", None, None, None],
        "first_name": [None, "Ann", None, "ann", "Bo", None],
        "phone": [None, "1", None, "1", None, None],
    }
    [stage] = staged(storage, [batch(1, ["k", "k", "K", "k", "k", "k"], **people)], key=CONTACT)
    keys = dict(zip(stage.frame["_row"], stage.frame["_key"], strict=True))
    assert keys[1] == keys[3]
    assert keys[2] == keys[4]
    assert len({keys[row] for row in (1, 2, 5)}) == 3
    assert keys[6] is None


def test_repeated_rows_of_a_job_reach_the_owner_in_order(make_job, run, owner):
    seen = []
    owner.before = lambda frame: seen.append(frame.select("code", "name").rows())
    text = "code,name\nA,one\nB,two\na,three\nC\nA,four\n"
    job = run(make_job(text, start=True, repeated="fold"))
    assert seen == [[("A", "one"), ("a", "three"), ("A", "four"), ("B", "two")]]
    assert counts(job) == (5, 2, 2, 0, 0, 1)
    assert refusals(job) == [(4, 5, "too_few_cells")]
    assert owner.things()["a"][0] == "four"


def test_key_that_stops_the_owner_is_refused_whole(make_job, see, owner):
    def stumble(frame):
        if "bad" in frame["name"].to_list():
            abort(500)

    owner.before = stumble
    job = make_job("code,name\nA,one\nA,bad\nB,two\nC,three\n", start=True, repeated="fold")
    tasks.read_file.run(str(job.id))
    for _ in range(30):
        now_due()
        tasks.send_chunks.run("short")
        with read_only() as session:
            poisoned = chunks.poisoned_chunks(session)
        for job_id, no in poisoned:
            tasks.split_chunk.run(str(job_id), no)
        tasks.end_job.run(str(job.id))
    assert refusals(job) == [(1, 2, "row_kills_worker"), (2, 3, "row_kills_worker")]
    assert counts(see(job)) == (4, 2, 0, 0, 0, 2)
