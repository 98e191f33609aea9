"""The second contact that a row of customers may have beside the primary one."""

from shared.import_target import TargetField

SECOND = "Second contact"

SECOND_CONTACT_FIELDS = (
    TargetField(
        "second_contact_first_name",
        "Second contact's first name",
        SECOND,
        "Of another person at the customer.",
        "Tom",
        (
            "second first name, second contact firstname, second contact given name, contact 2 first name, contact 2 "
            "firstname, contact 2 given name, 2nd contact first name, first name 2, vorname 2, vorname zweiter kontakt"
        ),
    ),
    TargetField(
        "second_contact_last_name",
        "Second contact's last name",
        SECOND,
        "Needed for a new contact, unless the first name is given.",
        "Okafor",
        (
            "second last name, second contact lastname, second contact surname, second contact, second contact name, "
            "contact 2 last name, contact 2 lastname, contact 2 surname, contact 2, contact 2 name, contact name 2, "
            "contact person 2, 2nd contact, 2nd contact name, 2nd contact last name, last name 2, ansprechpartner 2, "
            "nachname 2"
        ),
        clears=False,
    ),
    TargetField(
        "second_contact_job_title",
        "Second contact's job title",
        SECOND,
        "What that person does there.",
        "Warehouse",
        (
            "second contact title, second contact position, contact 2 title, contact 2 job title, contact 2 position, "
            "2nd contact title, job title 2, funktion 2"
        ),
    ),
    TargetField(
        "second_contact_email",
        "Second contact's e-mail",
        SECOND,
        "That person's own address; it tells this contact from the others of the customer.",
        "tom.okafor@harbourprint.example",
        (
            "second contact e mail, second contact mail, second contact email address, contact 2 email, contact 2 e "
            "mail, contact 2 mail, contact 2 email address, contact email 2, 2nd contact email"
        ),
    ),
    TargetField(
        "second_contact_phone",
        "Second contact's phone",
        SECOND,
        "That person's number.",
        "+44 7700 900125",
        (
            "second contact telephone, second contact tel, contact 2 phone, contact 2 telephone, contact 2 tel, "
            "contact 2 phone 1, 2nd contact phone, contact 2 phone number, second contact phone number"
        ),
    ),
    TargetField(
        "second_contact_phone2",
        "Second contact's second phone",
        SECOND,
        "Another number of that person.",
        "+44 7700 900126",
        (
            "second contact phone 2, second contact mobile, second contact cell, contact 2 mobile, contact 2 cell, "
            "contact 2 phone 2, contact 2 mobile phone, 2nd contact mobile"
        ),
    ),
)
