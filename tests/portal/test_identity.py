"""What the gateway is told about a request: who asks, or where to send them (design 7)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from services.portal.caller import safe_path
from services.portal.domain.permissions import ALL, STAFF, STANDARD_ROLES
from services.portal.models import AccessToken, AuditEntry, BrowserSession, User
from shared.identity import HEADER, verify_identity


def _told(app: Any, answer: Any) -> Any:
    return verify_identity(app.extensions["liaison.settings"].keys_dir, answer.headers[HEADER])


def test_identity_when_signed_in_names_person_and_permissions(app: Any, signed_in: Callable[..., Any]) -> None:
    browser = signed_in("Staff", "Viewer", name="Ines Moreau")
    told = _told(app, browser.ask("GET", "/customers"))
    assert (told.user_id, told.name, told.kind) == (browser.user.id, "Ines Moreau", "employee")
    assert told.permissions == STAFF


@pytest.mark.parametrize(("name", "permissions"), [(name, permissions) for name, _, permissions in STANDARD_ROLES])
def test_identity_when_the_role_is_standard_has_its_permissions(
    app: Any, signed_in: Callable[..., Any], name: str, permissions: frozenset[str]
) -> None:
    assert _told(app, signed_in(name).ask("GET", "/")).permissions == permissions


def test_identity_when_administrator_has_permissions_that_the_row_does_not_list_yet(
    app: Any, signed_in: Callable[..., Any], session: Session
) -> None:
    session.execute(text("UPDATE role SET permissions = '{}' WHERE is_administrator"))
    session.commit()
    assert _told(app, signed_in("Administrator").ask("GET", "/")).permissions == ALL


def test_identity_when_kind_is_not_employee_has_no_permissions_whatever_the_rows_say(
    app: Any, signed_in: Callable[..., Any], session: Session
) -> None:
    browser = signed_in("Manager")
    session.execute(text("UPDATE portal_user SET kind = 'customer' WHERE id = :id"), {"id": browser.user.id})
    session.commit()
    assert _told(app, browser.ask("GET", "/")).permissions == frozenset()


def test_identity_when_asked_takes_one_query(app: Any, signed_in: Callable[..., Any]) -> None:
    browser = signed_in("Staff")
    statements: list[str] = []
    engine = app.extensions["liaison.engine"]

    def listen(*given: Any) -> None:
        statements.append(given[2])

    event.listen(engine, "before_cursor_execute", listen)
    try:
        assert browser.ask("GET", "/").status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert len([one for one in statements if "SAVEPOINT" not in one]) == 1


def test_last_seen_when_older_than_a_minute_is_noted_and_not_before(
    signed_in: Callable[..., Any], session: Session
) -> None:
    browser = signed_in()
    for age, expected in (("50 seconds", True), ("70 seconds", False)):
        session.execute(text(f"UPDATE browser_session SET last_seen_at = now() - interval '{age}'"))
        session.commit()
        before = session.scalar(select(BrowserSession.last_seen_at))
        session.rollback()
        assert browser.ask("GET", "/").status_code == 200
        after = session.scalar(select(BrowserSession.last_seen_at))
        session.rollback()
        assert (before == after) is expected


@pytest.mark.parametrize(
    "column", ["expires_at = now() - interval '1 second'", "last_seen_at = now() - interval '13 hours'"]
)
def test_session_when_over_or_long_idle_is_no_session(
    signed_in: Callable[..., Any], session: Session, column: str
) -> None:
    browser = signed_in()
    session.execute(text(f"UPDATE browser_session SET {column}"))
    session.commit()
    assert browser.ask("GET", "/").status_code == 303


@pytest.mark.parametrize(
    ("method", "url", "headers", "status", "place"),
    [
        ("GET", "/", {}, 303, "/sign-in"),
        ("GET", "/customers?q=a&b=c", {}, 303, "/sign-in?next=%2Fcustomers%3Fq%3Da%26b%3Dc"),
        ("HEAD", "/imports", {}, 303, "/sign-in?next=%2Fimports"),
        ("POST", "/customers/new", {}, 303, "/sign-in"),
        ("GET", "//evil.test/x", {}, 303, "/sign-in"),
    ],
)
def test_page_when_nobody_is_signed_in_leads_to_sign_in(
    browser: Any, method: str, url: str, headers: dict[str, str], status: int, place: str
) -> None:
    answer = browser.ask(method, url, headers)
    assert (answer.status_code, answer.headers["Location"]) == (status, place)
    assert HEADER not in answer.headers


def test_fragment_when_nobody_is_signed_in_leads_the_whole_page_to_sign_in(browser: Any) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/customers?q=a"}
    answer = browser.ask("GET", "/customers/fragments/recent", headers)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in?next=%2Fcustomers%3Fq%3Da")


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", "/api/customers/v1/customers", {}),
        ("GET", "/api/customers/v1/customers", {"Authorization": "Bearer lia_wrong"}),
        ("GET", "/api/customers/v1/customers", {"Authorization": "Basic YTpi"}),
        ("PUT", "/imports/files", {"Accept": "application/json"}),
        ("GET", "/imports/1/events", {"Accept": "text/event-stream"}),
    ],
)
def test_program_when_nobody_is_signed_in_gets_a_problem(
    browser: Any, method: str, url: str, headers: dict[str, str]
) -> None:
    answer = browser.ask(method, url, headers)
    assert (answer.status_code, answer.json["code"], answer.json["instance"]) == (401, "not_signed_in", url)
    assert answer.content_type == "application/problem+json"


def test_identity_header_when_sent_by_the_client_gives_nobody_anything(
    app: Any, browser: Any, signed_in: Callable[..., Any]
) -> None:
    stolen = signed_in("Administrator").ask("GET", "/").headers[HEADER]
    assert browser.ask("GET", "/", {HEADER: stolen}).status_code == 303
    assert browser.ask("GET", "/", {HEADER: "e30.e30.e30"}).status_code == 401
    answer = app.test_client().get("/settings/users", headers={HEADER: stolen[:-4] + "AAAA"})
    assert answer.status_code == 401


def test_token_when_sent_as_bearer_acts_for_its_owner_until_it_is_over(
    app: Any, browser: Any, signed_in: Callable[..., Any], session: Session
) -> None:
    owner = signed_in("Viewer")
    secret = owner.post("/api/portal/v1/tokens", json={"name": "script"}).json["token"]
    bearer = {"Authorization": f"Bearer {secret}"}
    assert _told(app, browser.ask("GET", "/api/x", bearer)).user_id == owner.user.id
    assert session.scalar(select(AccessToken.last_used_at)) is not None
    session.rollback()
    session.execute(text("UPDATE personal_access_token SET expires_at = now()"))
    session.commit()
    assert browser.ask("GET", "/api/x", bearer).status_code == 401


def test_token_when_wrong_is_not_saved_by_a_good_cookie(signed_in: Callable[..., Any]) -> None:
    assert signed_in().ask("GET", "/api/x", {"Authorization": "Bearer lia_wrong"}).status_code == 401


def test_session_cookie_when_sent_as_bearer_is_nothing(signed_in: Callable[..., Any], browser: Any) -> None:
    value = signed_in().client.get_cookie("liaison").value
    assert browser.ask("GET", "/api/x", {"Authorization": f"Bearer {value}"}).status_code == 401


def test_user_when_switched_off_is_out_at_once_with_cookie_and_token(
    signed_in: Callable[..., Any], browser: Any, session: Session
) -> None:
    admin, victim = signed_in("Administrator"), signed_in("Staff")
    secret = victim.post("/api/portal/v1/tokens", json={"name": "script"}).json["token"]
    assert admin.post(f"/api/portal/v1/users/{victim.user.id}/deactivate").status_code == 200
    assert victim.ask("GET", "/").status_code == 303
    assert browser.ask("GET", "/api/x", {"Authorization": f"Bearer {secret}"}).status_code == 401
    assert not session.scalars(select(BrowserSession).where(BrowserSession.user_id == victim.user.id)).all()
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "user_deactivated")).one()
    assert entry.details == {"sessions_ended": 1, "tokens_ended": 1}
    admin.post(f"/api/portal/v1/users/{victim.user.id}/activate")
    assert victim.ask("GET", "/").status_code == 303
    again = browser.ask("GET", "/api/x", {"Authorization": f"Bearer {secret}"})
    assert again.status_code == 401, "whoever had it does not come back with the user"


def test_active_flag_alone_when_false_keeps_a_session_out(signed_in: Callable[..., Any], session: Session) -> None:
    browser = signed_in()
    session.execute(text("UPDATE portal_user SET active = false WHERE id = :id"), {"id": browser.user.id})
    session.commit()
    assert browser.ask("GET", "/").status_code == 303


def test_identity_endpoint_when_asked_through_the_gateway_has_no_route() -> None:
    from pathlib import Path

    text = (Path(__file__).parents[2] / "gateway" / "Caddyfile").read_text()
    assert "@internal path /internal /internal/*" in text
    assert "request_header -Liaison*" in text


@given(
    st.one_of(
        st.text(),
        st.text().map(lambda rest: "/" + rest),
        st.text().map(lambda rest: "//" + rest),
        st.text().map(lambda rest: "/\\" + rest),
    )
)
def test_safe_path_when_given_anything_stays_on_this_site(address: str) -> None:
    path = safe_path(address)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    parts = urlsplit("http://here.test" + path)
    assert (parts.scheme, parts.netloc) == ("http", "here.test")
    assert path in ("/", address)


def test_user_when_unknown_to_the_database_is_nobody(browser: Any, make_user: Callable[..., User]) -> None:
    browser.client.set_cookie("liaison", "x" * 43)
    assert browser.ask("GET", "/").status_code == 303
