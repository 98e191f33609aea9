"""What can be permitted, in words for the people who decide it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Permission:
    """One thing that a role may allow."""

    name: str
    label: str
    explanation: str
    group: str


PERMISSIONS = (
    Permission("customers.view", "See customers", "Search and open customers and their contacts.", "Customers"),
    Permission("customers.edit", "Edit customers", "Add customers and contacts, and change them.", "Customers"),
    Permission("set_status", "Set status", "Make customers, contacts and associates inactive, or active.", "Customers"),
    Permission("customers.delete", "Delete customers", "Delete customers and contacts for good.", "Customers"),
    Permission("write_to_customers", "Write to customers", "Send them mails from their screen.", "Customers"),
    Permission("assign", "Assign associates", "Say who looks after which customers.", "Customers"),
    Permission("associates.view", "See associates", "Search and open dealers, partners and colleagues.", "Associates"),
    Permission("associates.edit", "Edit associates", "Add associates, and change them.", "Associates"),
    Permission("associates.delete", "Delete associates", "Delete associates for good.", "Associates"),
    Permission("import", "Import", "Bring in customers by file, and what else the role may edit.", "Files and jobs"),
    Permission("export", "Export", "Take lists of customers out as a file.", "Files and jobs"),
    Permission("undo", "Undo jobs", "Take back an import or a mass change.", "Files and jobs"),
    Permission("jobs.all", "See everybody's jobs", "Follow and stop jobs that others have started.", "Files and jobs"),
    Permission("users.manage", "Manage users", "Add users, set passwords, and decide on roles.", "Administration"),
    Permission("settings.manage", "Change settings", "Switch parts of Liaison on and off.", "Administration"),
    Permission("operations.view", "See operations", "See what runs, what waits, and who works.", "Administration"),
    Permission("audit.view", "See the audit trail", "See who did what, when and from where.", "Administration"),
)
ALL = frozenset(permission.name for permission in PERMISSIONS)
BY_NAME = {permission.name: permission for permission in PERMISSIONS}

ADMINISTRATOR = "Administrator"
STAFF = frozenset(
    {
        "customers.view",
        "customers.edit",
        "write_to_customers",
        "associates.view",
        "associates.edit",
        "assign",
        "import",
    }
)
STANDARD_ROLES: tuple[tuple[str, str, frozenset[str]], ...] = (
    (ADMINISTRATOR, "May do everything, and decides who may do what.", ALL),
    ("Manager", "May do everything but manage users.", ALL - {"users.manage", "settings.manage", "operations.view"}),
    ("Staff", "Works with customers and imports files.", STAFF),
    ("Viewer", "Looks, but changes nothing.", frozenset({"customers.view", "associates.view"})),
)

# What a user of an associate may do with the customers that the associate looks after: look, and more by a role.
OF_ASSOCIATES = frozenset({"customers.view", "associates.view"})
FOR_ASSOCIATES = OF_ASSOCIATES | {"customers.edit", "write_to_customers"}


def permitted(
    kind: str, given: Iterable[str], *, is_administrator: bool = False, partner_management: bool
) -> frozenset[str]:
    """Return what somebody of this kind may do whose roles give `given`; the one place that says so.

    An associate's user looks, and has a part of what the roles give to employees; nothing while partner management is
    off. Customers and vendors have no permissions.
    """
    all_given = ALL if is_administrator else frozenset(given)
    if kind == "associate":
        return OF_ASSOCIATES | (all_given & FOR_ASSOCIATES) if partner_management else frozenset()
    return all_given if kind == "employee" else frozenset()


def in_order(names: set[str] | frozenset[str]) -> list[str]:
    """Return permission names in the order in which they are shown."""
    return [permission.name for permission in PERMISSIONS if permission.name in names]
