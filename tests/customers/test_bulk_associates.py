"""A10: rows of customers that say who looks after them: cells, refusals, what associates is told, check and undo."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.app import create_bulk_app
from services.customers.bulk import receipts
from services.customers.bulk.associate_fields import ASSOCIATE_TARGET_FIELDS
from services.customers.bulk.dry_run import dry_run_rows
from services.customers.bulk.kinds import kind_of
from services.customers.bulk.rows import ASSOCIATE_FIELDS, CUSTOMER_ROW, has_second
from services.customers.bulk.target import SAMPLE, customers_target
from services.customers.bulk.undo import LinksTakenBack
from services.customers.bulk.wishes import Called, Named, named_in, split_cell, with_wishes
from services.customers.domain import copies
from services.customers.errors import LinksNotTakenBack
from services.customers.models import Account, Outbox, Receipt
from services.imports.domain.matching import suggest
from services.imports.domain.target import Target
from shared.http import ServiceUnavailable
from shared.importing.job import UndoJob
from shared.importing.refused import RowRefused
from shared.importing.rows import CheckedRows
from shared.keys import clean
from shared.testing import SignedClient, client_of_service
from tests.customers.bulk_chunks import UMA, account, counts, frame, job, post, refused, undone

Row = dict[str, str | None]
DANA, BEN, EVE = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
NAMES = {DANA: "Dana Dealer", BEN: "Ben Colleague", EVE: "Eve Gone"}
CODES = {"d-07": DANA, "e-112": BEN, "gone": EVE}
ROLES = {"manages": "manages", "sales": "sales", "sales rep": "sales", "service": "service"}
WISHED = "customers.assignments_wished.v1"


def asked(calls: list[Any] | None = None) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Answer as associates would that knows Dana (D-07), Ben (E-112), Eve, who is inactive, and two called Twin."""

    def one(code: str, called: Mapping[str, Any]) -> dict[str, Any]:
        who = CODES[code]
        return {"id": who, "code": code.upper(), "name": NAMES[who], "active": code != "gone"}

    def meant(called: Mapping[str, Any]) -> dict[str, Any]:
        code = (called["code"] or "").lower()
        if code == "other":
            return {"verdict": "other_code", "those": [one("d-07", called)]}
        if called["name"] == "Twin" and not code:
            return {"verdict": "ambiguous", "those": [one("d-07", called), one("e-112", called)]}
        if not code and called["email"] == "dana@x.example":
            code = "d-07"
        return (
            {"verdict": "found", "those": [one(code, called)]} if code in CODES else {"verdict": "unknown", "those": []}
        )

    def ask(body: Mapping[str, Any]) -> dict[str, Any]:
        if calls is not None:
            calls.append(body)
        return {
            "meant": [meant(called) for called in body["called"]],
            "roles": [ROLES.get(role.lower()) for role in body["roles"]],
        }

    return ask


def read(*rows: Row, calls: list[Any] | None = None, **choices: Any) -> tuple[Any, CheckedRows]:
    told = job(**choices)
    return told, with_wishes(kind_of(told.kind).check(frame(*rows)), told, asked(calls))


def apply(session: Session, *rows: Row, no: int = 1, **choices: Any) -> dict[str, Any]:
    """Apply rows as a chunk; return the answer."""
    told, checked = read(*rows, **choices)
    answer = receipts.apply_chunk(session, told, no, "sum", checked)
    session.expire_all()
    return answer


def check(session: Session, *rows: Row, **choices: Any) -> dict[str, Any]:
    told, checked = read(*rows, **choices)
    return dry_run_rows(session, told, checked, kind_of(told.kind).look)


def undo(session: Session, job_id: uuid.UUID, links: LinksTakenBack | None) -> dict[str, Any]:
    answer = receipts.undo_chunk(session, UndoJob(job_id, 1, "customers", UMA, "Uma Undoer", "c.csv"), links)
    session.expire_all()
    return answer


