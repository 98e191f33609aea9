"""What an import of customers is, told to the imports service: fields, their names in other programs, a sample."""

from typing import Any

from services.customers.bulk.associate_fields import ASSOCIATE_TARGET_FIELDS
from services.customers.bulk.second_contact import SECOND_CONTACT_FIELDS
from services.customers.bulk.words import KINDS, ROLES
from shared.import_target import TargetField

KIND = "customers"

# A column with one of these names says that the file has people in it.
PERSON_COLUMNS = (
    "first name, last name, firstname, lastname, given name, surname, family name, contact first name, contact last "
    "name, vorname, nachname, familienname, prénom, nom de famille, apellido, apellidos"
)

CUSTOMER = "Customer"
ADDRESS = "Address"
CONTACT = "Primary contact"

TARGET_FIELDS = (
    TargetField(
        "code",
        "Code",
        CUSTOMER,
        "Your number or short name for the customer. Text; leading zeros are kept.",
        "C00123",
        (
            "customer id, customer no, customer number, customer code, customer, cust id, cust no, id, number, no, "
            "account, account id, account no, account number, account code, client id, client no, client code, client "
            "number, reference, ref, debtor number, debtor no, company id, kundennummer, kunden nr, kundennr, "
            "debitorennummer, debitor, code client, numéro client, n° client, no client, código, código de cliente, "
            "número de cliente, codice cliente, klantnummer, external id"
        ),
        clears=False,
    ),
    TargetField(
        "name",
        "Name",
        CUSTOMER,
        "The company, or the person if the customer is one. Needed for every new customer.",
        "Harbour Print Ltd",
        (
            "company, company name, customer name, account name, client, client name, organisation, organization, "
            "organisation name, organization name, business, business name, firm, full name, firma, firmenname, "
            "unternehmen, kunde, kundenname, société, raison sociale, entreprise, nom, empresa, nombre, razón social, "
            "azienda, ragione sociale, bedrijf"
        ),
        joins=True,
        clears=False,
    ),
    TargetField(
        "kind",
        "Kind",
        CUSTOMER,
        "company or person. Blank: company.",
        "company",
        "type, customer type, account type, client type, company or person, art, typ, tipo",
        choices={"company": "Company", "person": "Person"},
        words=KINDS,
        clears=False,
    ),
    TargetField(
        "roles",
        "Roles",
        CUSTOMER,
        "customer, vendor, or both with ; between. Blank: customer.",
        "customer;vendor",
        "role, relation, relationship, customer or vendor, account role, rolle, rôle, rol",
        choices={"customer": "Customer", "vendor": "Vendor", "customer;vendor": "Customer and vendor"},
        words=ROLES,
        clears=False,
    ),
    TargetField(
        "email",
        "E-mail",
        CUSTOMER,
        "The customer's own e-mail address.",
        "office@harbourprint.example",
        (
            "e mail, mail, email address, e mail address, mail address, company email, customer email, account email, "
            "email 1, e mail 1, primary email, courriel, adresse mail, adresse e mail, correo, correo electrónico, e "
            "mail adresse, emailadres, posta elettronica"
        ),
    ),
    TargetField(
        "phone",
        "Phone",
        CUSTOMER,
        "As you write it; national numbers are read by the rules of the country.",
        "+44 20 7946 0018",
        (
            "telephone, tel, phone number, telephone number, phone 1, phone1, tel 1, company phone, main phone, "
            "business phone, office phone, work phone, telefon, telefonnummer, téléphone, teléfono, telefono, "
            "telefoon, rufnummer"
        ),
    ),
    TargetField(
        "phone2",
        "Second phone",
        CUSTOMER,
        "Another number of the customer.",
        "+44 20 7946 0019",
        (
            "phone 2, tel 2, telephone 2, other phone, alternative phone, alternate phone, mobile, mobile phone, "
            "mobile number, cell, cell phone, cellphone, mobil, handy, mobiltelefon, portable, móvil, "
            "celular, cellulare"
        ),
    ),
    TargetField(
        "website",
        "Website",
        CUSTOMER,
        "The customer's address on the web.",
        "https://harbourprint.example/",
        "web, web site, url, homepage, home page, webpage, web page, internet, site web, sitio web",
    ),
    TargetField(
        "tax_id",
        "Tax id",
        CUSTOMER,
        "VAT number or another tax number.",
        "GB123456789",
        (
            "vat, vat number, vat no, vat id, vat reg no, tax number, tax no, tin, gst, gst number, gstin, ein, "
            "ust id, ustid, ust idnr, umsatzsteuer id, steuernummer, n° tva, tva, numéro tva, nif, cif, rfc, "
            "partita iva, p iva, btw nummer, nip"
        ),
    ),
    TargetField(
        "street",
        "Street",
        ADDRESS,
        "Street and number. Several columns may feed it.",
        "12 Quay Street",
        (
            "address, address 1, address 2, address line 1, address line 2, street address, street 1, street 2, street "
            "name, house number, strasse, straße, adresse, anschrift, hausnummer, rue, calle, dirección, via, "
            "indirizzo, straat"
        ),
        joins=True,
    ),
    TargetField(
        "city",
        "City",
        ADDRESS,
        "Town or city.",
        "Bristol",
        "town, place, locality, town city, ort, stadt, ville, ciudad, población, città, plaats",
    ),
    TargetField(
        "region",
        "Region",
        ADDRESS,
        "State, county or province.",
        "Avon",
        (
            "state, county, province, state province, state region, district, department, bundesland, kanton, région, "
            "département, provincia, estado, regione"
        ),
    ),
    TargetField(
        "postal_code",
        "Postal code",
        ADDRESS,
        "ZIP or postcode; text, zeros are kept.",
        "BS1 4XE",
        (
            "zip, zip code, zipcode, postcode, post code, postal, plz, postleitzahl, code postal, cp, código postal, "
            "cap, codice postale, pin code, pincode, eircode"
        ),
    ),
    TargetField(
        "country",
        "Country",
        ADDRESS,
        "Code (GB, GBR) or name in English, German, French, Spanish, Italian, Dutch, Polish or Portuguese.",
        "GB",
        "country code, country name, nation, land, pays, país, paese, kraj",
    ),
    TargetField(
        "tags",
        "Tags",
        CUSTOMER,
        "Words to group customers by, with ; or , between.",
        "wholesale;gold",
        "tag, labels, label, categories, category, groups, group, segment, keywords, schlagworte",
    ),
    TargetField(
        "source",
        "Source",
        CUSTOMER,
        "Where the customer came from.",
        "Trade fair",
        "lead source, origin, channel, came from, quelle, herkunft, origine, origen",
    ),
    TargetField(
        "notes",
        "Notes",
        CUSTOMER,
        "Free text, also of several lines.",
        "Deliveries at the back door.",
        (
            "note, comment, comments, remark, remarks, description, memo, notiz, notizen, bemerkung, bemerkungen, "
            "remarque, remarques, notas, comentarios, observaciones"
        ),
    ),
    TargetField(
        "contact_first_name",
        "First name",
        CONTACT,
        "Of the person who is contacted first.",
        "Maria",
        (
            "first name, firstname, given name, forename, fname, contact firstname, contact 1 first name, vorname, "
            "prénom, primer nombre, nome, voornaam, imię"
        ),
        beside="name first",
        beside_columns=PERSON_COLUMNS,
    ),
    TargetField(
        "contact_last_name",
        "Last name",
        CONTACT,
        "Needed for a new contact, unless the first name is given.",
        "Delgado",
        (
            "last name, lastname, surname, family name, lname, contact lastname, contact, contact name, contact 1, "
            "contact 1 last name, contact 1 name, contact person, contact person 1, nachname, familienname, "
            "ansprechpartner, nom de famille, apellido, apellidos, cognome, achternaam, nazwisko"
        ),
        clears=False,
    ),
    TargetField(
        "contact_job_title",
        "Job title",
        CONTACT,
        "What the person does there.",
        "Head of Purchasing",
        (
            "title, position, function, role in company, contact title, contact position, occupation, "
            "berufsbezeichnung, funktion, fonction, cargo, puesto"
        ),
    ),
    TargetField(
        "contact_email",
        "Contact's e-mail",
        CONTACT,
        "The person's own address; it tells this contact from the others of the customer.",
        "maria.delgado@harbourprint.example",
        (
            "contact e mail, contact mail, contact email address, contact 1 email, contact email 1, personal email, "
            "email of contact"
        ),
        beside=(
            "email, e mail, mail, email address, e mail address, email 1, courriel, correo, e mail adresse, correo "
            "electrónico"
        ),
        beside_columns=PERSON_COLUMNS,
    ),
    TargetField(
        "contact_phone",
        "Contact's phone",
        CONTACT,
        "The person's number.",
        "+44 7700 900123",
        (
            "contact tel, contact telephone, contact phone number, direct phone, direct line, contact phone 1, "
            "contact 1 phone"
        ),
        beside=(
            "phone, phone 1, phone1, telephone, tel, phone number, telephone number, tel 1, telefon, téléphone, "
            "teléfono, telefono"
        ),
        beside_columns=PERSON_COLUMNS,
    ),
    TargetField(
        "contact_phone2",
        "Contact's second phone",
        CONTACT,
        "Another number of the person.",
        "+44 7700 900124",
        "contact mobile, contact cell, contact mobile phone, contact phone 2, contact 1 mobile",
        beside=(
            "phone 2, phone2, tel 2, telephone 2, mobile, mobile phone, mobile number, cell, cell phone, mobil, handy, "
            "portable, móvil, celular, cellulare"
        ),
        beside_columns=PERSON_COLUMNS,
    ),
    *SECOND_CONTACT_FIELDS,
)

