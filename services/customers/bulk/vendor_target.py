"""What an import of vendors is: that of customers, with vendor as the role of whoever has none in the file."""

from dataclasses import replace
from typing import Any

from services.customers.bulk.target import ALL_FIELDS, INSTRUCTIONS, SAMPLE, customers_target

KIND = "vendors"

ALIASES = {
    "code": (
        "vendor id, vendor no, vendor number, vendor code, vendor key, supplier id, supplier no, supplier number, "
        "supplier code, creditor number, creditor no, lieferantennummer, kreditorennummer, kreditor, code fournisseur, "
        "código de proveedor, codice fornitore, leveranciersnummer"
    ),
    "name": (
        "vendor, vendor name, supplier, supplier name, creditor, lieferant, lieferantenname, fournisseur, proveedor, "
        "fornitore, leverancier"
    ),
}
HELP = {"roles": "customer, vendor, or both with ; between. Blank: vendor."}
ROLE = """
Whoever is in the file becomes a vendor, a known customer too, unless its row names the roles.
"""


def vendors_target() -> dict[str, Any]:
    """Return the answer of `GET /internal/import-targets/vendors`."""
    fields = [
        replace(
            field,
            aliases=", ".join(filter(None, (ALIASES.get(field.name), field.aliases))),
            help=HELP.get(field.name, field.help),
        )
        for field in ALL_FIELDS
    ]
    words = (INSTRUCTIONS.strip() + ROLE).replace("customers", "vendors").replace("customer", "vendor")
    return {
        **customers_target(),
        "kind": KIND,
        "label": "Vendors",
        "noun": "vendor",
        "instructions": words.replace("a known vendor too", "a known customer too").splitlines(),
        "fields": [field.to_json() for field in fields],
        "shown": {"at": "/customers?role=vendor", "label": "vendors", "needs": "customers.view"},
        "sample": [{**row, "roles": "vendor"} for row in SAMPLE],
    }