def told(session: Session) -> list[dict[str, Any]]:
    """Return what associates was asked for, oldest first; accounts by their codes."""
    codes = {str(one.id): one.code for one in session.scalars(select(Account))}
    events = session.scalars(select(Outbox.payload).where(Outbox.name == WISHED).order_by(Outbox.seq))
    return [
        {
            "mode": one["mode"],
            "links": sorted([codes[account], NAMES[who], role] for account, who, role in one["links"]),
            "new": [
                [*called, sorted([codes[account], role] for account, role in places)] for *called, places in one["new"]
            ],
        }
        for one in events
    ]


def look_after(session: Session, *links: tuple[str, str, str]) -> None:
    """Let the copy here say that who looks after whom."""
    copies.save_associates(session, [(uuid.UUID(one), one[-1], name, True, None) for one, name in NAMES.items()])
    begun = [[str(account(session, code).id), who, role] for code, who, role in links]
    copies.change_links(session, [], begun)


# The cells of a row


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ({}, []),
        ({"associate_role": "sales"}, []),
        ({"associate_code": "D-07"}, [("D-07", None, None, None)]),
        ({"associate_code": "D-07;"}, [("D-07", None, None, None)]),
        (
            {"associate_code": "D-07;E-112", "associate_role": "sales"},
            [("D-07", None, None, "sales"), ("E-112", None, None, "sales")],
        ),
        (
            {"associate_code": "D-07;", "associate_email": ";b@x.example", "associate_role": ";sales"},
            [("D-07", None, None, None), (None, None, "b@x.example", "sales")],
        ),
    ],
)
def test_cells_when_read_name_associates_place_by_place(cells: Row, named: list[Any]) -> None:
    assert named_in(cells) == [Named(Called(code, name, email), role) for code, name, email, role in named]


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        (
            {"associate_code": "a;b;c", "associate_name": "A;B"},
            "associate_name",
            "Has 2 values, but “Associate's code” has 3. Put as many in each, with ; between.",
        ),
        (
            {"associate_email": "a@x.example", "associate_role": "sales;service"},
            "associate_role",
            "Has 2 values, but “Associate's e-mail” has 1. Put as many in each, with ; between.",
        ),
        (
            {"associate_code": "a;", "associate_role": "sales;service"},
            "associate_role",
            "The role “service” has nobody: name who has it.",
        ),
    ],
)
def test_cells_when_they_do_not_fit_together_are_refused(cells: Row, column: str, words: str) -> None:
    with pytest.raises(RowRefused) as refused_row:
        named_in(cells)
    assert (refused_row.value.column, refused_row.value.message) == (column, words)


VALUE = st.text(st.characters(codec="utf-8", exclude_characters=";", exclude_categories=("C", "Z")), max_size=8)
PEOPLE = st.lists(st.tuples(VALUE, VALUE, VALUE, VALUE), min_size=1, max_size=6)


@settings(deadline=None)
@given(people=PEOPLE)
def test_any_people_when_joined_are_read_back_place_by_place(people: list[tuple[str, ...]]) -> None:
    columns = list(zip(*people, strict=True))
    cells = {name: ";".join(values) or None for name, values in zip(ASSOCIATE_FIELDS, columns, strict=True)}
    for name, values in zip(ASSOCIATE_FIELDS, columns, strict=True):
        assert split_cell(cells[name] or "") == list(values)
    named = [one for one in people if any(one[:3])]
    lonely = [role for *who, role in people if role and not any(who)]
    if named and lonely:
        with pytest.raises(RowRefused, match="nobody"):
            named_in(cells)
    else:
        wanted = [Named(Called(*(value or None for value in who)), role or None) for *who, role in named]
        assert named_in(cells) == wanted


