"""Imports: the file, how it is applied, how far it is, and what came of it."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from services.imports.schemas.checks import CheckOut, CountsOut
from services.imports.schemas.mappings import BLANKS, MappingIn
from services.imports.schemas.mass_changes import MassChangeOut
from services.imports.schemas.words import PersonOut
from shared.web import PageQuery, page_of

MODES = ("create", "update", "both")
REPEATED = ("refuse", "fold")
NEWER = ("refuse", "overwrite")
ASSOCIATES = ("add", "replace")
DELIMITERS = (",", ";", "\t", "|")
STATES = (
    "uploaded", "mapped", "checking", "ready", "queued", "running", "completed", "completed_with_errors",
    "cancelled", "failed", "undoing", "undone", "partly_undone",
)  # fmt: skip


class UploadQuery(ma.Schema):
    """What is said about a file that is uploaded; what is left out is found out."""

    kind = fields.String(required=True, validate=validate.Length(1, 60), metadata={"description": "What it holds."})
    filename = fields.String(load_default="", validate=validate.Length(max=255))
    encoding = fields.String(load_default=None, validate=validate.Length(1, 40))
    delimiter = fields.String(load_default=None, validate=validate.OneOf(DELIMITERS))
    has_header = fields.Boolean(load_default=None)


class PreviewIn(ma.Schema):
    """How columns are matched and rows applied; what is left out is as the job has it."""

    mapping = fields.Nested(MappingIn)
    mode = fields.String(validate=validate.OneOf(MODES))
    match = fields.String(validate=validate.Length(1, 60), metadata={"description": "A key of the target."})
    blank = fields.String(validate=validate.OneOf(BLANKS))
    repeated = fields.String(
        validate=validate.OneOf(REPEATED),
        metadata={"description": "Rows whose key came before: refuse them, or fold them: apply them in their order."},
    )
    newer = fields.String(
        validate=validate.OneOf(NEWER),
        metadata={"description": "Rows of an export that others changed since: refuse them, or overwrite the changes."},
    )
    associates = fields.String(
        validate=validate.OneOf(ASSOCIATES),
        metadata={"description": "Associates that rows name: add them, or replace all others who have the role there."},
    )
    create_associates = fields.Boolean(
        metadata={
            "description": "Create associates that are not known, who cannot sign in; else such rows are refused."
        }
    )


class JobPatch(PreviewIn):
    """What can be changed before a job starts. Another encoding, delimiter or header starts the matching anew."""

    encoding = fields.String(validate=validate.Length(1, 40))
    delimiter = fields.String(validate=validate.OneOf(DELIMITERS))
    has_header = fields.Boolean()

    @ma.validates_schema
    def _one_thing(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ma.ValidationError("Name at least one thing to change.")


class JobQuery(PageQuery):
    """Which jobs to list."""

    mine = fields.Boolean(load_default=False, metadata={"description": "Only my own."})
    state = fields.List(fields.String(validate=validate.OneOf(STATES)), load_default=list)


class ProgressOut(ma.Schema):
    """How far a job is."""

    step = fields.String(
        metadata={"description": "The state, while at work: reading, writing, waiting, cancelling or ending."}
    )
    final = fields.Boolean()
    done = fields.Integer()
    expected = fields.Integer(allow_none=True, metadata={"description": "Rows in the file, or the best guess so far."})
    percent = fields.Float()
    rate = fields.Float(allow_none=True, metadata={"description": "Rows a second, lately."})
    seconds_left = fields.Integer(allow_none=True)
    waiting = fields.String(allow_none=True, metadata={"description": "What it waits for, as a sentence."})


class FailureOut(ma.Schema):
    """Why a job could not go on."""

    code = fields.String()
    sentence = fields.String()


class UndoOut(ma.Schema):
    """How an import was taken back. Each customer (or whatever it held) counts once."""

    by = fields.Nested(PersonOut)
    requested_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    removed = fields.Integer(metadata={"description": "Were added by the import, and are gone."})
    restored = fields.Integer(metadata={"description": "Have again what they had before."})
    kept = fields.Integer(metadata={"description": "Stay in part or as a whole; see the list of kept."})
    gone = fields.Integer(metadata={"description": "Had been deleted by somebody before."})
    failure = fields.String(allow_none=True, metadata={"description": "Why it ended early; undo again to go on."})
    kept_file = fields.String(allow_none=True, metadata={"description": "Where all that stayed is, as CSV."})


class JobSummaryOut(ma.Schema):
    """A job in a list."""

    id = fields.UUID()
    kind = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    file_name = fields.String()
    file_size = fields.Integer()
    counts = fields.Nested(CountsOut)
    progress = fields.Nested(ProgressOut)
    failure = fields.Nested(FailureOut, allow_none=True)
    error_file = fields.String(allow_none=True, metadata={"description": "Where the refused rows are, if any."})
    undo = fields.Nested(UndoOut, allow_none=True, metadata={"description": "Null unless it was taken back."})
    undo_until = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Until when it can be taken back; null if it cannot."}
    )
    created_by = fields.Nested(PersonOut)
    created_at = fields.AwareDateTime()
    queued_at = fields.AwareDateTime(allow_none=True)
    started_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)
    version = fields.Integer()


class OptionsOut(ma.Schema):
    """How the rows of a job are applied."""

    mode = fields.String()
    match = fields.String()
    blank = fields.String()
    repeated = fields.String()
    newer = fields.String()
    associates = fields.String()
    create_associates = fields.Boolean()


class JobOut(JobSummaryOut, OptionsOut):
    """A job."""

    encoding = fields.String()
    bom = fields.Boolean()
    delimiter = fields.String()
    has_header = fields.Boolean()
    header = fields.List(fields.String())
    sample = fields.List(fields.List(fields.String()))
    warnings = fields.List(fields.String())
    mapping = fields.Nested(MappingIn, allow_none=True)
    retry_of = fields.UUID(allow_none=True, metadata={"description": "Whose refused rows these are, corrected."})
    check = fields.Nested(CheckOut, allow_none=True, metadata={"description": "What the last check told, if any."})
    change = fields.Nested(
        MassChangeOut, allow_none=True, metadata={"description": "What a mass change does; null for an import."}
    )


class KeptOut(ma.Schema):
    """Something that stayed when an import was taken back. `field` is null when the whole record did."""

    record = fields.String(metadata={"example": "customer"})
    label = fields.String(metadata={"example": "00417 Cobalt Labs"})
    url = fields.String(metadata={"description": "Where the record is."})
    field = fields.String(allow_none=True, metadata={"example": "city"})
    reason = fields.String(metadata={"example": "changed"})
    message = fields.String(metadata={"example": "Ben Baker changed it since."})


JobPage = page_of(JobSummaryOut)
KeptPage = page_of(KeptOut)
