"""What a job begins with: what was found for its columns, and what was chosen for such a file before."""

import marshmallow as ma
from marshmallow import fields, validate

from services.imports.schemas.jobs import OptionsOut
from services.imports.schemas.mappings import MappingIn

SOURCES = ("error_file", "saved", "names")


class MatchesQuery(ma.Schema):
    """By what to match."""

    saved = fields.UUID(
        load_default=None,
        metadata={"description": "The id of a saved mapping, which comes before what is found for the file."},
    )


class ColumnMatchOut(ma.Schema):
    """What was found for a column; for `fuzzy`, `suggestion` is what a person should confirm."""

    column = fields.String()
    field = fields.String(allow_none=True)
    how = fields.String(metadata={"description": "saved (or as in `job`), exact, alias, fuzzy, own or none."})
    confidence = fields.Integer()
    suggestion = fields.String(allow_none=True)


class UsedMappingOut(ma.Schema):
    """The saved mapping that is used."""

    id = fields.UUID()
    name = fields.String()
    created_by_name = fields.String()


class UsedJobOut(ma.Schema):
    """The job whose choices are used."""

    id = fields.UUID()
    file_name = fields.String()
    created_at = fields.AwareDateTime()


class MatchesOut(ma.Schema):
    """What a job begins with."""

    items = fields.List(fields.Nested(ColumnMatchOut), attribute="matches")
    mapping = fields.Nested(
        MappingIn, metadata={"description": "What to begin with; each `suggestion` is in it, to be confirmed."}
    )
    options = fields.Nested(OptionsOut, metadata={"description": "How to apply the rows, to begin with."})
    source = fields.String(
        validate=validate.OneOf(SOURCES),
        metadata={"description": "Where `mapping` comes from: the job that refused the rows, saved, or the names."},
    )
    saved = fields.Nested(
        UsedMappingOut, allow_none=True, metadata={"description": "Whose `mapping` this is; null unless saved."}
    )
    job = fields.Nested(
        UsedJobOut,
        allow_none=True,
        metadata={"description": "The job that refused the rows of this file, whose `options` these are."},
    )
