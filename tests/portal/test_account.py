"""One's own password, sessions and access tokens."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.portal.domain import setup, tokens, users
from services.portal.models import AccessToken, AuditEntry, SignInTries, User
from shared.db import unit_of_work

GOOD = "teapot granite marmalade"
OTHER = "seventeen wet umbrellas"
TOKENS = "/api/portal/v1/tokens"


def test_account_when_asked_for_leads_to_its_first_page(signed_in: Callable[..., Any]) -> None:
    assert signed_in().get("/account").headers["Location"] == "/account/password"


def test_password_when_changed_ends_every_other_session_and_keeps_this_one(
    signed_in: Callable[..., Any], make_browser: Callable[..., Any]
) -> None:
    here = signed_in("Viewer")
    elsewhere = make_browser()
    elsewhere.sign_in(here.user.username)
    before = here.client.get_cookie("liaison").value
    answer = here.post("/account/password", {"current_password": GOOD, "new_password": OTHER})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert here.client.get_cookie("liaison").value != before
    assert here.ask("GET", "/").status_code == 200
    assert elsewhere.ask("GET", "/").status_code == 303
    assert make_browser().sign_in(here.user.username, GOOD).status_code == 401
    assert make_browser().sign_in(here.user.username, OTHER).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "said"),
    [
        ("wrong", OTHER, "not your current password"),
        (GOOD, GOOD, "This is your current password"),
        (GOOD, "short", "at least 15"),
        (GOOD, "Grace.Hopper.grace", "easy to guess"),
        ("", OTHER, "not your current password"),
    ],
)
def test_password_when_the_change_is_refused_says_why(
    signed_in: Callable[..., Any], current: str, new: str, said: str
) -> None:
    browser = signed_in(name="Grace Hopper")
    page = browser.post("/account/password", {"current_password": current, "new_password": new})
    assert (page.status_code, said in page.text) == (422, True)
    api = browser.post("/api/portal/v1/me/password", json={"current_password": current, "new_password": new})
    assert (api.status_code, said in api.json["detail"]) == (422, True)
    assert browser.ask("GET", "/").status_code == 200


@pytest.mark.parametrize("way", ["screen", "api"])
@pytest.mark.parametrize("ended", [True, False])
def test_password_when_changed_ends_the_access_tokens_if_asked_to(
    signed_in: Callable[..., Any], browser: Any, session: Session, way: str, ended: bool
) -> None:
    here = signed_in("Viewer")
    assert "access token" not in _form_of_password(here)
    secrets = [here.post(TOKENS, json={"name": name}).json["token"] for name in ("one", "two", "three")]
    session.execute(text("UPDATE personal_access_token SET expires_at = now() WHERE name = 'three'"))
    session.commit()
    assert "Also end my access tokens (2)" in _form_of_password(here)
    change = {"current_password": GOOD, "new_password": OTHER}
    if way == "screen":
        assert here.post("/account/password", change | ({"end_tokens": "true"} if ended else {})).status_code == 303
    else:
        wish = change | ({"end_tokens": True} if ended else {})
        assert here.post("/api/portal/v1/me/password", json=wish).status_code == 204
    works = [browser.ask("GET", "/api/x", {"Authorization": f"Bearer {one}"}).status_code for one in secrets]
    assert works == ([401, 401, 401] if ended else [200, 200, 401])
    details = session.scalars(select(AuditEntry.details).where(AuditEntry.action == "password_changed")).one()
    assert details == {"sessions_ended": 1, "tokens_ended": 2 if ended else 0}


def _form_of_password(browser: Any) -> str:
    """Return the form without the menu, which leads to the access tokens, too."""
    page = browser.get("/account/password").text
    return page[page.index('action="/account/password"') :].partition("</form>")[0]


def test_password_when_refused_keeps_the_wish_to_end_access_tokens(signed_in: Callable[..., Any]) -> None:
    here = signed_in()
    here.post(TOKENS, json={"name": "one"})
    form = {"current_password": GOOD, "new_password": "short", "end_tokens": "true"}
    page = here.post("/account/password", form).text
    assert re.search(r'name="end_tokens" value="true" checked', page)


def test_current_password_when_guessed_by_somebody_at_the_desk_locks(signed_in: Callable[..., Any]) -> None:
    browser = signed_in()
    form = {"current_password": "guess", "new_password": OTHER}
    answers = [browser.post("/account/password", form).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert browser.post("/account/password", {**form, "current_password": GOOD}).status_code == 429


@pytest.mark.parametrize("way", ["screen", "api"])
def test_current_password_when_right_is_no_failed_try_whatever_the_new_one_is(
    signed_in: Callable[..., Any], session: Session, way: str
) -> None:
    browser = signed_in()

    def change(new: str, current: str = GOOD) -> int:
        form = {"current_password": current, "new_password": new}
        if way == "screen":
            return int(browser.post("/account/password", form).status_code)
        return int(browser.post("/api/portal/v1/me/password", json=form).status_code)

    assert [change(new) for new in ("short", GOOD) * 4] == [422] * 8
    assert not session.scalars(select(SignInTries)).all()
    assert [change(OTHER, current="guess") for _ in range(4)] == [422] * 4
    assert change("short") == 422
    assert change(OTHER, current="guess") == 422, "the count began anew"
    assert change(OTHER) in (204, 303)


def test_password_when_pasted_in_another_unicode_form_is_the_same(
    signed_in: Callable[..., Any], make_browser: Callable[..., Any]
) -> None:
    browser = signed_in()
    composed, decomposed = "dr\u00fcben ein gr\u00fcnes Haus", "dru\u0308ben ein gru\u0308nes Haus"
    browser.post("/account/password", {"current_password": GOOD, "new_password": composed})
    assert make_browser().sign_in(browser.user.username, decomposed).status_code == 303


def test_first_sign_in_file_when_that_password_is_changed_is_removed(
    app: Any, signed_in: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "first.txt"
    monkeypatch.setitem(app.config, "FIRST_SIGN_IN_FILE", file)
    admin, other = signed_in("Administrator"), signed_in("Viewer")
    file.write_text(f"{admin.user.username}\nsecret\n")
    other.post("/account/password", {"current_password": GOOD, "new_password": OTHER})
    assert file.exists()
    admin.post("/account/password", {"current_password": GOOD, "new_password": OTHER})
    assert not file.exists()
    admin.post("/account/password", {"current_password": OTHER, "new_password": GOOD})  # nothing to remove is fine


def test_sessions_when_listed_can_be_ended_one_by_one_and_all_but_this(
    signed_in: Callable[..., Any], make_browser: Callable[..., Any]
) -> None:
    here = signed_in()
    others = [make_browser(ip=f"198.51.100.{number}") for number in range(3)]
    for one in others:
        one.sign_in(here.user.username)
    page = here.get("/account/password").text
    assert page.count("Firefox on Linux") >= 4
    assert "198.51.100.2" in page
    listed = {one["ip"]: one["id"] for one in here.get("/api/portal/v1/sessions").json["items"]}
    assert here.open("DELETE", f"/api/portal/v1/sessions/{listed['198.51.100.0']}").status_code == 204
    assert [one.ask("GET", "/").status_code for one in others] == [303, 200, 200]
    assert here.post("/account/sessions/end-others").status_code == 303
    assert [one.ask("GET", "/").status_code for one in others] == [303, 303, 303]
    assert here.ask("GET", "/").status_code == 200


def test_session_when_it_is_somebody_elses_can_not_be_ended(signed_in: Callable[..., Any]) -> None:
    victim, thief = signed_in(), signed_in("Administrator")
    target = victim.get("/api/portal/v1/sessions").json["items"][0]["id"]
    assert thief.open("DELETE", f"/api/portal/v1/sessions/{target}").status_code == 404
    assert thief.post(f"/account/sessions/{target}/end").status_code == 404
    assert victim.ask("GET", "/").status_code == 200


def test_token_when_made_on_screen_is_shown_once_and_stored_as_a_hash(
    signed_in: Callable[..., Any], session: Session
) -> None:
    browser = signed_in()
    page = browser.post("/account/tokens", {"name": "Nightly <script>", "days": "30"})
    secret = re.search(r'id="new-token">([^<]+)<', page.text)[1]
    assert (page.status_code, secret[:4], len(secret)) == (201, "lia_", 47)
    again = browser.get("/account/tokens").text
    assert secret not in again
    assert secret[:10] in again
    assert "<script>" not in again.replace("<script src", "")
    stored = session.execute(text("SELECT row_to_json(t)::text FROM personal_access_token t")).scalar_one()
    assert secret[10:] not in stored
    trail = session.execute(text("SELECT string_agg(to_jsonb(a)::text, '') FROM audit_entry a")).scalar_one()
    assert secret[10:] not in trail


def test_token_when_the_name_is_taken_is_refused_so_a_second_click_makes_no_second(
    signed_in: Callable[..., Any], session: Session
) -> None:
    browser = signed_in()
    assert browser.post(TOKENS, json={"name": "CI"}).status_code == 201
    again = browser.post(TOKENS, json={"name": " ci "})
    assert (again.status_code, again.json["code"]) == (409, "token_name_taken")
    assert "You have a token of this name" in browser.post("/account/tokens", {"name": "CI", "days": "7"}).text
    assert len(session.scalars(select(AccessToken)).all()) == 1
    assert signed_in().post(TOKENS, json={"name": "CI"}).status_code == 201  # somebody else's names are their own


@pytest.mark.parametrize("days", [0, -1, 367, 10**30, "x", None])
def test_token_when_the_days_are_wrong_says_so(signed_in: Callable[..., Any], days: Any) -> None:
    assert signed_in().post(TOKENS, json={"name": "CI", "days": days}).status_code == 422


def test_token_when_revoked_stops_at_once_and_only_by_its_owner(signed_in: Callable[..., Any], browser: Any) -> None:
    owner, thief = signed_in(), signed_in("Administrator")
    made = owner.post(TOKENS, json={"name": "CI"}).json
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert thief.open("DELETE", f"{TOKENS}/{made['id']}").status_code == 404
    assert thief.post(f"/account/tokens/{made['id']}/revoke").status_code == 404
    assert browser.ask("GET", "/api/x", bearer).status_code == 200
    assert "data-dialog-close" in owner.get(f"/account/tokens/{made['id']}/revoke").text
    assert owner.post(f"/account/tokens/{made['id']}/revoke").status_code == 303
    assert browser.ask("GET", "/api/x", bearer).status_code == 401


def test_token_when_its_owner_has_a_temporary_password_waits_until_it_is_changed(
    browser: Any, make_user: Callable[..., User]
) -> None:
    """A reset ends the tokens, so only the command line gives one to somebody with a temporary password."""
    owner = make_user("Viewer", temporary=True)
    with unit_of_work() as session:
        secret = tokens.create_token(session, setup.SYSTEM, "CI", 30, owner=users.subject_of(owner))[1]
    bearer = {"Authorization": f"Bearer {secret}"}
    asked = browser.ask("GET", "/api/customers/v1/customers", bearer)
    assert (asked.status_code, asked.json["code"]) == (403, "password_change_required")


def test_me_when_asked_tells_permissions_in_order_and_no_secret(signed_in: Callable[..., Any]) -> None:
    told = signed_in("Staff").get("/api/portal/v1/me").json
    assert told["permissions"] == [
        "customers.view",
        "customers.edit",
        "write_to_customers",
        "assign",
        "associates.view",
        "associates.edit",
        "import",
    ]
    assert not any("hash" in name for name in told)


def test_change_when_sent_from_another_site_is_refused(signed_in: Callable[..., Any], session: Session) -> None:
    browser = signed_in("Administrator")
    sent = browser.post("/account/tokens", {"name": "CI", "days": "7"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 403
    assert not session.scalars(select(AccessToken)).all()


def test_account_when_used_leaves_its_trail(signed_in: Callable[..., Any], session: Session) -> None:
    browser = signed_in()
    made = browser.post(TOKENS, json={"name": "CI"}).json
    browser.open("DELETE", f"{TOKENS}/{made['id']}")
    browser.post("/account/password", {"current_password": GOOD, "new_password": OTHER})
    browser.post("/sign-out")
    mine = AuditEntry.actor_id == browser.user.id
    entries = session.scalars(select(AuditEntry).where(mine).order_by(AuditEntry.id)).all()
    told = [entry.action for entry in entries]
    assert told == ["signed_in", "token_created", "token_revoked", "password_changed", "signed_out"]
    assert {entry.ip for entry in entries} == {"203.0.113.7"}
    assert isinstance(session.get(User, browser.user.id), User)
