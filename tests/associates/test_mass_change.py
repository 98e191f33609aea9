"""A8: a chunk of a mass change is applied once, tells what became of each customer, and is taken back exactly."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.associates.bulk.chunk import change_links
from services.associates.bulk.job import Customers, MassChange, UndoJob
from services.associates.bulk.undo import undo_links
from services.associates.domain import associates, link_ends, links
from services.associates.domain.links import AccountFacts
from services.associates.errors import AssociateInactive
from services.associates.models import Associate, Link, Outbox
from shared.db import read_only, unit_of_work
from shared.events.associates import each_link
from shared.importing.ids import pack, unpack
from shared.testing import SignedClient, outer_transaction
from tests.associates.conftest import ADA, KnownAccounts

Made = Callable[..., Any]
JOB = uuid.UUID(int=7)


def people(*ids: uuid.UUID) -> Customers:
    numbers = list(range(1, len(ids) + 1))
    return Customers(numbers, [number + 1 for number in numbers], list(ids), [f"C{number}" for number in numbers])


def change(action: str, *chosen: Associate, role: str | None = "manages", job: uuid.UUID = JOB) -> MassChange:
    return MassChange(job, ADA, action, [one.id for one in chosen], role)


def run(job: MassChange, *accounts: uuid.UUID) -> Any:
    with unit_of_work() as session:
        return change_links(session, job, people(*accounts))


def take_back(done: Any, job: uuid.UUID = JOB) -> Any:
    with unit_of_work() as session:
        return undo_links(session, UndoJob(job, 0, ADA), done.created_ids, lambda ids: dict.fromkeys(ids, "Cobalt"))


def standing() -> set[tuple[uuid.UUID, uuid.UUID, str, bool]]:
    with read_only() as session:
        rows = session.scalars(select(Link).where(Link.ended_at.is_(None)))
        return {(row.account_id, row.associate_id, row.role, row.is_primary) for row in rows}


def counts(result: Any) -> tuple[int, ...]:
    return result.created, result.updated, result.unchanged, result.failed


def test_add_when_some_have_the_associate_gives_it_to_the_others(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    dana, ben = make_associate("Dana"), make_associate("Ben")
    first, second = known.add(), known.add()
    make_link(first, dana)
    make_link(first, ben)
    done = run(change("add", dana, ben), first.id, second.id)
    assert counts(done) == (1, 0, 1, 0)
    assert sorted(row[3] for row in done.links) == [1, 1]
    assert {(row[0], row[1]) for row in standing()} == {(a.id, b.id) for a in (first, second) for b in (dana, ben)}
    with read_only() as session:
        event = session.scalars(select(Outbox).order_by(Outbox.seq.desc())).first()
    assert event is not None
    assert event.name == "associates.links_changed.v2"
    assert sorted(event.payload["begun"]) == sorted([str(one.id), "manages", [str(second.id)]] for one in (dana, ben))


def test_remove_when_of_all_roles_ends_each_of_them(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    dana, ben, account, other = make_associate("Dana"), make_associate("Ben"), known.add(), known.add()
    make_link(account, dana)
    make_link(account, dana, "sales")
    make_link(account, ben)
    assert counts(run(change("remove", dana, role=None), account.id, other.id)) == (0, 1, 1, 0)
    assert standing() == {(account.id, ben.id, "manages", False)}


def test_replace_when_the_first_place_goes_gives_it_to_the_new_one(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    dana, ben, eve = make_associate("Dana"), make_associate("Ben"), make_associate("Eve")
    led, plain = known.add(), known.add()
    make_link(led, dana, primary=True)
    make_link(led, ben, "sales")
    before = standing()
    done = run(change("replace", ben, eve), led.id, plain.id)
    assert counts(done) == (1, 1, 0, 0)
    new = {(a.id, b.id, "manages", a is led and b is ben) for a in (led, plain) for b in (ben, eve)}
    assert standing() == {(led.id, ben.id, "sales", False), *new}
    assert counts_of_undo(take_back(done)) == (1, 1, 0, 0)
    assert standing() == before


def test_replace_when_the_new_one_is_there_already_gives_it_the_first_place(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    dana, ben, eve = make_associate("Dana"), make_associate("Ben"), make_associate("Eve")
    led, by_other, plain = known.add(), known.add(), known.add()
    for account in (led, by_other, plain):
        make_link(account, ben)
    make_link(led, dana, primary=True)
    make_link(by_other, dana)
    make_link(by_other, eve, "sales", primary=True)
    before = standing()
    done = run(change("replace", ben), led.id, by_other.id, plain.id)
    assert counts(done) == (0, 2, 1, 0)
    assert standing() == {
        (led.id, ben.id, "manages", True),
        (by_other.id, ben.id, "manages", False),
        (by_other.id, eve.id, "sales", True),
        (plain.id, ben.id, "manages", False),
    }
    assert counts_of_undo(take_back(done)) == (0, 2, 0, 0)
    assert standing() == before


def counts_of_undo(result: Any) -> tuple[int, ...]:
    return result.removed, result.restored, result.kept, result.gone


def test_chunk_when_a_customer_was_deleted_refuses_it_by_name(
    app: Flask, known: KnownAccounts, make_associate: Made
) -> None:
    dana, gone, there = make_associate(), known.add(), known.add()
    with unit_of_work() as session:
        link_ends.end_links_of_accounts(session, ADA, [gone.id])
    done = run(change("add", dana), gone.id, there.id)
    assert counts(done) == (1, 0, 0, 1)
    refusal = done.refusals[0]
    assert (refusal.row, refusal.line, refusal.code) == (1, 2, "customer_deleted")
    assert refusal.message == "C1 was deleted meanwhile."


def test_chunk_when_the_associate_is_inactive_only_removes(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    dana, account = make_associate(), known.add()
    make_link(account, dana)
    with unit_of_work() as session:
        associates.set_associate_status(session, ADA, dana.id, "inactive", "left")
    with pytest.raises(AssociateInactive):
        run(change("add", dana), account.id)
    assert counts(run(change("remove", dana), account.id)) == (0, 1, 0, 0)


def test_undo_when_others_changed_links_since_leaves_and_tells_them(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    dana, ben = make_associate("Dana"), make_associate("Ben")
    led, moved, untouched, again = (known.add() for _ in range(4))
    make_link(again, ben)
    done = run(change("replace", dana), led.id, moved.id, untouched.id, again.id)
    with unit_of_work() as session:
        mine = {row.account_id: row.id for row in session.scalars(select(Link).where(Link.associate_id == dana.id))}
        links.make_primary(session, ADA, led, mine[led.id])
        links.change_role(session, ADA, moved, mine[moved.id], "sales")
        links.begin_link(session, ADA, again, ben.id, "manages")
    undone = take_back(done)
    assert counts_of_undo(undone) == (1, 0, 3, 0)
    assert {(one.reason, one.field) for one in undone.left} == {
        ("primary", "Dana"), ("changed", "Dana"), ("again", "Ben"),
    }  # fmt: skip
    assert standing() == {
        (led.id, dana.id, "manages", True), (moved.id, dana.id, "sales", False), (again.id, ben.id, "manages", False),
    }  # fmt: skip


def test_undo_when_a_person_said_since_when_leaves_that_link(
    app: Flask, known: KnownAccounts, make_associate: Made
) -> None:
    dana, one, other = make_associate("Dana"), known.add(), known.add()
    done = run(change("add", dana), one.id, other.id)
    with unit_of_work() as session:
        mine = session.scalars(select(Link.id).where(Link.account_id == one.id)).one()
        links.change_since(session, ADA, one, mine, date(2019, 5, 4))
    undone = take_back(done)
    assert [(left.reason, left.field) for left in undone.left] == [("changed", "Dana")]
    assert standing() == {(one.id, dana.id, "manages", False)}


def test_undo_when_a_person_gave_the_first_place_to_another_since_leaves_only_that_one(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    """The job made Ben the one to turn to first, a person Eve; both came with the job."""
    dana, ben, eve, account = make_associate("Dana"), make_associate("Ben"), make_associate("Eve"), known.add()
    make_link(account, dana, primary=True)
    done = run(change("replace", ben, eve), account.id)
    with unit_of_work() as session:
        hers = session.scalars(select(Link).where(Link.associate_id == eve.id)).one()
        links.make_primary(session, ADA, account, hers.id)
    undone = take_back(done)
    assert [(one.reason, one.field) for one in undone.left] == [("primary", "Eve")]
    assert standing() == {(account.id, eve.id, "manages", True), (account.id, dana.id, "manages", False)}


@pytest.mark.parametrize("led", [False, True])
def test_undo_when_the_customer_was_deleted_since_counts_when_it_is_back(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made, led: bool
) -> None:
    """The first place, which the job gave to who was there already, goes back with the customer, too."""
    dana, ben, account = make_associate("Dana"), make_associate("Ben"), known.add()
    make_link(account, ben, primary=led)
    if led:
        make_link(account, dana)
    before = standing()
    done = run(change("replace", dana), account.id)
    with unit_of_work() as session:
        link_ends.end_links_of_accounts(session, ADA, [account.id])
    assert counts_of_undo(take_back(done)) == (0, 0, 0, 1)
    assert standing() == set()
    with unit_of_work() as session:
        link_ends.reopen_links_of_account(session, account.id)
    assert standing() == before


def test_undo_when_the_receipt_is_one_of_the_first_takes_back_the_first_place_all_the_same(
    app: Flask, known: KnownAccounts, make_associate: Made, make_link: Made
) -> None:
    """Those did not name the links to which they gave it."""
    dana, ben, account = make_associate("Dana"), make_associate("Ben"), known.add()
    make_link(account, dana, primary=True)
    before = standing()
    done = run(change("replace", ben), account.id)
    done.created_ids = pack(*unpack(done.created_ids, 2)[:2])
    assert counts_of_undo(take_back(done)) == (0, 1, 0, 0)
    assert standing() == before


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "replace"]),
        st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
        st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
        st.sampled_from(["manages", "sales", None]),
    ),
    min_size=1,
    max_size=5,
)
BEFORE = st.dictionaries(
    st.tuples(st.integers(0, 1), st.integers(0, 2), st.sampled_from(["manages", "sales"])), st.booleans(), max_size=8
)


def test_changes_when_taken_back_newest_first_leave_what_was_there(
    associates_app: Flask,
) -> None:
    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(before=BEFORE, acts=ACTS)
    def hold(before: dict[tuple[int, int, str], bool], acts: list[Any]) -> None:
        with associates_app.app_context(), outer_transaction(associates_app):
            accounts = [AccountFacts(uuid.uuid4(), str(at), "X") for at in range(4)]
            with unit_of_work() as session:
                chosen = [associates.create_associate(session, ADA, {"name": f"N{at}"}) for at in range(3)]
                for (at, who, role), primary in before.items():
                    links.begin_link(session, ADA, accounts[at], chosen[who].id, role, primary=primary)
            first = standing()
            done = []
            for no, (action, who, where, role) in enumerate(acts):
                job = uuid.uuid4()
                of = role or (None if action == "remove" else "manages")
                made = change(action, *(chosen[at] for at in who), role=of, job=job)
                led = {row[0] for row in standing() if row[3]}
                done.append((job, run(made, *(accounts[at].id for at in where)), no))
                assert action == "remove" or led == {row[0] for row in standing() if row[3]}
            for job, result, _ in reversed(done):
                undone = take_back(result, job)
                assert undone.kept == 0, undone.left
                assert undone.removed + undone.restored == result.created + result.updated
            assert standing() == first
            with read_only() as session:
                copied: set[tuple[str, ...]] = set()
                for event in session.scalars(select(Outbox).order_by(Outbox.seq)):
                    if event.name == "associates.links_changed.v2":
                        copied -= set(each_link(event.payload["ended"]))
                        copied |= set(each_link(event.payload["begun"]))
            assert copied == {(str(row[0]), str(row[1]), row[2]) for row in first}

    hold()


def test_form_when_shown_offers_inactive_associates_and_a_key_of_its_own(
    client: SignedClient, make_associate: Made
) -> None:
    first, second = (client.get("/associates/fragments/change?active=3&inactive=2&source=codes").text for _ in range(2))
    assert "Change these customers" in first
    assert "Change 3 customers" in client.get("/associates/fragments/change?active=3&inactive=0&source=codes").text
    assert "Also the 2 inactive customers" in first
    assert first != second
    dana = make_associate("Dana Dealer")
    with unit_of_work() as session:
        associates.set_associate_status(session, ADA, dana.id, "inactive", "left")
    offered = client.get("/associates/fragments/pick?many=1&known=1&associate_name=dana").text
    assert "· inactive" in offered
    assert "Create" not in offered
    assert "Dana" not in client.get("/associates/fragments/pick?associate_name=dana").text.replace(
        "Create “<bdi>dana", ""
    )