@settings(deadline=None)
@given(cells=st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_any_cell_when_loaded_by_column_is_as_the_rule_book_has_it(cells: list[str]) -> None:
    rows = [
        {"code": str(at), "name": "A", "associate_email": text, "associate_role": text} for at, text in enumerate(cells)
    ]
    checked = kind_of("customers").check(frame(*rows))
    taken = {row["code"]: row for row in checked.rows.iter_rows(named=True)}
    for row in rows:
        text = clean(row["associate_email"]) or None
        wrong = CUSTOMER_ROW.validate({"associate_email": text, "associate_role": text})
        assert (row["code"] in taken) == (not wrong)


# Refused


def test_rows_when_nobody_can_be_told_are_refused_as_a_whole(session: Session) -> None:
    wrong: list[Row] = [
        {"associate_code": "D-99"},
        {"associate_name": "Twin"},
        {"associate_code": "gone"},
        {"associate_code": "other", "associate_email": "dana@x.example"},
        {"associate_code": "D-07;E-112", "associate_name": "Dana"},
        {"associate_code": "D-07", "associate_role": "friend"},
        {"associate_email": "no address"},
        {"associate_code": ";".join(["D-07"] * 21)},
    ]
    rows = [{"code": f"C{at}", "name": "Acme", **cells} for at, cells in enumerate(wrong)]
    done = apply(session, *rows, {"code": "OK", "name": "Fine", "associate_code": "d-07;d-07"})
    assert counts(done) == {"created": 1, "failed": 8}
    assert refused(done) == [
        (1, "associate_code", "associate_not_found"),
        (2, "associate_name", "ambiguous_match"),
        (3, "associate_code", "associate_inactive"),
        (4, "associate_code", "code_differs"),
        (5, "associate_name", "uneven_values"),
        (6, "associate_role", "unknown_role"),
        (7, "associate_email", "invalid"),
        (8, "associate_code", "invalid"),
    ]
    messages = [one["message"] for one in done["refusals"]]
    assert messages[0] == "Associate's code: There is no associate with the code “D-99”."
    assert messages[1] == "Associate's name: Fits 2 associates: D-07, E-112. Give the code."
    assert messages[2] == "Associate's code: Eve Gone is inactive, so nothing can be given to them."
    assert messages[5].endswith("Say manages, lead source, sales, collections or service.")
    assert session.scalars(select(Account.code)).all() == ["OK"]
    assert told(session) == [{"mode": "add", "links": [["OK", "Dana Dealer", "manages"]], "new": []}]


def test_unknown_associates_when_they_are_to_be_created_need_a_name(session: Session) -> None:
    done = apply(
        session,
        {
            "code": "C1",
            "name": "A",
            "associate_code": "D-99",
            "associate_name": "Nora",
            "associate_email": "n@x.example",
        },
        {"code": "C2", "name": "B", "associate_code": "D-98"},
        {
            "code": "C3",
            "name": "C",
            "associate_code": "D-99;D-07",
            "associate_name": "Nora;",
            "associate_email": "n@x.example;",
        },
        create_associates=True,
    )
    assert refused(done) == [(2, "associate_name", "name_required")]
    assert told(session) == [
        {
            "mode": "add",
            "links": [["C3", "Dana Dealer", "manages"]],
            "new": [["D-99", "Nora", "n@x.example", [["C1", "manages"], ["C3", "manages"]]]],
        }
    ]


# Asked


def test_file_without_such_columns_asks_nobody_and_has_none_of_the_work() -> None:
    calls: list[Any] = []
    _, checked = read({"code": "C1", "name": "A"}, calls=calls)
    assert not set(ASSOCIATE_FIELDS) & set(checked.rows.columns)
    _, blank = read({"code": "C1", "name": "A", "associate_code": None, "associate_role": "sales"}, calls=calls)
    assert type(checked) is type(blank) is CheckedRows
    assert not has_second(blank.rows.columns)
    assert calls == []


def test_each_associate_of_a_chunk_is_asked_for_once() -> None:
    calls: list[Any] = []
    rows = [
        {"code": f"C{at}", "name": "A", "associate_code": "D-07;E-112", "associate_role": "sales"} for at in range(50)
    ]
    read(*rows, calls=calls)
    (body,) = calls
    assert [one["code"] for one in body["called"]] == ["D-07", "E-112"]
    assert body["roles"] == ["sales"]


class Associates:
    """Associates as customers asks it; `away` while it does not answer."""

    def __init__(self) -> None:
        self.away = False
        self.calls: list[tuple[str, Any]] = []
        self.taken: dict[str, Any] = {"changed": [], "stayed": [], "left": [], "looked_after": []}

    def post(self, path: str, json: Any) -> dict[str, Any]:
        if self.away:
            raise ServiceUnavailable("associates", "ConnectError")
        self.calls.append((path, json))
        return asked()(json) if path == "/internal/associates/resolve" else self.taken


@pytest.fixture
def wire(app: Flask) -> Iterator[tuple[SignedClient, Associates]]:
    """The client of imports, and the associates that customers then asks."""
    bulk, associates = create_bulk_app(app.extensions["liaison.settings"]), Associates()
    bulk.extensions["liaison.sessions"] = app.extensions["liaison.sessions"]
    bulk.extensions["customers.associates"] = associates
    yield client_of_service(bulk, "imports"), associates
    bulk.extensions["liaison.engine"].dispose()


def test_chunk_when_associates_is_away_is_not_applied_and_waits(session: Session, wire: Any) -> None:
    imports, associates = wire
    associates.away = True
    one, rows = job(), frame({"code": "C1", "name": "A", "associate_code": "D-07"})
    answer = post(imports, one, 1, rows)
    assert (answer.status_code, answer.json["code"]) == (503, "service_unavailable")
    assert session.scalars(select(Account)).all() == session.scalars(select(Receipt)).all() == []
    assert post(imports, job(), 1, frame({"code": "C2", "name": "B"})).status_code == 200  # names nobody: asks nobody
    associates.away = False
    assert counts(post(imports, one, 1, rows).json) == {"created": 1}
    assert told(session)[0]["links"] == [["C1", "Dana Dealer", "manages"]]
    associates.away = True
    assert taken_back(imports, one.id).status_code == 503
    assert len(session.scalars(select(Account)).all()) == 2


def taken_back(imports: SignedClient, job_id: uuid.UUID) -> Any:
    body = {"kind": "customers", "actor_id": str(UMA), "actor_name": "Uma Undoer"}
    return imports.post(f"/internal/chunks/{job_id}/1/undo", json=body)


# Applied


def test_rows_when_applied_ask_for_their_links_once(session: Session) -> None:
    one = uuid.uuid4()
    rows: list[Row] = [
        {"code": "C1", "name": "A", "associate_code": "D-07;E-112", "associate_role": "Sales rep;"},
        {"code": "C2", "name": "B", "associate_email": "dana@x.example"},
        {"code": "C3", "name": "C"},
    ]
    for repeated in (False, True):
        assert apply(session, *rows, id=one)["repeated"] is repeated
    wanted = [["C1", "Ben Colleague", "manages"], ["C1", "Dana Dealer", "sales"], ["C2", "Dana Dealer", "manages"]]
    assert told(session) == [{"mode": "add", "links": wanted, "new": []}]
    receipt = session.get_one(Receipt, (one, 1))
    asked_for = receipts.asked_for_links(session, UndoJob(one, 1, "customers", UMA, "Uma"))
    assert {session.get_one(Account, each).code for each in asked_for} == {"C1", "C2"}
    assert len(receipt.created_ids or b"") == 16 * (3 + 1 + 2)


def test_same_file_when_its_links_are_there_changes_nothing_and_asks_for_nothing(session: Session) -> None:
    rows: list[Row] = [{"code": "C1", "name": "A", "associate_code": "D-07;E-112"}, {"code": "C2", "name": "B"}]
    apply(session, *rows)
    look_after(session, ("C1", DANA, "manages"), ("C1", BEN, "manages"))
    for mode in ("add", "replace"):
        assert counts(apply(session, *rows, associates=mode)) == {"unchanged": 2}
    assert len(told(session)) == 1


def test_row_when_it_only_changes_links_counts_as_updated(session: Session) -> None:
    apply(session, {"code": "C1", "name": "A"}, {"code": "C2", "name": "B"}, {"code": "C3", "name": "C"})
    look_after(session, ("C1", BEN, "manages"), ("C1", BEN, "sales"), ("C2", DANA, "manages"))
    rows: list[Row] = [
        {"code": "C1", "name": "A", "associate_code": "D-07"},
        {"code": "C2", "name": "New", "associate_code": "D-07"},
        {"code": "C3", "name": "C", "associate_code": None},
    ]
    foreseen = check(session, *rows, associates="replace")
    shown = {one["record"]: one["changes"] for one in foreseen["sample"]["updated"]}
    assert shown == {
        "C2 B": [{"field": "name", "old": "B", "new": "New"}],
        "C1 A": [
            {
                "field": "associate_code",
                "old": "Ben Colleague (manages); Ben Colleague (sales)",
                "new": "Ben Colleague (sales); Dana Dealer (manages)",
            }
        ],
    }
    done = apply(session, *rows, associates="replace")
    assert counts(done) == counts(foreseen) == {"updated": 2, "unchanged": 1}
    assert done["fields"] == foreseen["fields"] == {"associate_code": 1, "name": 1}
    assert told(session) == [{"mode": "replace", "links": [["C1", "Dana Dealer", "manages"]], "new": []}]


def test_rows_when_skipped_or_refused_ask_for_nothing(session: Session) -> None:
    apply(session, {"code": "C1", "name": "A"})
    skipped = apply(session, {"code": "C1", "name": "B", "associate_code": "D-07"}, mode="create")
    unknown = apply(session, {"code": "C2", "name": "B", "associate_code": "D-07"}, mode="update")
    nameless = apply(session, {"code": "C3", "name": None, "associate_code": "D-07"})
    assert [counts(one) for one in (skipped, unknown, nameless)] == [{"skipped": 1}, {"skipped": 1}, {"failed": 1}]
    assert told(session) == []


def test_vendors_may_have_associates_too(session: Session) -> None:
    apply(session, {"code": "V1", "name": "Mill", "associate_code": "D-07"}, kind="vendors")
    assert told(session)[0]["links"] == [["V1", "Dana Dealer", "manages"]]


CELLS = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["C1", "C2", "C3"]),
        "name": st.sampled_from(["A", "B"]),
        "associate_code": st.sampled_from([None, "D-07", "E-112", "D-07;E-112", "D-99", "gone"]),
        "associate_role": st.sampled_from([None, "sales"]),
        "associate_name": st.sampled_from([None, "Nora", "Nora;Otto"]),
    }
)
CHUNK = st.tuples(
    st.lists(CELLS, min_size=1, max_size=5),
    st.sampled_from(["create", "update", "both"]),
    st.sampled_from(["refuse", "fold"]),
    st.sampled_from(["add", "replace"]),
    st.booleans(),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(CHUNK, min_size=1, max_size=3))
