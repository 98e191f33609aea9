"""Exports, and what can be exported."""

import marshmallow as ma
from marshmallow import fields, validate

from services.imports.schemas.jobs import FailureOut
from services.imports.schemas.words import PersonOut, Words
from shared.web import PageQuery, page_of

DELIMITERS = (",", ";", "\t")
STATES = ("queued", "running", "completed", "cancelled", "failed")


class ExportIn(ma.Schema):
    """A list to take out as a file."""

    kind = fields.String(required=True, validate=validate.Length(1, 60), metadata={"example": "customers"})
    filter = fields.Dict(
        keys=Words(longest=60),
        values=Words(longest=200),
        load_default=dict,
        metadata={
            "description": "What the list is asked for; the export target names the `filters`. `account` is the code or"
            " id of one customer. Nothing: all.",
            "example": {"q": "smith", "status": "active"},
        },
    )
    columns = fields.List(
        Words(longest=200),
        load_default=list,
        validate=validate.Length(max=1_000),
        metadata={"description": "In this order; none: those that the list shows, and all that an import understands."},
    )
    delimiter = fields.String(load_default=",", validate=validate.OneOf(DELIMITERS))
    bom = fields.Boolean(load_default=True, metadata={"description": "A byte order mark, by which Excel knows UTF-8."})


class ExportProgressOut(ma.Schema):
    """How far an export is."""

    final = fields.Boolean()
    ready = fields.Boolean(metadata={"description": "The file can be taken."})
    rows = fields.Integer()
    expected = fields.Integer(allow_none=True, metadata={"description": "Rows that there were when it began."})
    percent = fields.Float()
    rate = fields.Float(allow_none=True, metadata={"description": "Rows a second."})
    seconds_left = fields.Integer(allow_none=True)
    waiting = fields.String(allow_none=True, metadata={"description": "What it waits for, as a sentence."})


class ExportOut(ExportIn):
    """An export."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    progress = fields.Nested(ExportProgressOut)
    failure = fields.Nested(FailureOut, allow_none=True)
    file_name = fields.String()
    file_size = fields.Integer(allow_none=True)
    file = fields.String(allow_none=True, metadata={"description": "Where the file is, as long as it can be taken."})
    expires_at = fields.AwareDateTime(allow_none=True)
    created_by = fields.Nested(PersonOut)
    created_at = fields.AwareDateTime()
    started_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)


class ExportQuery(PageQuery):
    """Which exports to list."""

    mine = fields.Boolean(load_default=False, metadata={"description": "Only my own."})


class ExportColumnOut(ma.Schema):
    """A column that an export may have."""

    name = fields.String(
        metadata={"description": "`attributes.*` is one column, called `attributes.X`, for each attribute X kept."}
    )
    label = fields.String()
    group = fields.String()
    default = fields.Boolean(metadata={"description": "There unless other columns are named."})
    help = fields.String()


class ExportTargetOut(ma.Schema):
    """Something that can be exported."""

    kind = fields.String()
    label = fields.String()
    columns = fields.List(fields.Nested(ExportColumnOut))
    filters = fields.List(fields.String())


class ExportTargetsOut(ma.Schema):
    """What can be exported."""

    items = fields.List(fields.Nested(ExportTargetOut))


ExportPage = page_of(ExportOut)
