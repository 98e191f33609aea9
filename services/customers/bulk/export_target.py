"""What can be exported, told to the imports service: columns by the names that an import knows, and the filters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from services.customers.bulk.rows import FIRST, SECOND
from services.customers.bulk.target import ADDRESS, CONTACT, CUSTOMER, TARGET_FIELDS
from services.customers.errors import UnknownColumns, UnknownExport
from shared.attribute_columns import ALL_ATTRIBUTES
from shared.cells import MARK

ACCOUNT_JOIN = (
    "LEFT JOIN contact AS person ON person.account_id = found.id AND person.is_primary"
    " LEFT JOIN LATERAL (SELECT other.* FROM contact AS other"
    " WHERE other.account_id = found.id AND NOT other.is_primary ORDER BY other.name_key, other.id LIMIT 1)"
    " AS second ON true"
)
SEEN_VERSIONS = "concat('v', found.version, 'c' || person.version, 's' || second.version || '-' || right({}, 8))"
CONTACT_JOIN = "JOIN contact AS person ON person.account_id = found.id"
ROLES = "CASE WHEN NOT found.is_vendor THEN 'customer' WHEN found.is_customer THEN 'customer;vendor' ELSE 'vendor' END"
FURTHER = "Further fields"
OTHERS = "Not imported"
MOST_ATTRIBUTES = 400  # of the 500 columns that an import takes
EACH_ONE = f"one column each, called attributes.NAME; {MOST_ATTRIBUTES} at most"
FILTERS = ("q", "status", "kind", "role", "tag", "associate", "associate_role", "associate_name", "account")


@dataclass(frozen=True)
class ExportColumn:
    """A column: its name in the file, what stands in it, and whether it is there unless told otherwise.

    ALL_ATTRIBUTES is as many columns as there are attributes, which `bulk.export` finds.
    """

    name: str
    expression: str
    group: str
    default: bool = True
    help: str = ""
    label: str = ""


@dataclass(frozen=True)
class ExportTarget:
    """One kind of export. `join` brings `person`; with `rows_by_join` its contacts are the rows, else the accounts."""

    kind: str
    label: str
    noun: str
    join: str
    order: str
    columns: tuple[ExportColumn, ...] = field(repr=False)
    rows_by_join: bool = False

    @cached_property
    def expressions(self) -> dict[str, str]:
        """What stands in each column."""
        return {column.name: column.expression for column in self.columns}

    def chosen(self, names: Sequence[str]) -> list[str]:
        """Return the wanted columns, those by default for none; raise UnknownColumns."""
        unknown = [name for name in names if name not in self.expressions]
        if unknown:
            raise UnknownColumns(unknown, list(self.expressions))
        return list(dict.fromkeys(names)) or [column.name for column in self.columns if column.default]

    def to_json(self) -> dict[str, Any]:
        """Return it as imports reads it."""
        columns = [
            {
                "name": column.name,
                "label": column.label or column.name,
                "group": column.group,
                "default": column.default,
                "help": column.help,
            }
            for column in self.columns
        ]
        return {
            "kind": self.kind,
            "label": self.label,
            "noun": self.noun,
            "columns": columns,
            "filters": list(FILTERS),
            "permission": "customers.view",
        }


def _of_customers(name: str) -> str:
    """Return what stands in the column of an import's field."""
    if name.startswith(SECOND):
        return f"second.{name.removeprefix(SECOND)}"
    if name.startswith(FIRST):
        return f"person.{name.removeprefix(FIRST)}"
    return {"roles": ROLES, "tags": "array_to_string(found.tags, ';')"}.get(name, f"found.{name}")


def _mark(versions: str) -> ExportColumn:
    help_text = (
        "The record's versions. By this column an import knows the file as ours, takes apostrophes off again, and sees"
        " what others changed since."
    )
    return ExportColumn(MARK, versions, OTHERS, help=help_text)


CUSTOMERS = ExportTarget(
    kind="customers",
    label="Customers",
    noun="customer",
    join=ACCOUNT_JOIN,
    order="found.id",
    columns=(
        *(ExportColumn(one.label, _of_customers(one.name), one.group) for one in TARGET_FIELDS),
        ExportColumn(ALL_ATTRIBUTES, "", FURTHER, label="All that these customers have", help=EACH_ONE),
        ExportColumn("_status", "found.status", OTHERS, help="active or inactive"),
        ExportColumn("_added", "to_char(found.created_at, 'YYYY-MM-DD')", OTHERS, default=False),
        _mark(SEEN_VERSIONS.format("CAST(second.id AS text)")),
    ),
)
CONTACTS = ExportTarget(
    kind="contacts",
    label="Contacts",
    noun="contact",
    join=CONTACT_JOIN,
    order="found.id, person.is_primary DESC, person.name_key, person.id",
    rows_by_join=True,
    columns=(
        ExportColumn("Customer code", "found.code", CUSTOMER),
        ExportColumn("Customer", "found.name", CUSTOMER),
        ExportColumn("First name", "person.first_name", CONTACT),
        ExportColumn("Last name", "person.last_name", CONTACT),
        ExportColumn("Job title", "person.job_title", CONTACT),
        ExportColumn("E-mail", "person.email", CONTACT),
        ExportColumn("Phone", "person.phone", CONTACT),
        ExportColumn("Second phone", "person.phone2", CONTACT),
        ExportColumn("City", "found.city", ADDRESS, default=False),
        ExportColumn("Country", "found.country", ADDRESS, default=False),
        ExportColumn("_primary", "CASE WHEN person.is_primary THEN 'yes' ELSE 'no' END", OTHERS),
        ExportColumn("_status", "person.status", OTHERS, help="active or inactive"),
        _mark("'c' || person.version"),
    ),
)
TARGETS = {target.kind: target for target in (CUSTOMERS, CONTACTS)}


def export_target(kind: str) -> ExportTarget:
    """Return what can be exported of this kind; raise UnknownExport."""
    if kind not in TARGETS:
        raise UnknownExport(kind)
    return TARGETS[kind]
