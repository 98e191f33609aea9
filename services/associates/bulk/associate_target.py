"""What an import of associates is, told to the imports service: fields, their names in other programs, a sample."""

from typing import Any

from services.associates.bulk.words import KINDS, YES_NO
from shared.import_target import TargetField

KIND = "associates"
KEYS = ("code", "email")
ASSOCIATE = "Associate"
ADDRESS = "Address"

TARGET_FIELDS = (
    TargetField(
        "code",
        "Code",
        ASSOCIATE,
        "Your number or short name for the associate. Text; leading zeros are kept.",
        "D-07",
        (
            "associate code, associate id, associate no, associate number, associate, dealer code, dealer id, "
            "dealer no, partner code, partner id, partner no, agent code, agent id, rep code, employee id, "
            "employee no, employee number, personnel number, staff no, id, number, no, reference, ref, personalnummer, "
            "partnernummer, händlernummer, code partenaire, matricule, código, codice, external id"
        ),
        clears=False,
    ),
    TargetField(
        "name",
        "Name",
        ASSOCIATE,
        "The person or the firm. First and last name may be two columns. Needed for every new associate.",
        "Dana Dealer",
        (
            "associate name, dealer, dealer name, partner, partner name, agent, agent name, rep, sales rep, "
            "representative, colleague, employee, employee name, full name, company, company name, firm, "
            "mitarbeiter, händler, partnername, nom, nom complet, nombre, nome, naam"
        ),
        joins=True,
        clears=False,
    ),
    TargetField(
        "kind",
        "Kind",
        ASSOCIATE,
        "employee, dealer, partner or other. Blank: employee.",
        "dealer",
        "type, associate type, associate kind, category, art, typ, tipo",
        choices={"employee": "Colleague", "dealer": "Dealer", "partner": "Partner", "other": "Other"},
        words=KINDS,
        clears=False,
    ),
    TargetField(
        "is_firm",
        "Firm",
        ASSOCIATE,
        "yes for a firm, no for a person. Blank: no.",
        "no",
        "is firm, is company, company or person, is organisation, is organization",
        choices={"yes": "Firm", "no": "Person"},
        words=YES_NO,
        clears=False,
    ),
    TargetField(
        "email",
        "E-mail",
        ASSOCIATE,
        "The associate's own address.",
        "dana@dealer.example",
        (
            "e mail, mail, email address, e mail address, mail address, associate email, work email, courriel, "
            "adresse mail, correo, correo electrónico, e mail adresse, emailadres, posta elettronica"
        ),
    ),
    TargetField(
        "phone",
        "Phone",
        ASSOCIATE,
        "As you write it; national numbers are read by the rules of the country.",
        "+33 4 72 00 00 00",
        "telephone, tel, phone number, telephone number, phone 1, work phone, telefon, téléphone, teléfono, telefono",
    ),
    TargetField(
        "phone2",
        "Second phone",
        ASSOCIATE,
        "Another number of the associate.",
        "+33 6 12 34 56 78",
        "phone 2, tel 2, mobile, mobile phone, mobile number, cell, cell phone, mobil, handy, portable, móvil",
    ),
    TargetField(
        "street",
        "Street",
        ADDRESS,
        "Street and number. Several columns may feed it.",
        "4 quai Perrache",
        (
            "address, address 1, address 2, address line 1, address line 2, street address, house number, strasse, "
            "straße, adresse, anschrift, hausnummer, rue, calle, dirección, via, indirizzo, straat"
        ),
        joins=True,
    ),
    TargetField("city", "City", ADDRESS, "Town or city.", "Lyon", "town, place, ort, stadt, ville, ciudad, città"),
    TargetField(
        "region",
        "Region",
        ADDRESS,
        "State, county or province.",
        "Rhône",
        "state, county, province, state province, bundesland, kanton, région, département, provincia, regione",
    ),
    TargetField(
        "postal_code",
        "Postal code",
        ADDRESS,
        "ZIP or postcode; text, zeros are kept.",
        "69002",
        "zip, zip code, postcode, post code, plz, postleitzahl, code postal, código postal, cap, pin code",
    ),
    TargetField(
        "country",
        "Country",
        ADDRESS,
        "Code (FR, FRA) or name.",
        "FR",
        "country code, country name, land, pays, país, paese, kraj",
    ),
    TargetField(
        "tags",
        "Tags",
        ASSOCIATE,
        "Words to group associates by, with ; or , between.",
        "north;gold",
        "tag, labels, label, categories, groups, group, team, territory, schlagworte",
    ),
    TargetField(
        "notes",
        "Notes",
        ASSOCIATE,
        "Free text, also of several lines.",
        "Speaks Italian.",
        "note, comment, comments, remark, remarks, description, memo, notiz, bemerkung, remarque, notas",
    ),
)

LABELS = {field.name: field.label for field in TARGET_FIELDS}

INSTRUCTIONS = """
One row is one associate: a dealer, a partner or a colleague. The first line names the columns, in any order.
Rows find their associate by code, or by e-mail. An address that several associates have is refused, never guessed.
A new associate needs a name. One without a code gets one where rows are found by e-mail, or where rows are only added.
New associates are active and cannot sign in. Who may sign in is said on the associate's own screen, never by a file.
What found the associate, its code or its e-mail, never changes. An import does not make anybody active or inactive.
A blank cell leaves what is there or clears it, as you choose. Code, name, kind and firm are never cleared.
To say who looks after which customer, import assignments.
"""

SAMPLE = (
    {field.name: field.example for field in TARGET_FIELDS},
    {
        "code": "E-112",
        "name": "Jonas Weber",
        "kind": "employee",
        "email": "jonas.weber@firm.example",
        "phone": "030 901820",
        "city": "Berlin",
        "country": "Germany",
    },
)


def associates_target() -> dict[str, Any]:
    """Return the answer of `GET /internal/import-targets/associates`."""
    return {
        "kind": KIND,
        "label": "Associates",
        "noun": "associate",
        "instructions": INSTRUCTIONS.strip().splitlines(),
        "keys": [
            {"name": "code", "field": "code", "rule": "code", "label": "Code", "numbered": True},
            {"name": "email", "field": "email", "rule": "email", "label": "E-mail"},
        ],
        "fields": [field.to_json() for field in TARGET_FIELDS],
        "sample": [dict(row) for row in SAMPLE],
        "keeps_others": False,
        "shown": {"at": "/associates", "label": "associates", "needs": "associates.view"},
    }
