"""Settings, Users: the list with live search, one user, passwords (P2)."""

import uuid
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from sqlalchemy.orm import Session

from services.portal.caller import actor, forget_first_sign_in
from services.portal.domain import audit, credentials, roles, sign_in, strength, users
from services.portal.schemas import PasswordIn, UserIn, UserQuery, load_form, place_by_name
from services.portal.surroundings import learn_tie
from shared.db import read_only, unit_of_work
from shared.errors import Invalid
from shared.web import current_identity, encode_cursor, go_to, is_htmx, requires, toast
from shared.web.features import PARTNER_MANAGEMENT

blueprint = Blueprint("users", __name__)
SETTINGS_PAGES = (
    ("users", "users.manage"),
    ("sales", "settings.manage"),
    ("audit", "audit.view"),
    ("operations", "operations.view"),
)
PAGE = 50
KINDS = (("employee", "Employee"), ("customer", "Customer"), ("vendor", "Vendor"), ("associate", "Associate"))
SHOWS = {"": None, "active": True, "inactive": False}
FIRST_PASSWORD = (
    (
        "generate",
        "Generate a temporary password",
        "It is shown once, works for 24 hours, and is changed at the first sign-in.",
    ),
    ("later", "No password yet", "The user can't sign in until you add one."),
)


@blueprint.get("/settings")
@requires("users.manage", "settings.manage", "audit.view", "operations.view")
def settings() -> Response:
    """Go to the first settings page that this person may open."""
    may = current_identity().may
    first = next(page for page, permission in SETTINGS_PAGES if may(permission))
    return make_response(redirect(f"/settings/{first}", 303))


@blueprint.get("/settings/users")
@requires("users.manage")
def list_users() -> str:
    """Show the users; every key stroke narrows the list."""
    query = load_form(UserQuery(only=("q", "cursor")), request.args.to_dict())
    show = request.args.get("show", "")
    with read_only() as session:
        found = users.search_users(
            session, query["q"], active=SHOWS.get(show), limit=PAGE + 1, after=place_by_name(query["cursor"])
        )
    items = found[:PAGE]
    more = encode_cursor([items[-1].name_key, items[-1].id]) if len(found) > PAGE else None
    template = "portal/user_list.html" if _is_part() else "portal/users.html"
    return render_template(template, users=items, q=query["q"], show=show, next=more, first=not query["cursor"])


def _is_part() -> bool:
    return is_htmx() and request.headers.get("HX-Request-Type") != "full"


@blueprint.get("/settings/users/<uuid:user_id>/menu")
@requires("users.manage")
def menu(user_id: uuid.UUID) -> str:
    """Return what can be done with a row of the list."""
    with read_only() as session:
        return render_template("portal/user_menu.html", user=users.get_user(session, user_id))


@blueprint.get("/settings/users/new")
@requires("users.manage")
def new_user() -> str:
    """Show an empty form."""
    values = {"kind": "employee", "active": True, "roles": [], "first_password": "generate"}
    with read_only() as session:
        return _new_form(session, values, {})


def _new_form(session: Session, values: dict[str, Any], errors: dict[str, list[str]]) -> str:
    return render_template(
        "portal/user_new.html",
        values=values,
        errors=errors,
        kinds=_kinds(),
        roles=_role_choices(session),
        first_passwords=FIRST_PASSWORD,
    )


def _kinds(now: str = "") -> list[tuple[str, str]]:
    """Return the kinds to choose from; associates only where partner management is on."""
    is_on = current_identity().has(PARTNER_MANAGEMENT) or now == "associate"
    return [kind for kind in KINDS if is_on or kind[0] != "associate"]


def _role_choices(session: Session) -> list[Any]:
    return [role for role, _ in roles.list_roles(session)]


def _form_values() -> dict[str, Any]:
    form = request.form
    values: dict[str, Any] = {name: form.get(name, "") for name in ("username", "name", "email", "kind", "code")}
    if values["kind"] == "associate":
        values |= {"associate_id": form.get("associate_id") or None, "associate_name": form.get("associate_name", "")}
    return {**values, "active": "active" in form, "roles": form.getlist("roles")}


@blueprint.post("/settings/users/new")
@requires("users.manage")
def add_user() -> Response:
    """Add a user; a generated password is shown in the answer, this once."""
    typed = _form_values()
    generate = request.form.get("first_password") == "generate"
    try:
        values = load_form(UserIn(), typed)
        learn_tie(values)
        with unit_of_work() as session:
            user = users.create_user(session, actor(), values)
            given = credentials.set_password(session, actor(), user.id, None) if generate else None
    except Invalid as error:
        with read_only() as session:
            typed["first_password"] = request.form.get("first_password", "generate")
            return make_response(_new_form(session, typed, error.fields), error.status)
    if given is None:
        return go_to(f"/settings/users/{user.id}", f"{user.name} was added.")
    return make_response(render_template("portal/user_added.html", user=user, given=given), 201)