def test_any_chunk_with_associates_when_checked_is_told_as_it_is_then_applied(session: Session, chunks: Any) -> None:
    with session.begin_nested() as everything_here:
        for rows, mode, repeated, associates, creates in chunks:
            choices = {"mode": mode, "repeated": repeated, "associates": associates, "create_associates": creates}
            before = len(told(session))
            foreseen = check(session, *rows, **choices)
            assert len(told(session)) == before
            done = apply(session, *rows, **choices)
            assert counts(foreseen) == counts(done)
            assert sum(counts(done).values()) == len(rows)
            assert refused(foreseen) == refused(done)
            assert foreseen["fields"] == done["fields"]
            asks = told(session)[before:]
            assert len(asks) <= 1
            if asks:
                assert done["created"] or done["updated"]
                links = [(code, who, role) for code, who, role in asks[0]["links"]]
                look_after(session, *((code, {n: i for i, n in NAMES.items()}[who], role) for code, who, role in links))
        everything_here.rollback()


# Taken back


def test_chunk_whose_links_were_not_taken_back_is_not_taken_back(session: Session) -> None:
    one = uuid.uuid4()
    apply(session, {"code": "C1", "name": "A", "associate_code": "D-07"}, id=one)
    with session.begin_nested(), pytest.raises(LinksNotTakenBack):
        undo(session, one, None)
    assert account(session, "C1").name == "A"


