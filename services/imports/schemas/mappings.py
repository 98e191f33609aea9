"""Which columns feed which fields, and mappings that are kept."""

import marshmallow as ma
from marshmallow import fields, validate

from services.imports.schemas.words import Words
from shared.web import PageQuery, page_of

BLANKS = ("keep", "clear")


class MappingIn(ma.Schema):
    """Which column feeds which field."""

    columns = fields.Dict(
        keys=Words(),
        values=Words(allow_none=True),
        load_default=dict,
        metadata={"description": "Column of the file to field; a column that is left out or null feeds nothing."},
    )
    constants = fields.Dict(
        keys=Words(),
        values=Words(),
        load_default=dict,
        metadata={"description": "Field to a value that is the same in all rows."},
    )
    keep_unmapped = fields.Boolean(
        load_default=True, metadata={"description": "Keep columns that feed no field as attributes of the record."}
    )
    values = fields.Dict(
        keys=Words(),
        values=fields.Dict(keys=Words(), values=Words()),
        load_default=dict,
        metadata={
            "description": "Column to what its texts mean, in any case: {text: value}; for fields with `choices`."
        },
    )
    blanks = fields.Dict(
        keys=Words(),
        values=fields.String(validate=validate.OneOf(BLANKS)),
        load_default=dict,
        metadata={"description": "Column to what its blank cells do, where that is not the job's `blank`."},
    )


class SavedMappingName(ma.Schema):
    """What a saved mapping is called."""

    name = Words(required=True, shortest=1, longest=100)


class SavedMappingEdit(SavedMappingName):
    """A mapping that is kept by name, with the columns of the files that it is for."""

    header = fields.List(Words(), required=True, validate=validate.Length(1, 1_000))
    mapping = fields.Nested(MappingIn, required=True)


class SavedMappingIn(SavedMappingEdit):
    """A mapping to keep, and what it is for."""

    kind = Words(required=True, shortest=1, longest=60)


class SavedMappingOut(SavedMappingIn):
    """A saved mapping."""

    id = fields.UUID()
    created_by_name = fields.String()
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    version = fields.Integer()


class SavedMappingQuery(PageQuery):
    """Which saved mappings to list."""

    kind = fields.String(load_default=None, validate=validate.Length(1, 60))
    name = Words(load_default=None, shortest=1, longest=100)


SavedMappingPage = page_of(SavedMappingOut)