@blueprint.get("/settings/users/<uuid:user_id>")
@requires("users.manage")
def show_user(user_id: uuid.UUID) -> str:
    """Show one user to edit."""
    with read_only() as session:
        user = users.get_user(session, user_id)
        values = {
            name: getattr(user, name) for name in ("username", "name", "email", "kind", "code", "active", "version")
        }
        values |= {"roles": [str(role.id) for role in user.roles], "associate_id": user.associate_id}
        values["associate_name"] = user.associate.name if user.associate else ""
        return _edit_form(session, user, values, {})


def _edit_form(session: Session, user: Any, values: dict[str, Any], errors: dict[str, list[str]]) -> str:
    identity = current_identity()
    may_see = identity.may("audit.view")
    return render_template(
        "portal/user.html",
        user=user,
        values=values,
        errors=errors,
        kinds=_kinds(user.kind),
        roles=_role_choices(session),
        wait=sign_in.seconds_to_wait(session, user.username),
        beyond=sorted(users.permissions_of(user) - identity.permissions),
        history=audit.list_entries(session, audit.AuditFilter(subject_id=user.id), 10) if may_see else [],
        actions=audit.ACTIONS,
    )


@blueprint.post("/settings/users/<uuid:user_id>")
@requires("users.manage")
def change_user(user_id: uuid.UUID) -> Response:
    """Save the form."""
    typed = _form_values()
    seen = request.form.get("version", 0, int)
    try:
        values = load_form(UserIn(), typed)
        learn_tie(values)
        with unit_of_work() as session:
            user = users.edit_user(session, actor(), user_id, seen, values)
    except Invalid as error:
        with read_only() as session:
            typed["version"] = seen
            page = _edit_form(session, users.get_user(session, user_id), typed, error.fields)
            return make_response(page, error.status)
    return go_to("/settings/users", f"{user.name} was saved.")


@blueprint.post("/settings/users/<uuid:user_id>/activate")
@requires("users.manage")
def activate(user_id: uuid.UUID) -> Response:
    """Switch a user on."""
    with unit_of_work() as session:
        user = users.set_active(session, actor(), user_id, True)
    return go_to("/settings/users", f"{user.name} can sign in again.")


@blueprint.get("/settings/users/<uuid:user_id>/deactivate")
@requires("users.manage")
def ask_deactivate(user_id: uuid.UUID) -> str:
    """Ask before a user is switched off."""
    with read_only() as session:
        return render_template("portal/user_deactivate.html", user=users.get_user(session, user_id))


@blueprint.post("/settings/users/<uuid:user_id>/deactivate")
@requires("users.manage")
def deactivate(user_id: uuid.UUID) -> Response:
    """Switch a user off."""
    with unit_of_work() as session:
        user = users.set_active(session, actor(), user_id, False)
    return go_to("/settings/users", f"{user.name} is switched off. Their sessions and access tokens have ended.")


@blueprint.get("/settings/users/<uuid:user_id>/password")
@requires("users.manage")
def ask_password(user_id: uuid.UUID) -> str:
    """Show the dialog that sets a password."""
    return _password_dialog(user_id, {})


def _password_dialog(user_id: uuid.UUID, errors: dict[str, list[str]]) -> str:
    with read_only() as session:
        user = users.get_user(session, user_id)
    return render_template("portal/user_password.html", user=user, errors=errors, shortest=strength.MIN_LENGTH)


@blueprint.post("/settings/users/<uuid:user_id>/password")
@requires("users.manage")
def set_password(user_id: uuid.UUID) -> Response:
    """Set a password, or generate one and show it this once; answers the dialog's inside."""
    form = request.form
    typed = None if form.get("how") == "generate" else form.get("password", "")
    try:
        values = load_form(PasswordIn(), {"password": typed, "temporary": "temporary" in form})
        with unit_of_work() as session:
            given = credentials.set_password(session, actor(), user_id, **values)
    except Invalid as error:
        return make_response(_password_dialog(user_id, error.fields), error.status)
    forget_first_sign_in(given.user.username)
    page = render_template("portal/user_password_set.html", user=given.user, given=given)
    return toast(make_response(page), f"{given.user.name} has a new password.")


@blueprint.post("/settings/users/<uuid:user_id>/strength")
@requires("users.manage")
def judge_password(user_id: uuid.UUID) -> str:
    """Say how strong a password for this user is."""
    with read_only() as session:
        own = users.own_words(users.get_user(session, user_id))
    return render_template("portal/strength.html", verdict=strength.judge(request.form.get("password", ""), own))
