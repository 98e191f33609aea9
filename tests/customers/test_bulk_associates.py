"""A10: rows of customers that say who looks after them: what associates is asked and told, check and undo."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.app import create_bulk_app
from services.customers.bulk import receipts
from services.customers.bulk.rows import ASSOCIATE_FIELDS, has_second
from services.customers.bulk.undo import LinksTakenBack
from services.customers.domain.accounts import edit_account
from services.customers.errors import LinksNotTakenBack
from services.customers.models import Account, Receipt
from shared.http import ServiceUnavailable
from shared.importing.job import UndoJob
from shared.importing.rows import CheckedRows
from shared.testing import SignedClient, client_of_service
from tests.customers.bulk_chunks import UMA, account, counts, frame, job, post, refused, undone
from tests.customers.conftest import ADA
from tests.customers.wishing import BEN, DANA, NAMES, Row, apply, asked, check, look_after, read, told, undo

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
        self.away = self.is_cut_off = False
        self.calls: list[tuple[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.taken: dict[str, Any] = {"changed": [], "stayed": [], "left": [], "looked_after": []}

    def post(self, path: str, json: Any) -> dict[str, Any]:
        if self.away:
            raise ServiceUnavailable("associates", "ConnectError")
        self.calls.append((path, json))
        return asked()(json) if path == "/internal/associates/resolve" else self.taken

    def get(self, path: str, after: int) -> dict[str, Any]:
        assert path == "/internal/events"
        if self.is_cut_off:
            raise ServiceUnavailable("associates", "ConnectError")
        return {"events": [one for one in self.events if one["pos"] > after]}


@pytest.fixture
def wire(app: Flask) -> Iterator[tuple[SignedClient, Associates]]:
    """The client of imports, and the associates that customers then asks."""
    bulk, associates = create_bulk_app(app.extensions["liaison.settings"]), Associates()
    bulk.extensions["liaison.sessions"] = app.extensions["liaison.sessions"]
    bulk.extensions["customers.associates"] = associates
    yield client_of_service(bulk, "imports"), associates
    bulk.extensions["liaison.engine"].dispose()


def test_chunk_when_the_copy_lags_is_compared_with_what_associates_told_last(session: Session, wire: Any) -> None:
    imports, associates = wire
    row = frame({"code": "C1", "name": "A", "associate_code": "D-07"})
    assert counts(post(imports, job(), 1, row).json) == {"created": 1}
    look_after(session, ("C1", DANA, "manages"))
    session.commit()
    assert counts(post(imports, job(), 1, row).json) == {"unchanged": 1}
    ended = [[DANA, "manages", [str(account(session, "C1").id)]]]
    event = {"name": "associates.links_changed.v2", "payload": {"ended": ended, "begun": []}}
    associates.events = [{"pos": 7, "event_id": str(uuid.uuid4()), **event}]
    assert counts(post(imports, job(), 1, row).json) == {"updated": 1}


@pytest.mark.parametrize("trouble", ["away", "unreadable"])
def test_chunk_when_the_feed_is_not_read_waits_and_its_rows_are_not_blamed(
    session: Session, wire: Any, trouble: str
) -> None:
    imports, associates = wire
    associates.is_cut_off = trouble == "away"
    event = {"name": "associates.links_changed.v2", "payload": {"ended": "what?", "begun": []}}
    associates.events = [{"pos": 7, "event_id": str(uuid.uuid4()), **event}]
    answer = post(imports, job(), 1, frame({"code": "C1", "name": "A", "associate_code": "D-07"}))
    assert (answer.status_code, answer.json["away"]) == (503, "associates")
    assert session.scalars(select(Account).where(Account.code == "C1")).all() == []


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
    assert {session.get_one(Account, each).code for each in asked_for.accounts} == {"C1", "C2"}
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


@settings(max_examples=120)
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
    told_of = {"accounts": [mine], "created": [mine], "kept": []}
    assert asked_for == {"actor_id": str(UMA), "actor_name": "Uma Undoer", **told_of}
    session.expire_all()
    assert session.scalars(select(Account)).all() == []


def test_undo_when_somebody_touched_a_customer_has_associates_keep_its_links(session: Session, wire: Any) -> None:
    imports, associates = wire
    apply(session, {"code": "OLD", "name": "Old"})
    one, rows = job(), [{"code": code, "name": "New", "associate_code": "D-07"} for code in ("C1", "C2", "OLD")]
    post(imports, one, 1, frame(*rows))
    ids = {code: str(account(session, code).id) for code in ("C1", "C2", "OLD")}
    for code in ("C1", "OLD"):
        edit_account(session, ADA, uuid.UUID(ids[code]), {"city": "Ulm"}, None)
    session.commit()
    look_after(session, ("C1", DANA, "manages"))
    associates.taken |= {"changed": [ids["C2"], ids["OLD"]], "looked_after": [[ids["C1"], "Dana Dealer"]]}
    answer = taken_back(imports, one.id).json
    asked_for = associates.calls[-1][1]
    assert sorted(asked_for["accounts"]) == sorted(ids.values())
    assert (asked_for["created"], asked_for["kept"]) == (sorted([ids["C1"], ids["C2"]]), [ids["C1"]])
    assert undone(answer) == {"removed": 1, "restored": 1, "kept": 1}
    assert [line["message"] for line in answer["left"]] == ["Ada Admin changed it since."]


def test_undo_when_somebody_looks_after_a_customer_says_nobody_else_does(session: Session) -> None:
    one = uuid.uuid4()
    apply(session, {"code": "C1", "name": "A", "associate_code": "D-07"}, id=one)
    mine = str(account(session, "C1").id)
    look_after(session, ("C1", BEN, "manages"))
    links = LinksTakenBack(changed=frozenset([mine]), looked_after={mine: "Ben Colleague"})
    assert [line["message"] for line in undo(session, one, links)["left"]] == ["Ben Colleague looks after it."]


def test_undo_when_a_customer_was_touched_as_its_links_went_says_that_they_did(session: Session) -> None:
    """So it is, too, where associates had not given them yet: from then on it never will."""
    one = uuid.uuid4()
    apply(session, {"code": "C1", "name": "A", "associate_code": "D-07"}, id=one)
    mine = account(session, "C1").id
    edit_account(session, ADA, mine, {"city": "Ulm"}, None)
    answer = undo(session, one, LinksTakenBack(changed=frozenset([str(mine)])))
    assert undone(answer) == {"kept": 1}
    assert [line["message"] for line in answer["left"]] == [
        "Ada Admin changed it since.",
        "By this import, nobody looks after it any longer.",
    ]
