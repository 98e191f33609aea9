"""What an export is asked for by the imports service."""

import marshmallow as ma

from services.customers.schemas.accounts import AccountQuery
from shared.fields import Text

DELIMITERS = (",", ";", "\t")


class ExportFilter(AccountQuery):
    """Which accounts: what the list of customers is asked, without its pages.

    `account` is one of them, by its code or id. `associate_name` is how the screen calls the associate; it filters
    nothing.
    """

    class Meta:
        """All pages are meant, and a code is looked for by `q`."""

        exclude = ("limit", "cursor", "code")

    account = Text(200)
    associate_name = Text(300)


class ExportIn(ma.Schema):
    """An export: of whom, and how the file is written. No columns are those by default."""

    filter = ma.fields.Nested(ExportFilter, required=True)
    columns = ma.fields.List(ma.fields.String(), load_default=list)
    delimiter = ma.fields.String(load_default=",", validate=ma.validate.OneOf(DELIMITERS))
    bom = ma.fields.Boolean(load_default=True)
