"""A target as an owner describes it, for tests that need no owner."""

from services.imports.domain.target import Target

CUSTOMERS = {
    "kind": "customers",
    "label": "Customers",
    "noun": "customer",
    "instructions": ["One row is one customer.", "A blank cell leaves what is there."],
    "keys": [
        {"name": "code", "field": "code", "rule": "code", "label": "Code"},
        {"name": "email", "field": "email", "rule": "email", "label": "E-mail", "also": ["contact_email"]},
    ],
    "fields": [
        {"name": "code", "label": "Code", "group": "Customer", "help": "Your number.", "example": "C1",
         "aliases": ["customer id", "customer no"]},
        {"name": "name", "label": "Name", "group": "Customer", "required": True, "joins": True, "example": "Acme",
         "aliases": ["company", "company name", "customer name"]},
        {"name": "email", "label": "E-mail", "group": "Customer", "aliases": ["mail", "email address"]},
        {"name": "phone", "label": "Phone", "group": "Customer", "aliases": ["telephone", "phone 1"]},
        {"name": "street", "label": "Street", "group": "Address", "joins": True, "aliases": ["address", "address 1", "address 2"]},
        {"name": "city", "label": "City", "group": "Address", "aliases": ["town"]},
        {"name": "notes", "label": "Notes", "group": "Customer"},
        {"name": "contact_first_name", "label": "First name", "group": "Contact", "aliases": ["forename"]},
        {"name": "contact_last_name", "label": "Last name", "group": "Contact", "aliases": ["surname"]},
        {"name": "contact_email", "label": "E-mail of the contact", "group": "Contact", "aliases": ["contact mail"],
         "aliases_beside": {"beside": ["first name", "last name"], "aliases": ["email", "e mail"]}},
        {"name": "contact_phone", "label": "Phone", "group": "Contact", "aliases": [],
         "aliases_beside": {"beside": ["first name", "last name"], "aliases": ["phone", "phone 1"]}},
    ],
    "sample": [{"code": "C1", "name": "Acme", "city": "Łódź"}],
}  # fmt: skip
TARGET = Target.from_json(CUSTOMERS)