def test_undo_when_links_were_taken_back_counts_each_customer_once(session: Session) -> None:
    apply(session, {"code": "K1", "name": "Kept"}, {"code": "K2", "name": "Kept too"}, {"code": "K3", "name": "Named"})
    one = uuid.uuid4()
    rows: list[Row] = [{"code": code, "name": "X", "associate_code": "D-07"} for code in ("C1", "C2", "K1", "K2", "K3")]
    rows[2]["name"], rows[3]["name"] = "Kept", "Kept too"
    assert counts(apply(session, *rows, id=one)) == {"created": 2, "updated": 3}
    ids = {code: str(account(session, code).id) for code in ("C1", "C2", "K1", "K2", "K3")}
    look_after(session, ("C1", DANA, "manages"), ("C2", DANA, "manages"))

    def left(code: str) -> dict[str, Any]:
        line = {"record": "customer", "label": code, "url": f"/customers/{ids[code]}", "field": "Dana Dealer"}
        return {**line, "reason": "primary", "message": "Dana Dealer was made the one to turn to first since."}

    links = LinksTakenBack.from_json(
        {
            "changed": [ids["C1"], ids["K1"], ids["K3"]],
            "stayed": [ids["C2"], ids["K2"]],
            "left": [left("C2"), left("K2")],
            "looked_after": [[ids["C2"], "Dana Dealer"], [ids["K2"], "Dana Dealer"]],
        }
    )
    answer = undo(session, one, links)
    assert undone(answer) == {"removed": 1, "restored": 2, "kept": 2}
    assert sorted(line["message"] for line in answer["left"]) == [
        "Dana Dealer looks after it.",
        "Dana Dealer was made the one to turn to first since.",
    ]
    assert sorted(session.scalars(select(Account.code))) == ["C2", "K1", "K2", "K3"]
    assert account(session, "K3").name == "Named"


