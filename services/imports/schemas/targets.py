"""What can be imported."""

import marshmallow as ma
from marshmallow import fields


class ChoiceOut(ma.Schema):
    """One of the values that a field takes; `words` are read as it, too."""

    value = fields.String()
    label = fields.String()
    words = fields.List(fields.String())


class TargetFieldOut(ma.Schema):
    """A field that a column may feed."""

    name = fields.String()
    label = fields.String()
    group = fields.String()
    help = fields.String()
    example = fields.String()
    required = fields.Boolean()
    joins = fields.Boolean(metadata={"description": "Several columns may feed it."})
    aliases = fields.List(fields.String())
    choices = fields.List(fields.Nested(ChoiceOut), metadata={"description": "The field takes nothing else, if any."})
    clears = fields.Boolean(metadata={"description": "A blank cell can clear it."})


class TargetKeyOut(ma.Schema):
    """By what rows can find their record."""

    name = fields.String()
    field = fields.String()
    label = fields.String()
    also = fields.List(fields.String(), metadata={"description": "Fields that stand in where `field` is blank."})


class TargetOut(ma.Schema):
    """Something that can be imported."""

    kind = fields.String()
    label = fields.String()
    noun = fields.String()
    instructions = fields.List(fields.String())
    keys = fields.List(fields.Nested(TargetKeyOut))
    fields_ = fields.List(fields.Nested(TargetFieldOut), attribute="fields", data_key="fields")


class TargetsOut(ma.Schema):
    """What can be imported."""

    items = fields.List(fields.Nested(TargetOut))
