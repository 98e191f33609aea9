"""A10: associates from a file: added, changed, told before, taken back."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from services.associates.bulk.associate_target import TARGET_FIELDS, associates_target
from services.associates.bulk.rows import ASSOCIATE_ROW
from services.associates.domain import associates, links
from services.associates.domain.history import read_history
from services.associates.domain.records import FIELDS, keep_right
from services.associates.models import Associate, Change, Link, Outbox
from services.imports.domain.matching import suggest
from services.imports.domain.target import Target
from shared.db import read_only, unit_of_work
from shared.testing import client_of_service
from tests.associates.conftest import ADA, KnownAccounts
from tests.associates.import_chunks import (
    apply,
    body_of,
    check,
    counts,
    frame,
    headers_of,
    job,
    named,
    refused,
    rows_of_tables,
    undo,
    undone,
)
from tests.every_row import outcomes

Made = Callable[..., Any]
DANA = {"code": "D-07", "name": "Dana Dealer", "kind": "Dealer", "email": "dana@dealer.example", "city": "Lyon"}


def state() -> dict[str, dict[str, Any]]:
    """Return all associates by code, with what follows from their fields."""
    with read_only() as session:
        found = {one.code: one for one in session.scalars(select(Associate))}
    for one in found.values():
        kept = (one.code_key, one.email_key, one.search)
        keep_right(one)
        assert kept == (one.code_key, one.email_key, one.search)
    return {code: {name: getattr(one, name) for name in FIELDS} for code, one in found.items()}


def events() -> list[Any]:
    with read_only() as session:
        return [(one.name, one.payload) for one in session.scalars(select(Outbox).order_by(Outbox.seq))]


def test_new_associate_when_imported_is_active_without_sign_in_and_told_once(app: Flask) -> None:
    told = job()
    done = apply(DANA, {"code": "E-1", "name": "Jonas", "tags": "north;Gold", "is_firm": "yes"}, id=told.id)
    assert counts(done) == {"created": 2}
    dana, jonas = named("D-07"), named("E-1")
    assert (dana.kind, dana.status, dana.can_login, dana.email_key) == (
        "dealer",
        "active",
        False,
        "dana@dealer.example",
    )
    assert (jonas.kind, jonas.is_firm, jonas.tags, jonas.created_by_name) == (
        "employee",
        True,
        ["north", "Gold"],
        "Ada Admin",
    )
    assert events() == [
        (
            "associates.associates_saved.v1",
            {
                "associates": [
                    [str(dana.id), "D-07", "Dana Dealer", True, False, "dana@dealer.example"],
                    [str(jonas.id), "E-1", "Jonas", True, False, None],
                ]
            },
        )
    ]
    with read_only() as session:
        line = read_history(session, dana.id)[0][0]
    assert (line.action, line.job_id, line.version) == ("created", told.id, 1)
    assert {one.field: one.new for one in line.changes} == {
        "code": "D-07", "name": "Dana Dealer", "kind": "dealer", "email": "dana@dealer.example", "city": "Lyon",
    }  # fmt: skip


def test_known_associate_when_its_row_differs_is_changed_and_a_blank_does_what_was_chosen(app: Flask) -> None:
    apply({**DANA, "phone": "+33472000000", "tags": "north"})
    again = {"code": "d-07", "name": "Dana Dealer", "city": "Paris", "phone": None, "tags": None}
    assert counts(apply(again)) == {"updated": 1}
    assert (named("D-07").city, named("D-07").phone, named("D-07").tags) == ("Paris", "+33472000000", ["north"])
    done = apply(again, blank="clear")
    assert (counts(done), done["fields"]) == ({"updated": 1}, {"phone": 1, "tags": 1})
    dana = named("D-07")
    assert (dana.phone, dana.tags, dana.name, dana.version) == (None, [], "Dana Dealer", 3)
    assert counts(apply(again)) == {"unchanged": 1}
    assert named("D-07").version == 3
    assert len(events()) == 3


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("create", {"created": 1, "skipped": 1}),
        ("update", {"updated": 1, "skipped": 1}),
        ("both", {"created": 1, "updated": 1}),
    ],
)
def test_mode_when_chosen_adds_or_changes_only(app: Flask, mode: str, expected: dict[str, int]) -> None:
    apply(DANA)
    assert counts(apply({**DANA, "city": "Nice"}, {"code": "E-2", "name": "Eve"}, mode=mode)) == expected


def test_rows_when_matched_by_email_find_their_associate_or_get_a_code(app: Flask) -> None:
    apply(DANA)
    done = apply(
        {"email": "DANA@dealer.example", "name": "Dana D.", "code": None},
        {"email": "new@dealer.example", "name": "New", "code": None},
        {"email": None, "name": "Nobody", "code": None},
        {"email": "dana2@dealer.example", "name": "Double", "code": "D-07"},
        match="email",
    )
    assert counts(done) == {"created": 1, "updated": 1, "failed": 2}
    assert refused(done) == [(3, "email", "email_required"), (4, "code", "code_taken")]
    assert named("D-07").email == "dana@dealer.example"  # what found it never changes
    assert named("D-07").name == "Dana D."
    with read_only() as session:
        code = session.scalars(select(Associate.code).where(Associate.name == "New")).one()
    assert code.startswith("A1")


def test_email_when_several_have_it_is_ambiguous_and_another_code_refused(app: Flask) -> None:
    apply(
        {"code": "A", "name": "A", "email": "x@y.example"}, {"code": "B", "name": "B", "email": "x@y.example"}, {**DANA}
    )
    done = apply(
        {"email": "x@y.example", "name": "X", "code": None},
        {"email": DANA["email"], "name": "X", "code": "OTHER"},
        match="email",
    )
    assert refused(done) == [(1, "email", "ambiguous_match"), (2, "code", "code_differs")]
    assert done["refusals"][0]["message"] == "E-mail: Fits 2 associates: A, B."


def test_rows_when_wrong_are_refused_with_their_reason(app: Flask) -> None:
    done = apply(
        {"code": "1", "name": None, "kind": "dealer", "email": None},
        {"code": None, "name": "No code", "kind": None, "email": None},
        {"code": "3", "name": "Kind", "kind": "friend", "email": None},
        {"code": "4", "name": "Mail", "kind": None, "email": "@"},
        {"code": "5", "name": "Twice", "kind": None, "email": None},
        {"code": "5", "name": "Twice", "kind": None, "email": None},
    )
    assert counts(done) == {"created": 1, "failed": 5}
    assert refused(done) == [
        (1, "name", "name_required"),
        (2, "code", "code_required"),
        (3, "kind", "invalid"),
        (4, "email", "invalid"),
        (6, "code", "repeated_key"),
    ]
    assert done["refusals"][4]["message"] == "Code: Came before, on line 6."


def test_list_without_codes_when_only_added_gets_codes_that_no_row_has(app: Flask) -> None:
    with read_only() as session:
        last = session.scalar(select(Associate.code).order_by(Associate.code.desc()))
    assert last is None
    done = apply(
        {"name": "One", "code": None}, {"name": "Two", "code": "A10002"}, {"name": "Three", "code": None}, mode="create"
    )
    assert counts(done) == {"created": 3}
    assert len(state()) == 3


def test_chunk_when_it_comes_again_is_answered_and_when_cancelled_refused(app: Flask) -> None:
    told, client = job(), client_of_service(app, "imports")
    body, checksum = body_of(frame(DANA))
    path = f"/internal/chunks/{told.id}/1"
    first = client.post(path, data=body, headers=headers_of(told, checksum)).get_json()
    again = client.post(path, data=body, headers=headers_of(told, checksum)).get_json()
    assert (first["created"], first["repeated"], again["created"], again["repeated"]) == (1, False, 1, True)
    assert client.post(f"/internal/jobs/{told.id}/fence").get_json() == {"applied": [1]}
    assert client.post(f"{path}/void").get_json()["answer"]["created"] == 1
    late = client.post(f"/internal/chunks/{told.id}/2", data=body, headers=headers_of(told, checksum))
    assert (late.status_code, late.get_json()["code"]) == (409, "fence_closed")
    assert client.post(f"/internal/jobs/{told.id}/finish", json={"kind": "associates"}).status_code == 200
    with read_only() as session:
        assert [line.action for line in session.scalars(select(Change))] == ["created"]
    who = {"actor_id": str(ADA.id), "actor_name": "Ada Admin", "kind": "associates"}
    assert client.post(f"{path}/undo", json=who).get_json()["removed"] == 1
    assert client.post(f"{path}/undo", json=who).get_json()["repeated"] is True
    assert client.post(f"/internal/chunks/{told.id}/3/void").get_json() == {"answer": None}
    assert state() == {}


def test_kind_or_key_when_unknown_is_refused(app: Flask) -> None:
    client = client_of_service(app, "imports")
    assert client.get("/internal/import-targets/friends").get_json()["code"] == "unknown_kind"
    body, checksum = body_of(frame(DANA))
    told = job(match="phone")
    answer = client.post(f"/internal/chunks/{told.id}/1", data=body, headers=headers_of(told, checksum))
    assert (answer.status_code, answer.get_json()["detail"]) == (422, "Rows of kind associates are not known by phone.")
    torn = client.post(f"/internal/chunks/{told.id}/1/check", data=body[:-9], headers=headers_of(job(), checksum))
    assert torn.get_json()["code"] == "chunk_unreadable"


def test_undo_when_somebody_used_or_changed_it_keeps_and_tells(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    make_associate("Old", code="O-1", city="Rome", phone="5550100")
    told = job()
    apply(
        {"code": "O-1", "name": "Older", "city": "Oslo", "phone": "5550199"},
        {"code": "N-1", "name": "Free", "city": None, "phone": None},
        {"code": "N-2", "name": "Linked", "city": None, "phone": None},
        {"code": "N-3", "name": "Edited", "city": None, "phone": None},
        {"code": "N-4", "name": "Gone", "city": None, "phone": None},
        id=told.id,
    )
    make_link(known.add(), named("N-2"))
    with unit_of_work() as session:
        associates.edit_associate(session, ADA, named("N-3").id, {"city": "Bonn"}, None)
        associates.edit_associate(session, ADA, named("O-1").id, {"city": "Graz"}, None)
        associates.delete_associate(session, ADA, named("N-4").id, None)
    answer = undo(told.id)
    assert undone(answer) == {"removed": 1, "kept": 3, "gone": 1}
    left = {(one["label"], one["field"], one["reason"], one["message"]) for one in answer["left"]}
    assert left == {
        ("N-2 Linked", None, "linked", "Ada Admin gave it a customer since."),
        ("N-3 Edited", None, "changed", "Ada Admin changed it since."),
        ("O-1 Older", "city", "changed", "Ada Admin changed it since."),
    }
    old = named("O-1")
    assert (old.name, old.city, old.phone, old.version) == ("Old", "Graz", "5550100", 4)
    assert sorted(state()) == ["N-2", "N-3", "O-1"]
    assert [name for name, _ in events()[-2:]] == ["associates.associates_removed.v1", "associates.associates_saved.v1"]


def test_undo_when_a_mass_change_was_itself_undone_removes_the_associate(app: Flask, known: KnownAccounts) -> None:
    told, account = job(), known.add()
    apply(DANA, id=told.id)
    with unit_of_work() as session:
        links.begin_link(session, ADA, account, named("D-07").id, "manages")
    with unit_of_work() as session:  # as if a job had begun it, and was taken back
        link = session.scalars(select(Link)).one()
        link.ended_at, link.cause = link.begun_at, "undone"
        session.execute(delete(Change).where(Change.action == "linked"))
    assert undone(undo(told.id)) == {"removed": 1}


CODES = ("K1", "K2", "K3")
TEXTS = st.sampled_from(["Ann", "Bob", "5550100"])
ROW = st.fixed_dictionaries(
    {"code": st.sampled_from([*CODES, "k1 "]), "name": st.one_of(st.none(), TEXTS)},
    optional={
        "email": st.sampled_from(["a@x.example", "A@X.example", "b@x.example", None, "@"]),
        "city": st.one_of(st.none(), TEXTS),
        "kind": st.sampled_from(["dealer", None, "friend"]),
        "is_firm": st.sampled_from(["yes", "no", None]),
        "tags": st.sampled_from(["x;y", "x", None]),
    },
)
JOB = st.tuples(
    st.lists(ROW, min_size=1, max_size=5),
    st.sampled_from(["create", "update", "both"]),
    st.sampled_from(["code", "email"]),
    st.sampled_from(["keep", "clear"]),
    st.sampled_from(["refuse", "fold"]),
)
QUIET = settings(max_examples=40)


def whole(rows: list[dict[str, Any]], match: str) -> list[dict[str, Any]]:
    """Return the rows with the column by which they are matched."""
    return [{match: None, **row} for row in rows]


def clear() -> None:
    with unit_of_work() as session:
        for table in (Associate, Change, Outbox):
            session.execute(delete(table))


@QUIET
@given(jobs=st.lists(JOB, min_size=1, max_size=4))
def test_any_chunk_when_checked_is_told_as_it_is_then_applied_and_nothing_is_written(app: Flask, jobs: Any) -> None:
    clear()
    for rows, mode, match, blank, repeated in jobs:
        choices = {"mode": mode, "match": match, "blank": blank, "repeated": repeated}
        before, seen = rows_of_tables(), state()
        told = check(*whole(rows, match), **choices, every_row=True)
        assert (rows_of_tables(), state()) == (before, seen)
        assert outcomes(told) == counts(told)
        done = apply(*whole(rows, match), **choices)
        assert counts(told) == counts(done)
        assert sum(counts(done).values()) == len(rows)
        assert refused(told) == refused(done)
        assert told["fields"] == done["fields"]
        assert len(told["sample"]["created"]) == min(told["created"], 5)
        state()


@QUIET
@given(jobs=st.lists(JOB, min_size=1, max_size=4))
def test_any_imports_when_undone_newest_first_leave_what_was_there(app: Flask, jobs: Any) -> None:
    clear()
    done = []
    for rows, mode, match, blank, repeated in jobs:
        told = uuid.uuid4()
        done.append((told, state()))
        apply(*whole(rows, match), id=told, mode=mode, match=match, blank=blank, repeated=repeated)
    for told, before in reversed(done):
        assert undo(told)["left"] == []
        assert state() == before


def test_sample_when_imported_is_matched_and_taken(app: Flask) -> None:
    target = Target.from_json(associates_target())
    assert [field.name for field in TARGET_FIELDS] == list(ASSOCIATE_ROW.fields)
    header = [target.labels[field.name] for field in target.fields]
    assert [match.field for match in suggest(header, target)] == [field.name for field in target.fields]
    assert counts(apply(*associates_target()["sample"])) == {"created": 2}


def test_header_when_written_in_words_of_the_trade_is_matched() -> None:
    target = Target.from_json(associates_target())
    header = ["Dealer code", "Dealer", "E-mail", "Mobile", "Town", "Type"]
    assert [one.field for one in suggest(header, target)] == ["code", "name", "email", "phone2", "city", "kind"]
