"""What an import of contacts is: people of accounts that are there, each found by the account's code."""

from typing import Any

from shared.import_target import TargetField

KIND = "contacts"

TARGET_FIELDS = (
    TargetField(
        "account_code",
        "Customer's code",
        "Customer",
        "The code of the customer or vendor whose contact this is. It must be there already.",
        "C00123",
        (
            "account code, account no, account number, account id, account, customer code, customer no, "
            "customer number, customer id, customer, cust no, cust id, vendor code, vendor no, vendor id, supplier no, "
            "supplier code, company code, company id, client code, client no, client id, code, id, kundennummer, "
            "kundennr, lieferantennummer, code client, código de cliente, codice cliente, klantnummer"
        ),
        required=True,
        clears=False,
    ),
    TargetField(
        "first_name",
        "First name",
        "Contact",
        "Of the person.",
        "Maria",
        (
            "firstname, given name, forename, fname, contact first name, contact firstname, vorname, prénom, primer "
            "nombre, nombre, nome, voornaam, imię"
        ),
    ),
    TargetField(
        "last_name",
        "Last name",
        "Contact",
        "Needed for a new contact, unless the first name is given.",
        "Delgado",
        (
            "lastname, surname, family name, lname, name, full name, contact last name, contact lastname, contact, "
            "contact name, contact person, person, nachname, familienname, ansprechpartner, nom, nom de famille, "
            "apellido, apellidos, cognome, achternaam, nazwisko"
        ),
        clears=False,
    ),
    TargetField(
        "job_title",
        "Job title",
        "Contact",
        "What the person does there.",
        "Head of Purchasing",
        (
            "title, position, function, role, role in company, contact title, occupation, berufsbezeichnung, funktion, "
            "fonction, cargo, puesto"
        ),
    ),
    TargetField(
        "email",
        "E-mail",
        "Contact",
        "The person's own address; it tells this contact from the others of the customer.",
        "maria.delgado@harbourprint.example",
        (
            "e mail, mail, email address, e mail address, contact email, contact e mail, personal email, courriel, "
            "correo, correo electrónico, e mail adresse, emailadres"
        ),
    ),
    TargetField(
        "phone",
        "Phone",
        "Contact",
        "The person's number; a national one is read by the rules of the customer's country.",
        "+44 7700 900123",
        (
            "telephone, tel, phone number, telephone number, phone 1, phone1, tel 1, contact phone, direct phone, "
            "direct line, telefon, téléphone, teléfono, telefono, telefoon"
        ),
    ),
    TargetField(
        "phone2",
        "Second phone",
        "Contact",
        "Another number of the person.",
        "+44 7700 900124",
        (
            "phone 2, tel 2, telephone 2, mobile, mobile phone, mobile number, cell, cell phone, contact mobile, "
            "mobil, handy, portable, móvil, celular, cellulare"
        ),
    ),
)

LABELS = {field.name: field.label for field in TARGET_FIELDS}

INSTRUCTIONS = """
One row is one contact of a customer or vendor, which the row names by its code. The code must be there already.
To add contacts to one customer only, start from its Contacts tab: then no column with codes is needed.
A contact is found among those of its customer by its e-mail, else by name and phone, else by its name where nothing \
speaks against it. A name that fits several is refused, never guessed.
A new contact needs a first or last name. The first contact of a customer becomes the primary one.
A blank cell leaves what is there or clears it, as you choose. The last name is never cleared.
"""

SAMPLE = (
    {field.name: field.example for field in TARGET_FIELDS},
    {"account_code": "C00123", "first_name": "Tom", "last_name": "Okafor", "email": "tom.okafor@harbourprint.example"},
    {"account_code": "C00124", "first_name": "Lena", "last_name": "Weber", "phone": "030 901821"},
)


def contacts_target() -> dict[str, Any]:
    """Return the answer of `GET /internal/import-targets/contacts`."""
    return {
        "kind": KIND,
        "label": "Contacts",
        "noun": "contact",
        "instructions": INSTRUCTIONS.strip().splitlines(),
        "keys": [
            {
                "name": "contact",
                "field": "account_code",
                "rule": "code",
                "label": "Contact",
                "told": "E-mail, else name and phone",
                "apart": [["email"], ["first_name", "last_name", "phone"]],
            }
        ],
        "fields": [field.to_json() for field in TARGET_FIELDS],
        "sample": [dict(row) for row in SAMPLE],
        "keeps_others": False,
        "shown": {"at": "/customers", "label": "customers", "needs": "customers.view"},
    }