ALL_FIELDS = (*TARGET_FIELDS, *ASSOCIATE_TARGET_FIELDS)  # the first are what an export has, too
LABELS = {field.name: field.label for field in ALL_FIELDS}

INSTRUCTIONS = """
One row is one customer, with its primary contact and a second one if you like. The first line names the columns, in \
any order.
Rows find their customer by code, or by e-mail: the row's first address is looked for among customers and their \
primary contacts. One that fits several customers is refused, never guessed.
A new customer needs a name. A row without one, but with a contact's name, is a person and gets that name, unless the \
row says that it is a company.
New customers without a code get one where rows are found by e-mail, or where rows are only added.
What found the customer, its code and its own e-mail, never changes.
The contact is found by its e-mail, else by name and phone, else by its name; if there is none yet, it is added, as \
the primary one if the customer has none. So is the second contact, among the others.
A blank cell leaves what is there or clears it, as you choose. Code, name, kind, roles and a contact's last name are \
never cleared. A contact without any cell in the row is left alone.
Columns that fit no field can be kept as attributes of the customer.
"""

SAMPLE = (
    {field.name: field.example for field in TARGET_FIELDS},
    {
        "code": "C00124",
        "name": "Jonas Weber",
        "kind": "person",
        "roles": "customer",
        "email": "jonas.weber@mail.example",
        "phone": "030 901820",
        "street": "Torstraße 7",
        "city": "Berlin",
        "postal_code": "10119",
        "country": "Germany",
        "tags": "newsletter",
    },
)


def customers_target() -> dict[str, Any]:
    """Return the answer of `GET /internal/import-targets/customers`."""
    return {
        "kind": KIND,
        "label": "Customers",
        "noun": "customer",
        "instructions": INSTRUCTIONS.strip().splitlines(),
        "keys": [
            {"name": "code", "field": "code", "rule": "code", "label": "Code", "numbered": True},
            {"name": "email", "field": "email", "rule": "email", "label": "E-mail", "also": ["contact_email"]},
        ],
        "fields": [field.to_json() for field in ALL_FIELDS],
        "sample": [dict(row) for row in SAMPLE],
        "shown": {"at": "/customers", "label": "customers", "needs": "customers.view"},
    }
