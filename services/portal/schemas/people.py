"""What comes in and goes out about users, roles, passwords, tokens, sessions and the audit trail."""

import unicodedata
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from services.portal.domain.audit import ACTIONS
from services.portal.domain.permissions import ALL
from services.portal.domain.tokens import LONGEST_DAYS
from shared.errors import Invalid
from shared.keys import clean
from shared.web import PageQuery, decode_cursor, flat_messages

KINDS = ("employee", "customer", "vendor", "associate")
MAX_PASSWORD = 1000  # the rule says 256; what is longer still gets the rule's own words


class Line(fields.String):
    """One line of text, trimmed; "" counts as None where None is allowed."""

    def __init__(self, longest: int = 200, **kwargs: Any) -> None:
        checks = [] if kwargs.get("allow_none") else [validate.Length(1, error="This is needed.")]
        longer = validate.Length(max=longest, error=f"Use at most {longest} characters.")
        super().__init__(validate=[*checks, longer, _no_control], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = clean(super()._deserialize(value, attr, data, **kwargs))
        return None if self.allow_none and not text else text

    def _validate(self, value: Any) -> None:
        if value is not None:
            super()._validate(value)


def _no_control(text: str) -> None:
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise ma.ValidationError("Leave out line breaks and control characters.")


def _one_word(text: str) -> None:
    if any(letter.isspace() for letter in text):
        raise ma.ValidationError("A username has no spaces.")


class Words(fields.String):
    """What somebody looks for."""

    def __init__(self) -> None:
        super().__init__(load_default="", validate=[validate.Length(max=200), _no_control])


class Password(fields.String):
    """A password as typed; only what can't be encoded is refused here."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=[validate.Length(max=MAX_PASSWORD, error="This is too long."), _encodable], **kwargs)


def _encodable(text: str) -> None:
    if any(unicodedata.category(letter) == "Cs" for letter in text):
        raise ma.ValidationError("This is not text.")


class Username(Line):
    """A name to sign in with."""

    def _validate(self, value: Any) -> None:
        super()._validate(value)
        if value is not None:
            _one_word(value)


class Email(Line):
    """An e-mail address, or nothing."""

    def _validate(self, value: Any) -> None:
        super()._validate(value)
        if value:
            validate.Email(error="This is not an e-mail address.")(value)


NEEDED = {"required": "This is needed.", "null": "This is needed."}


class UserIn(ma.Schema):
    """A user as it comes in."""

    username = Username(100, required=True, error_messages=NEEDED)
    name = Line(200, required=True, error_messages=NEEDED)
    email = Email(254, allow_none=True)
    kind = fields.String(validate=validate.OneOf(KINDS, error="Choose one of the list."))
    code = Line(60, allow_none=True)
    associate_id = fields.UUID(
        allow_none=True,
        error_messages={"invalid_uuid": "Choose the associate from the list."},
        metadata={"description": "Whose customers a user of the kind `associate` sees; needed for these alone."},
    )
    active = fields.Boolean()
    roles = fields.List(fields.UUID(), validate=validate.Length(max=100))


class UserChange(UserIn):
    """Some fields of a user."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "partial": True})


class RoleRef(ma.Schema):
    """A role that a user has."""

    id = fields.UUID()
    name = fields.String()


class AssociateRef(ma.Schema):
    """The associate that a user is tied to; without `can_login` its users cannot sign in."""

    id = fields.UUID()
    code = fields.String()
    name = fields.String()
    can_login = fields.Boolean()


class UserOut(ma.Schema):
    """A user as it is told."""

    id = fields.UUID()
    username = fields.String()
    name = fields.String()
    email = fields.String(allow_none=True)
    kind = fields.String()
    code = fields.String(allow_none=True)
    associate = fields.Nested(AssociateRef, allow_none=True)
    active = fields.Boolean()
    roles = fields.List(fields.Nested(RoleRef))
    has_password = fields.Boolean()
    password_is_temporary = fields.Boolean()
    temporary_until = fields.DateTime(allow_none=True)
    last_sign_in_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    version = fields.Integer()


class UserQuery(PageQuery):
    """Which users."""

    q = Words()
    active = fields.Boolean(load_default=None, allow_none=True)


class PasswordIn(ma.Schema):
    """A password for somebody else; without one, it is generated."""

    password = Password(load_default=None, allow_none=True)
    temporary = fields.Boolean(load_default=True)


class PasswordOut(ma.Schema):
    """What was set; `password` only if it was generated, and only this once."""

    password = fields.String(attribute="generated", allow_none=True)
    temporary_until = fields.DateTime(attribute="until", allow_none=True)


class SignInIn(ma.Schema):
    """Who signs in."""

    username = Line(200, required=True, error_messages=NEEDED, metadata={"example": "dana"})
    password = Password(required=True, error_messages=NEEDED)


class OwnPasswordIn(ma.Schema):
    """A change of one's own password."""

    current_password = Password(required=True, error_messages=NEEDED)
    new_password = Password(required=True, error_messages=NEEDED)
    end_tokens = fields.Boolean(
        load_default=False, metadata={"description": "Whether your access tokens end as well, as your sessions do."}
    )


class MeOut(UserOut):
    """The signed-in person."""

    permissions = fields.List(fields.String())


class RoleIn(ma.Schema):
    """A role as it comes in."""

    name = Line(80, required=True, error_messages=NEEDED)
    description = Line(300, allow_none=True)
    permissions = fields.List(fields.String(validate=validate.OneOf(sorted(ALL), error="There is no such permission.")))


class RoleChange(RoleIn):
    """Some fields of a role."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "partial": True})


class RoleOut(ma.Schema):
    """A role as it is told."""

    id = fields.UUID()
    name = fields.String()
    description = fields.String()
    permissions = fields.List(fields.String())
    is_administrator = fields.Boolean()
    version = fields.Integer()


class RoleWithUsers(RoleOut):
    """A role in the list, with how many users have it."""

    users = fields.Integer()


class PermissionOut(ma.Schema):
    """What can be permitted."""

    name = fields.String()
    label = fields.String()
    explanation = fields.String()
    group = fields.String()


class TokenIn(ma.Schema):
    """A personal access token to make."""

    name = Line(80, required=True, error_messages=NEEDED)
    days = fields.Integer(
        load_default=90,
        validate=validate.Range(1, LONGEST_DAYS, error=f"Choose from 1 to {LONGEST_DAYS} days."),
        error_messages={"invalid": "Write a number of days."},
    )


class TokenOut(ma.Schema):
    """A personal access token as it is told, without its secret."""

    id = fields.UUID()
    name = fields.String()
    prefix = fields.String()
    created_at = fields.DateTime()
    last_used_at = fields.DateTime(allow_none=True)
    expires_at = fields.DateTime()


class NewTokenOut(TokenOut):
    """A token just made; its secret is told only this once."""

    token = fields.String()


class SessionOut(ma.Schema):
    """A browser that is signed in."""

    id = fields.UUID()
    created_at = fields.DateTime()
    last_seen_at = fields.DateTime()
    expires_at = fields.DateTime()
    ip = fields.String()
    user_agent = fields.String()


class AuditQuery(PageQuery):
    """Which entries of the audit trail."""

    q = Words()
    action = fields.String(load_default="", validate=validate.OneOf(["", *ACTIONS], error="There is no such action."))
    actor_id = fields.UUID(load_default=None, allow_none=True)
    subject_id = fields.UUID(load_default=None, allow_none=True)
    since = fields.AwareDateTime(load_default=None, allow_none=True)
    before = fields.AwareDateTime(load_default=None, allow_none=True)


class AuditOut(ma.Schema):
    """An entry of the audit trail."""

    id = fields.UUID()
    at = fields.DateTime()
    action = fields.String()
    actor_id = fields.UUID(allow_none=True)
    actor_name = fields.String()
    ip = fields.String()
    subject_kind = fields.String()
    subject_id = fields.UUID(allow_none=True)
    subject_name = fields.String()
    details = fields.Dict(keys=fields.String())


def load_form(schema: ma.Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `schema` makes of a form; raise Invalid, so that pages and domain refuse in the same way."""
    try:
        loaded: dict[str, Any] = schema.load(values, unknown=ma.EXCLUDE)
    except ma.ValidationError as error:
        raise Invalid("Some values are not right.", fields=flat_messages(error.messages)) from error
    return loaded


def place_by_name(cursor: str | None) -> tuple[str, uuid.UUID] | None:
    """Return the place in a list by name that `cursor` stands for."""
    if not cursor:
        return None
    name, row_id = decode_cursor(cursor, 2)
    try:
        _no_control(name)
        return name, uuid.UUID(row_id)
    except (ValueError, TypeError, AttributeError, ma.ValidationError) as error:
        raise _no_place() from error


def place_by_time(cursor: str | None) -> tuple[datetime, uuid.UUID] | None:
    """Return the place in a list by time that `cursor` stands for."""
    if not cursor:
        return None
    moment, row_id = decode_cursor(cursor, 2)
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise _no_place()
        return at, uuid.UUID(row_id)
    except (ValueError, TypeError, AttributeError) as error:
        raise _no_place() from error


def _no_place() -> Invalid:
    return Invalid("This page address is not complete.", fields={"cursor": ["Not a cursor that this list gave out."]})
