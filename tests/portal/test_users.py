"""Settings, Users (P2): search, add, edit, passwords, the Active tick, and who may do that to whom."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from services.portal.models import AuditEntry, Outbox, Role, User

USERS = "/api/portal/v1/users"
GOOD = "teapot granite marmalade"
OTHER = "seventeen wet umbrellas"


def _form(user: User, **changes: Any) -> dict[str, Any]:
    given = {
        "username": user.username,
        "name": user.name,
        "email": user.email or "",
        "kind": user.kind,
        "code": user.code or "",
    }
    return {
        **given,
        "active": "true",
        "roles": [str(role.id) for role in user.roles],
        "version": user.version,
        **changes,
    }


def _role(session: Session, name: str) -> Role:
    return session.scalars(select(Role).where(Role.name == name)).one()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("orea", True),
        ("INES mor", True),
        ("ines.m", True),
        ("e-00", True),
        ("@example", True),
        ("moreau zzz", False),
        ("%", False),
        ("_", False),
    ],
)
def test_search_when_typing_finds_name_username_code_and_mail(
    signed_in: Callable[..., Any], make_user: Callable[..., User], words: str, found: bool
) -> None:
    make_user(username="ines.m", name="Inès  Moreau".replace("è", "e"), code="E-007", email="ines@example.test")
    admin = signed_in("Administrator")
    by_page = admin.get("/settings/users", query_string={"q": words}, headers={"HX-Request": "true"})
    assert ("ines.m" in by_page.text) is found
    assert "<html" not in by_page.text
    by_api = admin.get(USERS, query_string={"q": words}).json["items"]
    assert ([one["username"] for one in by_api] == ["ines.m"]) is found


def test_list_when_nothing_is_found_tells_what_to_do(signed_in: Callable[..., Any]) -> None:
    assert "Show all users" in signed_in("Administrator").get("/settings/users?q=zzzz").text


def test_list_when_longer_than_a_page_is_walked_by_cursor_without_gaps(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    made = {make_user(name="Same Name", password=None).username for _ in range(7)}
    admin, seen, cursor = signed_in("Administrator"), [], None
    while True:
        page = admin.get(USERS, query_string={"q": "same", "limit": 3, **({"cursor": cursor} if cursor else {})}).json
        seen += [one["username"] for one in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert (len(seen), set(seen)) == (7, made)


@pytest.mark.parametrize(
    "cursor",
    ["x", "W10", "WzEsMl0", "WyJhIiwiYiJd", "WyJhXHUwMDAwIiwiMDE5YTJmNmUtMGEwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIl0"],
)
def test_list_when_the_cursor_is_made_up_says_so(signed_in: Callable[..., Any], cursor: str) -> None:
    assert signed_in("Administrator").get(USERS, query_string={"cursor": cursor}).status_code == 422


def test_list_when_longer_costs_no_more_queries(
    app: Any, signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    admin = signed_in("Administrator")

    def count() -> int:
        statements: list[str] = []

        def listen(*given: Any) -> None:
            statements.append(given[2])

        event.listen(app.extensions["liaison.engine"], "before_cursor_execute", listen)
        admin.get("/settings/users")
        event.remove(app.extensions["liaison.engine"], "before_cursor_execute", listen)
        return len([one for one in statements if "SAVEPOINT" not in one])

    few = count()
    for _ in range(20):
        make_user("Staff", "Viewer", password=None)
    assert count() == few


def test_user_when_added_on_screen_gets_a_password_that_works_once(
    signed_in: Callable[..., Any], make_browser: Callable[..., Any], session: Session
) -> None:
    admin = signed_in("Administrator")
    form = {
        "username": "New.One",
        "name": "New One",
        "email": "",
        "kind": "employee",
        "code": "007",
        "active": "true",
        "roles": str(_role(session, "Staff").id),
        "first_password": "generate",
    }
    page = admin.post("/settings/users/new", form)
    assert page.status_code == 201
    password = re.search(r'id="new-password">([^<]+)<', page.text)[1]
    assert password not in admin.get("/settings/audit").text
    fresh = make_browser()
    assert fresh.sign_in("new.one", password).headers["Location"] == "/account/password"
    user = session.scalars(select(User).where(User.username == "New.One")).one()
    assert (user.code, user.password_is_temporary, [role.name for role in user.roles]) == ("007", True, ["Staff"])
    assert password not in (user.password_hash or "")


def test_user_when_added_twice_by_a_second_click_is_refused_at_the_field(signed_in: Callable[..., Any]) -> None:
    admin = signed_in("Administrator")
    form = {"username": "twice", "name": "Twice", "kind": "employee", "first_password": "later"}
    assert admin.post("/settings/users/new", form).status_code == 303
    again = admin.post("/settings/users/new", {**form, "username": "TWICE"})
    assert again.status_code == 422
    assert "Another user has this username" in again.text
    assert 'value="TWICE"' in again.text


def test_user_when_added_by_api_with_the_same_key_is_added_once(signed_in: Callable[..., Any]) -> None:
    admin = signed_in("Administrator")
    send = {"json": {"username": "once", "name": "Once"}, "headers": {"Idempotency-Key": "k1"}}
    first, second = admin.post(USERS, **send), admin.post(USERS, **send)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert admin.post(USERS, json={"username": "once", "name": "Once"}).json["code"] == "username_taken"
    assert first.headers["Location"] == f"{USERS}/{first.json['id']}"
    assert first.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "two words"}, "username"),
        ({"username": "x" * 101}, "username"),
        ({"username": "a\u0000b"}, "username"),
        ({"username": None}, "username"),
        ({"name": "  "}, "name"),
        ({"name": "line\nbreak"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"email": "not an address"}, "email"),
        ({"kind": "alien"}, "kind"),
        ({"code": "x" * 61}, "code"),
        ({"roles": ["not-a-uuid"]}, "roles.0"),
        ({"extra": 1}, "extra"),
    ],
)
def test_user_when_a_value_is_wrong_names_the_field(
    signed_in: Callable[..., Any], changes: dict[str, Any], field: str
) -> None:
    answer = signed_in("Administrator").post(USERS, json={"username": "fine", "name": "Fine", **changes})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


def test_codes_when_equal_but_for_case_belong_to_one_user(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    make_user(code="Ab-007")
    admin = signed_in("Administrator")
    assert admin.post(USERS, json={"username": "b", "name": "B", "code": "aB-007"}).json["code"] == "code_taken"
    assert admin.post(USERS, json={"username": "b", "name": "B", "code": "Ab-7"}).status_code == 201


@pytest.mark.parametrize(("field", "refusal"), [("code", "code_taken"), ("username", "username_taken")])
def test_edit_when_the_name_or_code_is_somebody_elses_is_refused(
    signed_in: Callable[..., Any], make_user: Callable[..., User], field: str, refusal: str
) -> None:
    admin, taken, user = signed_in("Administrator"), make_user(code="7", username="taken"), make_user(code="8")
    patch = {"json": {field: getattr(taken, field).upper()}, "headers": {"If-Match": f'"{user.version}"'}}
    refused = admin.open("PATCH", f"{USERS}/{user.id}", **patch)
    assert (refused.status_code, refused.json["code"], list(refused.json["errors"])) == (422, refusal, [field])
    page = admin.post(f"/settings/users/{user.id}", _form(user, **{field: getattr(taken, field)}))
    assert (page.status_code, f"Another user has this {field}" in page.text) == (422, True)


def test_names_when_made_of_html_are_shown_as_text(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    evil = '<img src=x onerror="alert(1)">'
    user = make_user("Viewer", name=evil, code=evil[:50], email=None)
    admin = signed_in("Administrator", name=evil + "2")
    for url in (
        "/",
        "/settings/users",
        f"/settings/users/{user.id}",
        f"/settings/users/{user.id}/menu",
        f"/settings/users/{user.id}/deactivate",
        f"/settings/users/{user.id}/password",
        "/settings/audit",
    ):
        page = admin.get(url).text
        assert "<img src=x" not in page, url
        assert "&lt;img src=x" in page, url


def test_edit_when_somebody_was_faster_is_refused_on_screen_and_by_api(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    admin, user = signed_in("Administrator"), make_user("Viewer")
    url = f"{USERS}/{user.id}"
    tag = admin.get(url).headers["ETag"]
    assert admin.post(f"/settings/users/{user.id}", _form(user, name="First")).status_code == 303
    assert admin.post(f"/settings/users/{user.id}", _form(user, name="Second")).status_code == 412
    stale = admin.open("PATCH", url, json={"name": "Third"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json["code"]) == (412, "stale")
    assert admin.open("PATCH", url, json={"name": "Third"}).status_code == 428
    fresh = admin.get(url).headers["ETag"]
    done = admin.open("PATCH", url, json={"name": "Third"}, headers={"If-Match": fresh})
    assert (done.json["name"], done.headers["ETag"] != fresh) == ("Third", True)


def test_edit_when_only_the_roles_change_makes_a_new_version(
    signed_in: Callable[..., Any], make_user: Callable[..., User], session: Session
) -> None:
    admin, user = signed_in("Administrator"), make_user("Viewer")
    patch = {"json": {"roles": [str(_role(session, "Staff").id)]}, "headers": {"If-Match": f'"{user.version}"'}}
    assert admin.open("PATCH", f"{USERS}/{user.id}", **patch).json["version"] == user.version + 1
    assert admin.open("PATCH", f"{USERS}/{user.id}", **patch).status_code == 412
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "roles_changed")).one()
    assert entry.details == {"added": ["Staff"], "removed": ["Viewer"]}


def test_edit_when_nothing_changes_keeps_the_version_and_the_trail(
    signed_in: Callable[..., Any], make_user: Callable[..., User], session: Session
) -> None:
    admin, user = signed_in("Administrator"), make_user("Viewer", email="a@example.test", code="1")
    before = session.query(AuditEntry).count()
    assert admin.post(f"/settings/users/{user.id}", _form(user)).status_code == 303
    session.expire_all()
    assert session.get_one(User, user.id).version == user.version
    assert session.query(AuditEntry).count() == before


def test_sign_in_when_it_happens_does_not_make_an_edit_stale(
    signed_in: Callable[..., Any], make_user: Callable[..., User], make_browser: Callable[..., Any]
) -> None:
    user = make_user("Viewer")
    make_browser().sign_in(user.username)
    assert signed_in("Administrator").post(f"/settings/users/{user.id}", _form(user, name="New")).status_code == 303


def test_change_when_made_is_told_to_others(
    signed_in: Callable[..., Any], make_user: Callable[..., User], session: Session
) -> None:
    user = make_user("Viewer", name="Before")
    signed_in("Administrator").post(f"/settings/users/{user.id}", _form(user, name="After"))
    told = session.scalars(
        select(Outbox.payload).where(Outbox.payload["user_id"].astext == str(user.id)).order_by(Outbox.event_id)
    ).all()
    assert [one["user_name"] for one in told] == ["Before", "After"]


# Passwords


def test_password_when_added_by_the_dialog_is_checked_and_told_once(
    signed_in: Callable[..., Any], make_user: Callable[..., User], make_browser: Callable[..., Any]
) -> None:
    admin, user = signed_in("Administrator"), make_user(password=None, name="Ada Lovelace")
    url = f"/settings/users/{user.id}/password"
    weak = admin.post(url, {"password": "ada.lovelace.ada.lovelace"}, headers={"HX-Request": "true"})
    assert (weak.status_code, "easy to guess" in weak.text) == (422, True)
    assert 'role="alert"' in weak.text or "invalid-feedback" in weak.text
    assert admin.post(url, {"password": GOOD}, headers={"HX-Request": "true"}).status_code == 200
    assert make_browser().sign_in(user.username).headers["Location"] == "/"
    made = admin.post(url, {"how": "generate", "password": ""}, headers={"HX-Request": "true"})
    assert 'id="password-panel" data-keep-open' in made.text  # or the dialog closes before anybody has read it
    password = re.search(r'id="new-password">([^<]+)<', made.text)[1]
    assert make_browser().sign_in(user.username, password).headers["Location"] == "/account/password"
    assert make_browser().sign_in(user.username).status_code == 401


def test_strength_when_typing_is_told_with_the_person_in_mind(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    admin, user = signed_in("Administrator"), make_user(name="Wolfgang Amadeus")
    say = lambda typed: admin.post(f"/settings/users/{user.id}/strength", {"password": typed}).text  # noqa: E731
    assert "easy to guess" in say("wolfgang amadeus 1756")
    assert "At least" in say("short") or "Use at least" in say("short")
    assert "strong" in say(GOOD)
    assert say("").strip() == ""


def test_password_when_set_by_somebody_else_ends_the_sessions_and_the_wait(
    signed_in: Callable[..., Any], make_browser: Callable[..., Any]
) -> None:
    admin, victim = signed_in("Administrator"), signed_in("Staff")
    for _ in range(6):
        make_browser().sign_in(victim.user.username, "wrong")
    assert make_browser().sign_in(victim.user.username).status_code == 429
    answer = admin.post(f"{USERS}/{victim.user.id}/password", json={})
    assert answer.json["temporary_until"] is not None
    assert victim.ask("GET", "/").status_code == 303
    assert make_browser().sign_in(victim.user.username, answer.json["password"]).status_code == 303


def test_password_when_set_by_somebody_else_ends_the_access_tokens(
    signed_in: Callable[..., Any], session: Session
) -> None:
    """Whoever got in and made themselves a token is out by the reset, which is told before."""
    admin, victim = signed_in("Administrator"), signed_in("Staff")
    secret = victim.post("/api/portal/v1/tokens", json={"name": "a thief's"}).json["token"]
    bearer = {"Authorization": f"Bearer {secret}"}
    dialog = admin.get(f"/settings/users/{victim.user.id}/password").text
    assert "whose sessions and access tokens end by this" in dialog
    assert victim.ask("GET", "/api/x", bearer).status_code == 200
    admin.post(f"{USERS}/{victim.user.id}/password", json={})
    assert victim.ask("GET", "/api/x", bearer).status_code == 401
    newest = select(AuditEntry).where(AuditEntry.action == "password_set").order_by(AuditEntry.id.desc()).limit(1)
    told = session.scalars(newest).one().details
    assert (told["sessions_ended"], told["tokens_ended"]) == (1, 1)
    assert "tokens ended: 1" in admin.get("/settings/audit").text


def test_typed_password_when_set_by_api_is_not_told_back(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    user = make_user(password=None)
    answer = signed_in("Administrator").post(f"{USERS}/{user.id}/password", json={"password": GOOD, "temporary": False})
    assert answer.json == {"password": None, "temporary_until": None}