def test_undo_when_asked_for_asks_associates_first(session: Session, wire: Any) -> None:
    imports, associates = wire
    one = job()
    post(imports, one, 1, frame({"code": "C1", "name": "A", "associate_code": "D-07"}, {"code": "C2", "name": "B"}))
    look_after(session, ("C1", DANA, "manages"))  # the copy is late: the links go, and it does not know yet
    mine = str(account(session, "C1").id)
    associates.taken["changed"] = [mine]
    assert undone(taken_back(imports, one.id).json) == {"removed": 2}
    path, asked_for = associates.calls[-1]
    assert path == f"/internal/wishes/{one.id}/1/undo"
    assert asked_for == {"actor_id": str(UMA), "actor_name": "Uma Undoer", "accounts": [mine]}
    session.expire_all()
    assert session.scalars(select(Account)).all() == []


# Described


def test_target_tells_the_columns_and_their_names_are_found() -> None:
    for kind in ("customers", "vendors"):
        target = Target.from_json(kind_of(kind).target())
        assert [field.name for field in target.groups["Associates"]] == list(ASSOCIATE_FIELDS)
        header = ["Code", "Dealer code", "Account manager", "Associate e-mail", "associate_role"]
        assert [one.field for one in suggest(header, target)] == ["code", *ASSOCIATE_FIELDS]
    assert not {field.name for field in ASSOCIATE_TARGET_FIELDS} & set(SAMPLE[0])  # nobody's sample names people
    assert "Associate's code" not in json.dumps(customers_target()["sample"])
