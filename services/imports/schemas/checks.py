"""What a check told, and rows that were refused."""

import marshmallow as ma
from marshmallow import fields, validate

from services.imports.schemas.words import Words
from shared.bulk import COUNTS
from shared.web import page_of


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
    column = fields.String(
        allow_none=True, metadata={"description": "The field at fault; `attributes.X` is the column X, which is kept."}
    )
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
    newer = fields.Integer(
        metadata={
            "description": "Rows of an export that others changed since, refused or not as the job's `newer` says."
        },
    )
    difference = fields.String(
        allow_none=True, metadata={"description": "Once imported: how that differs from what was told, as a sentence."}
    )


class PreviewRowOut(ma.Schema):
    """One of the first rows. `values` are those that its fields would hold, as far as the row tells them."""

    row = fields.Integer(metadata={"description": "Its number among the records."})
    line = fields.Integer(metadata={"description": "Its line in the file."})
    outcome = fields.String(
        allow_none=True,
        validate=validate.OneOf(COUNTS),
        metadata={"description": "What becomes of it; failed is refused. Null where that was not checked."},
    )
    values = fields.List(fields.Nested(ValueOut))
    changes = fields.List(fields.Nested(ChangeOut), metadata={"description": "What an update would change."})
    refusal = fields.Nested(RefusalOut, allow_none=True)


class PreviewOut(ma.Schema):
    """The first rows of a file, a hundred at most, as they would be stored. Nothing is kept of it."""

    rows_in_file = fields.Integer(metadata={"description": "Guessed by the first megabyte unless `exact`."})
    exact = fields.Boolean()
    not_checked = fields.String(
        allow_none=True,
        metadata={"description": "Why the rows are only as they are matched, and not as they would be stored."},
    )
    rows = fields.List(fields.Nested(PreviewRowOut))


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


RefusalPage = page_of(RefusalOut)
