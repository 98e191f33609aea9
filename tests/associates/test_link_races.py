"""A11: links that come back while, in another transaction, their associate is deleted."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.associates.app import create_app
from services.associates.bulk.chunk import change_links
from services.associates.bulk.job import Customers, MassChange, UndoJob
from services.associates.bulk.kinds import kind_of
from services.associates.bulk.undo import undo_links
from services.associates.domain import associates, link_ends, links
from services.associates.domain.links import AccountFacts
from services.associates.errors import AccountNotFound, LinkNotFound
from services.associates.models import Associate, Link
from shared.db import read_only, unit_of_work
from shared.errors import NotDeleted
from shared.settings import Settings
from tests.associates.conftest import ADA
from tests.associates.import_chunks import job, read

LONG = 30


@pytest.fixture(scope="module")
def real_app(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    """Associates on a database of its own, with real commits."""
    app = create_app(make_settings("associates", make_database("associates")))
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def account() -> AccountFacts:
    return AccountFacts(uuid.uuid4(), "C1", "Cobalt")


def people(app: Flask, account: AccountFacts, *names: str) -> list[Associate]:
    """Return associates with these names, the first of whom looks after the account."""
    with app.app_context(), unit_of_work() as session:
        made = [associates.create_associate(session, ADA, {"name": name}) for name in names]
        links.begin_link(session, ADA, account, made[0].id, "manages")
    return made


def beside(app: Flask, first: Callable[[Session], Any], then: Callable[[Session], Any]) -> None:
    """Do something in one transaction, and `then` in another while the first is not committed yet."""

    def at_once() -> None:
        with app.app_context(), unit_of_work() as session:
            then(session)

    with ThreadPoolExecutor(1) as threads:
        with app.app_context(), unit_of_work() as session:
            first(session)
            done = threads.submit(at_once)
            wait_for(done, session)
        done.result(LONG)


def while_deleted(app: Flask, associate: Associate, do: Callable[[Session], Any]) -> None:
    """Do something while an associate is being deleted, and let the deletion be first to end."""
    beside(app, lambda session: associates.delete_associate(session, ADA, associate.id, None), do)


def wait_for(done: Future[None], session: Session) -> None:
    """Return when it waits for this session's transaction, or is done all the same.

    In one transaction pg_stat_activity stays as it was first read, pg_locks does not.
    """
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
    for _ in range(100_000):
        if session.scalar(waiting) or done.done():
            return
    pytest.fail("neither waits nor ends")


def of_account(app: Flask, account: AccountFacts) -> list[Link]:
    with app.app_context(), read_only() as session:
        return list(session.scalars(select(Link).where(Link.account_id == account.id, Link.ended_at.is_(None))))


def brought_back(app: Flask, associate: Associate) -> None:
    with app.app_context(), unit_of_work() as session:
        associates.restore_associate(session, ADA, associate.id)


def test_undo_while_the_former_associate_is_deleted_leaves_the_link_to_come_back_with_it(
    real_app: Flask, account: AccountFacts
) -> None:
    dana, ben = people(real_app, account, "Dana", "Ben")
    job = MassChange(uuid.uuid4(), ADA, "replace", [ben.id], "manages")
    with real_app.app_context(), unit_of_work() as session:
        did = change_links(session, job, Customers([1], [2], [account.id], ["C1"]))
    undo = UndoJob(job.id, 0, ADA)
    while_deleted(real_app, dana, lambda session: undo_links(session, undo, did.created_ids, lambda ids: {}))
    assert of_account(real_app, account) == []
    brought_back(real_app, dana)
    assert [one.associate_id for one in of_account(real_app, account)] == [dana.id]


def test_account_when_back_while_its_associate_is_deleted_has_no_link_until_that_is_back(
    real_app: Flask, account: AccountFacts
) -> None:
    (dana,) = people(real_app, account, "Dana")
    with real_app.app_context(), unit_of_work() as session:
        link_ends.end_links_of_accounts(session, ADA, [account.id])
    while_deleted(real_app, dana, lambda session: link_ends.reopen_links_of_account(session, account.id))
    assert of_account(real_app, account) == []
    brought_back(real_app, dana)
    assert [one.associate_id for one in of_account(real_app, account)] == [dana.id]


def test_associates_when_replaced_while_an_undo_brings_one_back_are_only_the_new_ones(
    real_app: Flask, account: AccountFacts
) -> None:
    """Guard: what brings links back does so alone, as who replaces."""
    _, ben, eve = people(real_app, account, "Dana", "Ben", "Eve")
    here = Customers([1], [2], [account.id], ["C1"])
    first, second = (MassChange(uuid.uuid4(), ADA, "replace", [one.id], "manages") for one in (ben, eve))
    with real_app.app_context(), unit_of_work() as session:
        did = change_links(session, first, here)
    (link,) = of_account(real_app, account)
    with real_app.app_context(), unit_of_work() as session:
        links.end_link(session, ADA, account, link.id)

    undo = UndoJob(first.id, 0, ADA)
    beside(
        real_app,
        lambda session: undo_links(session, undo, did.created_ids, lambda ids: {}),
        lambda session: change_links(session, second, here),
    )
    assert [one.associate_id for one in of_account(real_app, account)] == [eve.id]


def test_assignments_when_they_replace_while_another_job_does_leave_one_of_both(
    real_app: Flask, account: AccountFacts
) -> None:
    """Guard: rows that replace do so alone."""
    dana, ben = people(real_app, account, "Dana", "Ben")
    row = {"customer_code": "C1", "associate_code": dana.code, "role": "manages", "action": "replace"}
    with real_app.app_context(), unit_of_work() as session:
        links.end_link(session, ADA, account, of_account(real_app, account)[0].id)

    told, chunk = job("assignments"), read("assignments", (row,), {"C1": account})
    other = MassChange(uuid.uuid4(), ADA, "replace", [ben.id], "manages")
    beside(
        real_app,
        lambda session: change_links(session, other, Customers([1], [2], [account.id], ["C1"])),
        lambda session: kind_of("assignments").apply(session, told, chunk),
    )
    assert [one.associate_id for one in of_account(real_app, account)] == [dana.id]


def test_link_when_ended_while_its_associate_is_being_deleted_waits_for_that(
    real_app: Flask, account: AccountFacts
) -> None:
    """Guard: the associate is locked before the link. Else each would wait for the other."""
    (dana,) = people(real_app, account, "Dana")
    (link,) = of_account(real_app, account)

    def end() -> None:
        with real_app.app_context(), unit_of_work() as session:
            links.end_link(session, ADA, account, link.id)

    with ThreadPoolExecutor(1) as threads:
        with real_app.app_context(), unit_of_work() as session:
            session.get(Associate, dana.id, with_for_update=True)
            done = threads.submit(end)
            wait_for(done, session)
            associates.delete_associate(session, ADA, dana.id, None)
        with pytest.raises(LinkNotFound):
            done.result(LONG)


def test_rows_when_applied_while_their_associate_is_being_deleted_wait_for_that(
    real_app: Flask, account: AccountFacts
) -> None:
    """Guard: associates are locked before their links. Else each would wait for the other."""
    (dana,) = people(real_app, account, "Dana")
    row = {"customer_code": "C1", "associate_code": dana.code, "role": "sales"}
    told, chunk = job("assignments"), read("assignments", (row,), {"C1": account})

    def apply() -> Any:
        with real_app.app_context(), unit_of_work() as session:
            return kind_of("assignments").apply(session, told, chunk)

    with ThreadPoolExecutor(1) as threads:
        with real_app.app_context(), unit_of_work() as session:
            session.get(Associate, dana.id, with_for_update=True)
            done = threads.submit(apply)
            wait_for(done, session)
            free = select(Link.id).where(Link.account_id == account.id).with_for_update(nowait=True)
            assert len(session.scalars(free).all()) == 1
            associates.delete_associate(session, ADA, dana.id, None)
        assert [one.code for one in done.result(LONG).refusals] == ["associate_not_found"]


@pytest.mark.parametrize("how", ["new", "known"])
def test_primary_when_a_job_makes_another_one_at_that_moment_is_who_came_last(
    real_app: Flask, account: AccountFacts, how: str
) -> None:
    dana, ben, eve = people(real_app, account, "Dana", "Ben", "Eve")
    with real_app.app_context(), unit_of_work() as session:
        links.make_primary(session, ADA, account, of_account(real_app, account)[0].id)
        known = links.begin_link(session, ADA, account, eve.id, "service")
    other = MassChange(uuid.uuid4(), ADA, "replace", [ben.id], "manages")

    def lead(session: Session) -> None:
        if how == "new":
            links.begin_link(session, ADA, account, eve.id, "sales", primary=True)
        else:
            links.make_primary(session, ADA, account, known.id)

    beside(real_app, lambda session: change_links(session, other, Customers([1], [2], [account.id], ["C1"])), lead)
    standing = of_account(real_app, account)
    assert dana.id not in {one.associate_id for one in standing}
    assert [one.associate_id for one in standing if one.is_primary] == [eve.id]


def test_associate_when_brought_back_twice_at_once_is_there_once(real_app: Flask, account: AccountFacts) -> None:
    (dana,) = people(real_app, account, "Dana")
    with real_app.app_context(), unit_of_work() as session:
        associates.delete_associate(session, ADA, dana.id, None)

    def late(session: Session) -> None:
        with pytest.raises(NotDeleted):
            associates.restore_associate(session, ADA, dana.id)

    beside(real_app, lambda session: associates.restore_associate(session, ADA, dana.id), late)


def test_link_when_begun_while_its_account_is_noted_as_gone_is_refused(real_app: Flask, account: AccountFacts) -> None:
    _, ben = people(real_app, account, "Dana", "Ben")
    refused = []

    def begin(session: Session) -> None:
        with pytest.raises(AccountNotFound) as error:
            links.begin_link(session, ADA, account, ben.id, "sales")
        refused.append(error.value)

    beside(real_app, lambda session: link_ends.end_links_of_accounts(session, ADA, [account.id]), begin)
    assert len(refused) == 1
    assert of_account(real_app, account) == []
