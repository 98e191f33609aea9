"""The waits after failed tries: whom they hold back, and whom not (P3)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.portal.domain import credentials, setup, sign_in, users
from services.portal.errors import SignInFailed, SignInLocked
from services.portal.models import BrowserSession, SignInTries, User
from shared.db import make_engine, unit_of_work
from tests.portal.conftest import GOOD, OTHER


def test_sign_in_when_it_failed_often_has_to_wait_longer_each_time(
    browser: Any, make_user: Callable[..., User], session: Session
) -> None:
    user = make_user()
    for _ in range(sign_in.FROM_ONE_PLACE.free_tries):
        answer = browser.sign_in(user.username, "wrong")
    assert "wait 30 seconds" in answer.text
    locked = browser.sign_in(user.username)
    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "30")
    waits = []
    for _ in range(9):
        session.execute(text("UPDATE sign_in_tries SET locked_until = now() - interval '1 second'"))
        session.commit()
        browser.sign_in(user.username, "wrong")
        waits.append(sign_in.seconds_to_wait(session, user.username, "203.0.113.7"))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    session.execute(text("UPDATE sign_in_tries SET locked_until = now() - interval '1 second'"))
    session.commit()
    assert browser.sign_in(user.username).status_code == 303
    assert sign_in.seconds_to_wait(session, user.username, "203.0.113.7") == 0


def test_sign_in_when_locked_looks_alike_for_names_that_do_not_exist(
    browser: Any, make_user: Callable[..., User]
) -> None:
    known = make_user().username
    answers = {name: [browser.sign_in(name, "wrong") for _ in range(7)] for name in (known, "nobody.here")}
    told = [[(one.status_code, one.text.replace(name, "")) for one in given] for name, given in answers.items()]
    assert told[0] == told[1]


def test_tries_when_a_day_old_are_forgotten(browser: Any, make_user: Callable[..., User], session: Session) -> None:
    user = make_user()
    for _ in range(4):
        browser.sign_in(user.username, "wrong")
    session.execute(text("UPDATE sign_in_tries SET last_at = now() - interval '25 hours'"))
    session.commit()
    browser.sign_in(user.username, "wrong")
    assert session.scalars(select(SignInTries.failed)).all() == [1, 1]


def test_sign_in_when_others_fail_from_elsewhere_is_open_to_its_owner(
    make_browser: Callable[..., Any], make_user: Callable[..., User], session: Session
) -> None:
    """Whoever knows a name does not lock its owner out; and only a new password, or a day, ends their own wait."""
    user = make_user()
    stranger, owner = make_browser(ip="198.51.100.66"), make_browser()
    answers = [stranger.sign_in(user.username, "wrong").status_code for _ in range(7)]
    assert answers == [401] * 5 + [429] * 2
    assert owner.sign_in(user.username).status_code == 303
    assert stranger.sign_in(user.username).status_code == 429, "the owner's sign-in does not end the stranger's wait"
    with unit_of_work() as inner:
        credentials.set_password(inner, setup.SYSTEM, user.id, GOOD, temporary=False)
    assert stranger.sign_in(user.username).status_code == 303
    assert not session.scalars(select(SignInTries)).all()


def test_sign_in_when_tried_from_everywhere_is_slowed_down_for_the_name(
    app: Any, make_user: Callable[..., User], session: Session
) -> None:
    """Many addresses with few tries each: from a hundred on the name itself waits, and never longer than a minute."""
    name = make_user().username
    free = sign_in.FROM_ANYWHERE.free_tries
    for number in range(free):
        sign_in.count_try(session, name, f"198.51.{number}.1")
    waits = []
    for number in range(4):
        with pytest.raises(SignInLocked) as locked:
            sign_in.count_try(session, name, "203.0.113.7")
        waits.append(locked.value.seconds)
        session.execute(text("UPDATE sign_in_tries SET locked_until = now() WHERE place = ''"))
        sign_in.count_try(session, name, f"198.52.{number}.1")
    assert waits == [30, 60, 60, 60]


def test_sign_in_when_one_network_has_many_addresses_counts_it_once(
    app: Any, make_user: Callable[..., User], session: Session
) -> None:
    """A host with IPv6 has 2^64 addresses for itself."""
    name = make_user().username
    for number in range(sign_in.FROM_ONE_PLACE.free_tries):
        sign_in.count_try(session, name, f"2001:db8:0:7::{number:x}")
    with pytest.raises(SignInLocked):
        sign_in.count_try(session, name, "2001:db8:0:7:ffff::1")
    sign_in.count_try(session, name, "2001:db8:0:8::1")


def test_user_when_tries_failed_anywhere_shows_that_a_new_password_ends_the_wait(
    signed_in: Callable[..., Any], make_browser: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    user, stranger = make_user(), make_browser(ip="198.51.100.66")
    admin = signed_in("Administrator")
    page = f"/settings/users/{user.id}"
    assert "Too many failed tries" not in admin.get(page).text
    for _ in range(5):
        stranger.sign_in(user.username, "wrong")
    assert "Too many failed tries" in admin.get(page).text


def test_tries_when_sent_all_at_once_are_counted_before_the_password_is_looked_at(portal_app: Any) -> None:
    """Twenty threads, each with its own connection: only the free tries get through to the password."""
    through: list[bool] = []
    gate = threading.Barrier(20)

    def one() -> None:
        with portal_app.app_context():
            gate.wait()
            try:
                with unit_of_work() as session:
                    sign_in.count_try(session, "raced.name", "203.0.113.7")
                through.append(True)
            except SignInLocked:
                through.append(False)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with portal_app.app_context(), unit_of_work() as session:
        sign_in.forget_tries(session, "raced.name")
    assert (sum(through), len(through)) == (sign_in.FROM_ONE_PLACE.free_tries, 20)


def test_sign_in_when_the_password_changes_at_that_moment_does_not_outlive_it(
    make_database: Callable[[str], str],
) -> None:
    """The old password was right when it was looked at, and is none any more when the session would begin."""
    engine = make_engine(make_database("portal"), pool_size=3)
    results: list[Any] = []

    def come_in() -> None:
        with Session(engine) as session, session.begin():
            results.append(sign_in.sign_in(session, "racer", GOOD, ip="203.0.113.7", user_agent=""))

    with Session(engine) as session, session.begin():
        user_id = users.create_user(session, setup.SYSTEM, {"username": "racer", "name": "R"}).id
        credentials.set_password(session, setup.SYSTEM, user_id, GOOD, temporary=False)
    thread = threading.Thread(target=come_in)
    with Session(engine) as session, session.begin():
        credentials.set_password(session, setup.SYSTEM, user_id, OTHER, temporary=False)
        thread.start()
        with engine.connect() as watcher:  # the sign-in has seen the old password, and waits to write
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            while thread.is_alive() and not watcher.execute(text(waiting)).scalar_one():
                watcher.rollback()
    thread.join()
    with Session(engine) as session:
        left = session.scalars(select(BrowserSession)).all()
    engine.dispose()
    assert [type(one) for one in results] == [SignInFailed]
    assert left == []
