"""What the API takes in and gives out."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from shared.web import PageQuery, page_of

MODES = ("create", "update", "both")
BLANKS = ("keep", "clear")
REPEATED = ("refuse", "fold")
DELIMITERS = (",", ";", "\t", "|")
EXPORT_DELIMITERS = (",", ";", "\t")
EXPORT_STATES = ("queued", "running", "completed", "cancelled", "failed")
STATES = (
    "uploaded", "mapped", "checking", "ready", "queued", "running", "completed", "completed_with_errors",
    "cancelled", "failed", "undoing", "undone", "partly_undone",
)  # fmt: skip


def _storable(text: str) -> None:
    """Refuse what PostgreSQL cannot keep as text."""
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ma.ValidationError("Contains characters that are no text.")


class Words(fields.String):
    """Text that can be stored."""

    def __init__(self, *, longest: int = 1_000, shortest: int = 0, **more: Any) -> None:
        super().__init__(validate=[validate.Length(shortest, longest), _storable], **more)


class UploadQuery(ma.Schema):
    """What is said about a file that is uploaded; what is left out is found out."""

    kind = fields.String(required=True, validate=validate.Length(1, 60), metadata={"description": "What it holds."})
    filename = fields.String(load_default="", validate=validate.Length(max=255))
    encoding = fields.String(load_default=None, validate=validate.Length(1, 40))
    delimiter = fields.String(load_default=None, validate=validate.OneOf(DELIMITERS))
    has_header = fields.Boolean(load_default=None)


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


class JobPatch(ma.Schema):
    """What can be changed before a job starts. Another encoding, delimiter or header starts the matching anew."""

    encoding = fields.String(validate=validate.Length(1, 40))
    delimiter = fields.String(validate=validate.OneOf(DELIMITERS))
    has_header = fields.Boolean()
    mapping = fields.Nested(MappingIn)
    mode = fields.String(validate=validate.OneOf(MODES))
    match = fields.String(validate=validate.Length(1, 60), metadata={"description": "A key of the target."})
    blank = fields.String(validate=validate.OneOf(BLANKS))
    repeated = fields.String(
        validate=validate.OneOf(REPEATED),
        metadata={"description": "Rows whose key came before: refuse them, or fold them: apply them in their order."},
    )

    @ma.validates_schema
    def _one_thing(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ma.ValidationError("Name at least one thing to change.")


class JobQuery(PageQuery):
    """Which jobs to list."""

    mine = fields.Boolean(load_default=False, metadata={"description": "Only my own."})
    state = fields.List(fields.String(validate=validate.OneOf(STATES)), load_default=list)


class CountsOut(ma.Schema):
    """What became of the rows; the last five add up to the first. `rows` is null until the file was read to its end.

    Before an import all five are 0, whatever a check told.
    """

    rows = fields.Integer(allow_none=True)
    created = fields.Integer()
    updated = fields.Integer()
    unchanged = fields.Integer()
    skipped = fields.Integer()
    failed = fields.Integer()


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


class ChangedFieldOut(ma.Schema):
    """How many rows would change a field; `attributes.X` is an attribute that is kept under the column's name X."""

    field = fields.String()
    rows = fields.Integer()


class ValueOut(ma.Schema):
    """What a field would hold; `new` for a code that would be given. Long values are cut."""

    field = fields.String()
    value = fields.String()


class ChangeOut(ma.Schema):
    """What a field holds, and what it would hold. Long values are cut."""

    field = fields.String()
    old = fields.String(allow_none=True)
    new = fields.String(allow_none=True)


class WouldCreateOut(ma.Schema):
    """A row that would make a record; `more` fields are not shown."""

    row = fields.Integer()
    line = fields.Integer()
    values = fields.List(fields.Nested(ValueOut))
    more = fields.Integer()


class WouldUpdateOut(ma.Schema):
    """A row that would change a record; `more` fields are not shown."""

    row = fields.Integer()
    line = fields.Integer()
    record = fields.String()
    changes = fields.List(fields.Nested(ChangeOut))
    more = fields.Integer()


class RefusalOut(ma.Schema):
    """A refused row: its number among the records, its line in the file, and why."""

    row = fields.Integer()
    line = fields.Integer()
    column = fields.String(allow_none=True)
    code = fields.String()
    message = fields.String()


