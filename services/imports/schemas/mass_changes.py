"""What comes in and goes out about mass changes."""

from typing import Any

import marshmallow as ma

ACTIONS = ("add", "remove", "replace")
ROLES = ("manages", "lead_source", "sales", "collections", "service")
MOST_ASSOCIATES = 20


class MassChangeIn(ma.Schema):
    """What to do with the customers of a snapshot (`POST /api/customers/v1/selections/{id}/resolve`)."""

    snapshot_id = ma.fields.UUID(required=True)
    action = ma.fields.String(
        load_default="add",
        validate=ma.validate.OneOf(ACTIONS),
        metadata={"description": "add (default), remove, or replace: add, and end all others of the role."},
    )
    associate_ids = ma.fields.List(
        ma.fields.UUID(error_messages={"invalid_uuid": "Choose an associate."}),
        required=True,
        validate=ma.validate.Length(1, MOST_ASSOCIATES, error=f"Choose 1 to {MOST_ASSOCIATES} associates."),
    )
    role = ma.fields.String(
        load_default="manages",
        allow_none=True,
        validate=ma.validate.OneOf(ROLES),
        metadata={"description": "manages (default), lead_source, sales, collections or service; null removes of all."},
    )
    include_inactive = ma.fields.Boolean(
        load_default=False, metadata={"description": "The inactive customers of the snapshot, too."}
    )

    @ma.validates_schema
    def _role_of_action(self, data: dict[str, Any], **_: Any) -> None:
        if data["role"] is None and data["action"] != "remove":
            raise ma.ValidationError("Choose a role. Only a removal can be of all roles.", "role")

    @ma.post_load
    def _each_once(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "associate_ids": list(dict.fromkeys(data["associate_ids"]))}


class NamedOut(ma.Schema):
    """An associate as it was called."""

    id = ma.fields.UUID()
    name = ma.fields.String()


class MassChangeOut(ma.Schema):
    """What a mass change does, and to how many customers."""

    snapshot_id = ma.fields.UUID()
    selection_id = ma.fields.UUID()
    customers = ma.fields.Integer()
    include_inactive = ma.fields.Boolean()
    action = ma.fields.String(validate=ma.validate.OneOf(ACTIONS))
    associates = ma.fields.List(ma.fields.Nested(NamedOut))
    role = ma.fields.String(allow_none=True)
