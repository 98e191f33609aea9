"""Signing in and out, lockout, temporary passwords (P3), and what a stranger can learn (nothing)."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from services.portal.domain import passwords
from services.portal.models import AuditEntry, BrowserSession, User

GOOD = "teapot granite marmalade"
API = "/api/portal/v1/sign-in"


def _actions(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_sign_in_when_right_opens_a_session_and_goes_on(
    browser: Any, make_user: Callable[..., User], session: Session
) -> None:
    user = make_user("Staff", username="Ines.M")
    answer = browser.sign_in("  ines.m ", next="/customers?q=a")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/customers?q=a")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("liaison=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert browser.get("/api/portal/v1/me").json["id"] == str(user.id)
    assert _actions(session)[-1] == "signed_in"


def test_cookie_when_public_address_has_tls_is_bound_to_the_host(
    app: Any, browser: Any, make_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    settings = replace(app.extensions["liaison.settings"], public_url="https://crm.example.test")
    monkeypatch.setitem(app.extensions, "liaison.settings", settings)
    cookie = browser.sign_in(make_user().username).headers["Set-Cookie"]
    assert cookie.startswith("__Host-liaison=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_session_token_when_stored_is_only_a_hash(
    browser: Any, make_user: Callable[..., User], session: Session
) -> None:
    token = browser.sign_in(make_user().username).headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert len(token) >= 43  # 256 bits
    stored = session.scalars(select(BrowserSession)).one()
    assert token.encode() not in stored.token_hash
    row = session.execute(text("SELECT row_to_json(s)::text FROM browser_session s")).scalar_one()
    assert token not in row


def test_session_when_signing_in_again_is_a_new_one_and_the_old_is_gone(
    browser: Any, make_user: Callable[..., User], session: Session
) -> None:
    user = make_user()
    first = browser.sign_in(user.username).headers["Set-Cookie"]
    second = browser.sign_in(user.username).headers["Set-Cookie"]
    assert first.partition(";")[0] != second.partition(";")[0]
    assert session.scalar(select(func.count()).select_from(BrowserSession)) == 1


def test_session_when_planted_by_somebody_else_is_not_taken_over(browser: Any, make_user: Callable[..., User]) -> None:
    browser.client.set_cookie("liaison", "planted-by-an-attacker")
    answer = browser.sign_in(make_user().username)
    assert "planted" not in answer.headers["Set-Cookie"]
    browser.client.set_cookie("liaison", "planted-by-an-attacker")
    assert browser.ask("GET", "/").status_code == 303


@pytest.mark.parametrize("case", ["wrong password", "unknown name", "switched off", "no password"])
def test_sign_in_when_refused_says_the_same_whatever_the_reason(
    browser: Any, make_user: Callable[..., User], case: str
) -> None:
    user = make_user(active=case != "switched off", password=None if case == "no password" else GOOD)
    name = "nobody.here" if case == "unknown name" else user.username
    answer = browser.sign_in(name, "wrong" if case == "wrong password" else GOOD)
    assert answer.status_code == 401
    assert "The username or the password is not right." in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("known", [True, False])
def test_sign_in_when_the_name_is_unknown_costs_the_same_look_at_a_hash(
    browser: Any, make_user: Callable[..., User], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = make_user().username if known else "nobody.here"
    looks: list[str] = []
    real = passwords.HASHER.verify
    monkeypatch.setattr(
        type(passwords.HASHER), "verify", lambda self, stored, typed: looks.append(stored) or real(stored, typed)
    )
    browser.sign_in(name, "not the password")
    assert len(looks) == 1
    assert looks[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_failed_sign_in_when_recorded_does_not_keep_what_was_typed(
    browser: Any, make_user: Callable[..., User], session: Session
) -> None:
    browser.sign_in("my-secret-password-in-the-wrong-field", "x")
    browser.sign_in(make_user(name="Known One").username, "x")
    rows = session.execute(
        select(AuditEntry.subject_name, AuditEntry.ip).where(AuditEntry.action == "sign_in_failed")
    ).all()
    assert sorted(rows) == [("Known One", "203.0.113.7"), ("unknown name", "203.0.113.7")]
    everything = session.execute(text("SELECT string_agg(to_jsonb(a)::text, '') FROM audit_entry a")).scalar_one()
    assert "my-secret" not in everything


@pytest.mark.parametrize("name", ["\0", "a\0b", "'; DROP TABLE portal_user; --", "x" * 5000, "", "🦊", "\u202e"])
def test_sign_in_when_the_name_is_strange_is_just_refused(browser: Any, name: str) -> None:
    assert browser.sign_in(name, name).status_code == 401


def test_sign_in_when_sent_from_another_site_is_refused(browser: Any, make_user: Callable[..., User]) -> None:
    form = {"username": make_user().username, "password": GOOD}
    assert browser.post("/sign-in", form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize(
    "back",
    [
        "//evil.test",
        "/\\evil.test",
        "https://evil.test/",
        "javascript:alert(1)",
        "/\t/evil.test",
        "/ /evil.test",
        "/sign-out",
        "customers",
        "/%0d%0aX: y\r\n",
        "",
        "/" + "a" * 3000,
    ],
)
def test_sign_in_when_next_leads_elsewhere_goes_home(browser: Any, make_user: Callable[..., User], back: str) -> None:
    answer = browser.sign_in(make_user().username, next=back)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_temporary_password_when_used_lets_nothing_be_done_but_change_it(
    browser: Any, make_user: Callable[..., User]
) -> None:
    user = make_user("Administrator", temporary=True)
    assert browser.sign_in(user.username, next="/customers").headers["Location"] == "/account/password"
    away = browser.ask("GET", "/settings/users")
    assert (away.status_code, away.headers["Location"]) == (303, "/account/password")
    by_api = browser.ask("GET", "/api/portal/v1/users", {"Accept": "application/json"})
    assert (by_api.status_code, by_api.json["code"], by_api.json["instance"]) == (
        403,
        "password_change_required",
        "/api/portal/v1/users",
    )
    assert browser.ask("GET", "/customers", {"HX-Request": "true"}).headers["HX-Redirect"] == "/account/password"
    assert "Choose your own password" in browser.get("/account/password").text
    changed = browser.post("/account/password", {"current_password": GOOD, "new_password": "seventeen wet umbrellas"})
    assert (changed.status_code, changed.headers["Location"]) == (303, "/")
    assert browser.get("/settings/users").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/account/password/../../settings/users",
        "//settings/users",
        "/account/password/x",
        "/sign-out/../api/portal/v1/users",
    ],
)
def test_temporary_password_when_the_address_is_twisted_opens_nothing(
    browser: Any, make_user: Callable[..., User], path: str
) -> None:
    browser.sign_in(make_user(temporary=True).username)
    assert browser.ask("GET", path).status_code == 303


def test_temporary_password_when_its_day_is_over_does_not_work(
    browser: Any, make_user: Callable[..., User], session: Session
) -> None:
    user = make_user(temporary=True)
    session.execute(
        text("UPDATE portal_user SET temporary_until = now() - interval '1 second' WHERE id = :id"), {"id": user.id}
    )
    session.commit()
    answer = browser.sign_in(user.username)
    assert answer.status_code == 401
    assert "has run out" in answer.text


def test_sign_out_when_done_ends_the_session_in_the_database(signed_in: Callable[..., Any], session: Session) -> None:
    browser = signed_in()
    kept = browser.client.get_cookie("liaison").value
    assert browser.post("/sign-out").headers["Location"] == "/sign-in"
    assert session.scalar(select(func.count()).select_from(BrowserSession)) == 0
    browser.client.set_cookie("liaison", kept)
    assert browser.ask("GET", "/").status_code == 303


def test_sign_in_when_one_address_tries_too_often_is_held_back(
    app: Any, browser: Any, make_browser: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SIGN_IN_LIMIT", "3 per minute")
    browser.ip = "198.51.100.77"
    answers = [browser.sign_in(f"name{number}", "x").status_code for number in range(4)]
    assert answers == [401, 401, 401, 429]
    assert make_browser(ip="198.51.100.78").sign_in("other", "x").status_code == 401
    assert browser.client.get("/sign-in").status_code == 200


def test_sign_in_by_api_when_right_is_who_signed_in_with_a_session(
    browser: Any, make_user: Callable[..., User], session: Session
) -> None:
    user = make_user("Staff", username="ines")
    answer = browser.post(API, json={"username": " INES ", "password": GOOD})
    assert answer.status_code == 201
    assert (answer.json["id"], answer.json["password_is_temporary"]) == (str(user.id), False)
    assert "customers.view" in answer.json["permissions"]
    assert GOOD not in answer.text
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert _actions(session)[-1] == "signed_in"
    made = browser.post("/api/portal/v1/tokens", json={"name": "my program"})
    assert made.status_code == 201
    by_token = {"Authorization": f"Bearer {made.json['token']}"}
    assert browser.ask("GET", "/api/customers/v1/accounts", by_token).status_code == 200


def test_sign_in_by_api_when_the_password_is_temporary_lets_it_be_changed_and_nothing_else(
    browser: Any, make_user: Callable[..., User]
) -> None:
    user = make_user("Staff", temporary=True)
    assert browser.post(API, json={"username": user.username, "password": GOOD}).json["password_is_temporary"] is True
    refused = browser.post("/api/portal/v1/tokens", json={"name": "mine"})
    assert (refused.status_code, refused.json["code"]) == (403, "password_change_required")
    own = {"current_password": GOOD, "new_password": "seventeen wet umbrellas"}
    assert browser.post("/api/portal/v1/me/password", json=own).status_code == 204
    assert browser.post("/api/portal/v1/tokens", json={"name": "mine"}).status_code == 201


def test_sign_in_by_api_when_refused_says_no_more_than_the_screen(
    browser: Any, make_user: Callable[..., User], session: Session
) -> None:
    user = make_user()
    for name in (user.username, "nobody.here"):
        answers = [browser.post(API, json={"username": name, "password": "wrong"}) for _ in range(6)]
        assert [(one.status_code, one.json["code"]) for one in answers] == [(401, "sign_in_failed")] * 5 + [
            (429, "sign_in_locked")
        ]
        assert answers[-1].headers["Retry-After"] == "30"
        assert not any("Set-Cookie" in one.headers for one in answers)
    assert browser.sign_in(user.username).status_code == 429, "the screen counts the same tries"
    assert _actions(session).count("sign_in_failed") == 10


@pytest.mark.parametrize("way", ["cross-site", "form"])
def test_sign_in_by_api_when_another_site_sends_it_is_refused(
    browser: Any, make_user: Callable[..., User], way: str
) -> None:
    values = {"username": make_user().username, "password": GOOD}
    if way == "form":
        answer = browser.post(API, values)
    else:
        answer = browser.post(API, json=values, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == {"form": 422, "cross-site": 403}[way]
    assert "Set-Cookie" not in answer.headers


def test_sign_in_when_one_address_tries_on_both_ways_is_held_back_by_one_limit(
    app: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SIGN_IN_LIMIT", "3 per minute")
    browser.ip = "198.51.100.79"
    ways: list[Callable[[str], Any]] = [
        browser.sign_in,
        lambda name: browser.post(API, json={"username": name, "password": "x"}),
    ]
    assert [ways[number % 2](f"name{number}").status_code for number in range(5)] == [401, 401, 401, 429, 429]


def test_sign_in_when_redis_is_away_still_works_and_still_limits(
    portal_url: str,
    make_settings: Callable[..., Any],
) -> None:
    from dataclasses import replace

    from services.portal.app import create_app
    from shared.testing import outer_transaction

    other = create_app(replace(make_settings("portal", portal_url), redis_url="redis://127.0.0.1:1/0"))
    other.config["SIGN_IN_LIMIT"] = "2 per minute"
    sent = {"data": {"username": "nobody", "password": "x"}, "headers": {"X-Forwarded-For": "198.51.100.9"}}
    with outer_transaction(other):
        answers = [other.test_client().post("/sign-in", **sent).status_code for _ in range(3)]
    other.extensions["liaison.engine"].dispose()
    assert answers == [401, 401, 429]