class SampleOut(ma.Schema):
    """The first few rows of each sort."""

    created = fields.List(fields.Nested(WouldCreateOut))
    updated = fields.List(fields.Nested(WouldUpdateOut))
    refused = fields.List(fields.Nested(RefusalOut))


class CheckOut(ma.Schema):
    """What would become of the rows, as it was when the whole file was checked."""

    at = fields.AwareDateTime()
    counts = fields.Nested(CountsOut)
    fields_ = fields.List(
        fields.Nested(ChangedFieldOut),
        attribute="fields",
        data_key="fields",
        metadata={"description": "What updates would change, the most frequent first."},
    )
    sample = fields.Nested(SampleOut)
    difference = fields.String(
        allow_none=True, metadata={"description": "Once imported: how that differs from what was told, as a sentence."}
    )


class PersonOut(ma.Schema):
    """A person."""

    id = fields.UUID()
    name = fields.String()


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


class JobOut(JobSummaryOut):
    """A job."""

    encoding = fields.String()
    bom = fields.Boolean()
    delimiter = fields.String()
    has_header = fields.Boolean()
    header = fields.List(fields.String())
    sample = fields.List(fields.List(fields.String()))
    warnings = fields.List(fields.String())
    mapping = fields.Nested(MappingIn, allow_none=True)
    mode = fields.String()
    match = fields.String()
    blank = fields.String()
    repeated = fields.String()
    retry_of = fields.UUID(allow_none=True, metadata={"description": "Whose refused rows these are, corrected."})
    check = fields.Nested(CheckOut, allow_none=True, metadata={"description": "What the last check told, if any."})


class KeptOut(ma.Schema):
    """Something that stayed when an import was taken back. `field` is null when the whole record did."""

    record = fields.String(metadata={"example": "customer"})
    label = fields.String(metadata={"example": "00417 Cobalt Labs"})
    url = fields.String(metadata={"description": "Where the record is."})
    field = fields.String(allow_none=True, metadata={"example": "city"})
    reason = fields.String(metadata={"example": "changed"})
    message = fields.String(metadata={"example": "Ben Baker changed it since."})


class ColumnMatchOut(ma.Schema):
    """What was found for a column; for `fuzzy`, `suggestion` is what a person should confirm."""

    column = fields.String()
    field = fields.String(allow_none=True)
    how = fields.String(metadata={"description": "saved, exact, alias, fuzzy, own or none."})
    confidence = fields.Integer()
    suggestion = fields.String(allow_none=True)


class MatchesOut(ma.Schema):
    """What was found for the columns of a job's file."""

    items = fields.List(fields.Nested(ColumnMatchOut))


class CorrectedRowIn(ma.Schema):
    """The cells of a refused row that are other than they were."""

    row = fields.Integer(required=True, validate=validate.Range(1))
    cells = fields.Dict(
        keys=Words(),
        values=Words(longest=100_000),
        required=True,
        metadata={"description": "Column of the file to its new text."},
    )


class CorrectedRowsIn(ma.Schema):
    """Refused rows that were corrected."""

    rows = fields.List(fields.Nested(CorrectedRowIn), required=True, validate=validate.Length(1, 1_000))


class SavedMappingEdit(ma.Schema):
    """A mapping that is kept by name, with the columns of the files that it is for."""

    name = Words(required=True, shortest=1, longest=100)
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


JobPage = page_of(JobSummaryOut)
RefusalPage = page_of(RefusalOut)
KeptPage = page_of(KeptOut)
SavedMappingPage = page_of(SavedMappingOut)


class ExportIn(ma.Schema):
    """A list to take out as a file."""

    kind = fields.String(required=True, validate=validate.Length(1, 60), metadata={"example": "customers"})
    filter = fields.Dict(
        keys=Words(longest=60),
        values=Words(longest=200),
        load_default=dict,
        metadata={"description": "What the list is asked for: q, status, kind, role, tag. Nothing: all."},
    )
    columns = fields.List(
        Words(longest=200),
        load_default=list,
        validate=validate.Length(max=1_000),
        metadata={"description": "In this order; none: those that an import of the file understands."},
    )
    delimiter = fields.String(load_default=",", validate=validate.OneOf(EXPORT_DELIMITERS))
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
    state = fields.String(validate=validate.OneOf(EXPORT_STATES))
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

    name = fields.String()
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
