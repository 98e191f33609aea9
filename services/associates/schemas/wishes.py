"""What customers asks for the rows of an import that name associates."""

import marshmallow as ma

TEXT = ma.validate.Length(max=500)


class CalledIn(ma.Schema):
    """How a row calls an associate; a blank is null."""

    code = ma.fields.String(load_default=None, allow_none=True, validate=TEXT)
    name = ma.fields.String(load_default=None, allow_none=True, validate=TEXT)
    email = ma.fields.String(load_default=None, allow_none=True, validate=TEXT)


class ResolveIn(ma.Schema):
    """Who is meant by the rows of a chunk, and which roles their words are."""

    job_id = ma.fields.UUID(required=True)
    called = ma.fields.List(ma.fields.Nested(CalledIn), required=True)
    roles = ma.fields.List(ma.fields.String(validate=TEXT), required=True)


class WishUndoIn(ma.Schema):
    """Who wants the links of a chunk taken back; `accounts` are those of which it matters whether somebody looks.

    The chunk `created` some of these; those that are `kept` keep their links as well.
    """

    actor_id = ma.fields.UUID(required=True)
    actor_name = ma.fields.String(required=True)
    accounts = ma.fields.List(ma.fields.UUID(), required=True)
    created = ma.fields.List(ma.fields.UUID(), load_default=list)
    kept = ma.fields.List(ma.fields.UUID(), load_default=list)
