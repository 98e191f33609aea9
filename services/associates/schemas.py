"""What comes in and goes out."""

import marshmallow as ma
from marshmallow import fields


class AssociateOut(ma.Schema):
    """A dealer, partner or colleague."""

    id = fields.UUID()
    code = fields.String()
    name = fields.String()
