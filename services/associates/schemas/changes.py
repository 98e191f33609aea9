"""What comes in about mass changes."""

import marshmallow as ma

from services.associates.bulk.job import ACTIONS, MOST_ASSOCIATES


class ChangeCheck(ma.Schema):
    """Who is to be given or taken customers."""

    action = ma.fields.String(required=True, validate=ma.validate.OneOf(ACTIONS))
    associate_ids = ma.fields.List(
        ma.fields.UUID(), required=True, validate=ma.validate.Length(min=1, max=MOST_ASSOCIATES)
    )
