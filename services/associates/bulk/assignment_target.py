"""What an import of assignments is: who looks after which customers, told to the imports service."""

from typing import Any

from services.associates.bulk.words import ACTIONS, ROLES, YES_NO
from shared.import_target import TargetField

KIND = "assignments"
KEYS = ("customer",)
CUSTOMER = "Customer"
ASSOCIATE = "Associate"
ASSIGNMENT = "Assignment"

TARGET_FIELDS = (
    TargetField(
        "customer_code",
        "Customer's code",
        CUSTOMER,
        "The code of the customer or vendor. It must be there already.",
        "C00123",
        (
            "customer code, customer no, customer number, customer id, customer, cust no, cust id, account code, "
            "account no, account number, account id, account, client code, client no, client id, vendor code, "
            "vendor no, supplier code, kundennummer, kundennr, code client, código de cliente, codice cliente, "
            "klantnummer"
        ),
        required=True,
        clears=False,
    ),
    TargetField(
        "associate_code",
        "Associate's code",
        ASSOCIATE,
        "Who looks after the customer. It counts where an e-mail is given, too.",
        "D-07",
        (
            "associate code, associate id, associate no, associate, dealer code, dealer id, dealer no, dealer, "
            "partner code, partner id, partner no, partner, agent code, agent, rep code, sales rep, rep, "
            "account manager code, account manager, manager code, employee no, employee id, personalnummer, "
            "mitarbeiter, betreuer, händlernummer"
        ),
        clears=False,
    ),
    TargetField(
        "associate_email",
        "Associate's e-mail",
        ASSOCIATE,
        "Instead of the code. An address that several have is refused.",
        "",
        (
            "associate email, associate mail, dealer email, partner email, agent email, rep email, "
            "account manager email, manager email, email, e mail, mail, email address"
        ),
        clears=False,
    ),
    TargetField(
        "role",
        "Role",
        ASSIGNMENT,
        "manages, lead source, sales, collections or service. Blank: manages.",
        "sales",
        "associate role, assignment role, responsibility, function, rolle, rôle, rol, as",
        choices={
            "manages": "Manages",
            "lead_source": "Lead source",
            "sales": "Sales",
            "collections": "Collections",
            "service": "Service",
        },
        words=ROLES,
        clears=False,
    ),
    TargetField(
        "action",
        "What to do",
        ASSIGNMENT,
        "add; replace (instead of all others who have the role there); or remove. Blank: add.",
        "add",
        "action, operation, what to do, change, aktion",
        choices={"add": "Add", "replace": "Replace", "remove": "Remove"},
        words=ACTIONS,
        clears=False,
    ),
    TargetField(
        "primary",
        "Primary",
        ASSIGNMENT,
        "yes for the one to turn to first; the former one steps back. no says nothing.",
        "yes",
        "is primary, main, first, main contact, primary associate, haupt, principal",
        choices={"yes": "Yes", "no": "No"},
        words=YES_NO,
        clears=False,
    ),
    TargetField(
        "begun_on",
        "From",
        ASSIGNMENT,
        "The day it began, as 2026-01-31 or 31.1.2026. Blank: today. It counts for new ones only.",
        "2025-04-01",
        "from, since, begin, begun on, start, start date, valid from, from date, von, seit, ab, depuis, desde, dal",
        clears=False,
    ),
    TargetField(
        "ended_on",
        "To",
        ASSIGNMENT,
        "The day it ended, if it is over. Blank: it goes on.",
        "",
        "to, until, end, ended on, end date, valid to, valid until, to date, bis, jusqu'à, hasta, al",
        clears=False,
    ),
)

LABELS = {field.name: field.label for field in TARGET_FIELDS}

INSTRUCTIONS = """
One row says that one associate looks after one customer. Both must be there already, else the row is refused.
The associate is named by code, or by e-mail. For one associate in all rows, give it one value below the columns.
A customer may stand in several rows: with several associates, and in several roles.
Add leaves the others where they are. Replace puts the associates of the file in the place of all others who have the \
role at that customer. Remove takes the associate away. One value for all rows will do here, too.
Where one row of a customer is refused, nobody is replaced there: correct it, and bring all rows of it again.
An assignment that is over (with a day in To) goes into the history; if it goes on here, it ends on that day.
An inactive associate gets nothing new. Who was primary before steps back for the new one.
An import can be undone for 30 days: who was added goes, who was removed comes back.
"""

SAMPLE = (
    {field.name: field.example for field in TARGET_FIELDS if field.example},
    {"customer_code": "C00123", "associate_code": "E-112", "role": "manages", "action": "add"},
    {"customer_code": "C00124", "associate_email": "dana@dealer.example", "role": "lead source"},
)


def assignments_target() -> dict[str, Any]:
    """Return the answer of `GET /internal/import-targets/assignments`."""
    return {
        "kind": KIND,
        "label": "Assignments",
        "noun": "assignment",
        "instructions": INSTRUCTIONS.strip().splitlines(),
        "keys": [
            {
                "name": "customer",
                "field": "customer_code",
                "rule": "code",
                "label": "Customer's code",
                "told": "Customer, associate and role",
                "together": True,
            }
        ],
        "fields": [field.to_json() for field in TARGET_FIELDS],
        "sample": [dict(row) for row in SAMPLE],
        "keeps_others": False,
        "shown": {"at": "/customers", "label": "customers", "needs": "customers.view"},
    }
