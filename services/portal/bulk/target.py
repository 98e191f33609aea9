"""What an import of users is, told to the imports service: fields, their names in other programs, a sample."""

from typing import Any

from shared.import_target import TargetField

KIND = "users"
KEYS = {KIND: ("username", "email")}
MOST_ROWS = 500  # of a chunk: each row is a user saved as the screen does it, a few milliseconds
NONE = "none"

USER = "User"
RIGHTS = "What they may do"

KINDS = {"employee": "Employee", "customer": "Customer", "vendor": "Vendor", "associate": "Associate"}
KIND_WORDS = {
    **{kind: kind for kind in KINDS},
    **dict.fromkeys(("staff", "colleague", "internal", "mitarbeiter", "employé", "empleado"), "employee"),
    **dict.fromkeys(("client", "buyer", "kunde", "cliente"), "customer"),
    **dict.fromkeys(("supplier", "lieferant", "fournisseur", "proveedor"), "vendor"),
    **dict.fromkeys(("partner", "dealer", "reseller"), "associate"),
}
YES_NO = {"yes": "Yes", "no": "No"}
YES_NO_WORDS = {
    **dict.fromkeys(("yes", "y", "true", "1", "on", "active", "enabled", "ja", "oui", "sí", "si"), "yes"),
    **dict.fromkeys(("no", "n", "false", "0", "off", "inactive", "disabled", "nein", "non"), "no"),
}

TARGET_FIELDS = (
    TargetField(
        "username",
        "Username",
        USER,
        "The name to sign in with, without spaces. Blank: a new user signs in with the e-mail address.",
        "maria.delgado",
        "user name, user, login, login name, account, account name, user id, userid, sign in name, benutzername, "
        "benutzer, anmeldename, identifiant, nom d'utilisateur, usuario, nome utente, gebruikersnaam",
        clears=False,
    ),
    TargetField(
        "name",
        "Name",
        USER,
        "What people call them. Needed for every new user, unless first and last name have columns of their own.",
        "Maria Delgado",
        "full name, display name, person, nom complet, nombre completo, naam",
        clears=False,
    ),
    TargetField(
        "first_name",
        "First name",
        USER,
        "Together with the last name, where there is no name.",
        "",
        "firstname, given name, forename, fname, vorname, prénom, nombre, nome, voornaam",
        clears=False,
    ),
    TargetField(
        "last_name",
        "Last name",
        USER,
        "Together with the first name, where there is no name.",
        "",
        "lastname, surname, family name, lname, nachname, familienname, nom, nom de famille, apellido, apellidos, "
        "cognome, achternaam",
        clears=False,
    ),
    TargetField(
        "email",
        "E-mail",
        USER,
        "Their e-mail address. Nothing is sent to it.",
        "maria.delgado@harbourprint.example",
        "e mail, mail, email address, e mail address, work email, courriel, correo, correo electrónico, e mail adresse",
    ),
    TargetField(
        "kind",
        "Kind",
        USER,
        "employee, customer, vendor or associate. Blank: employee.",
        "employee",
        "type, user type, user kind, kind of user, art, typ, tipo",
        choices=KINDS,
        words=KIND_WORDS,
        clears=False,
    ),
    TargetField(
        "code",
        "Code",
        USER,
        "Your number for this person, if you have one. Two users never share one.",
        "E-1042",
        "employee id, employee no, employee number, staff no, staff number, personnel number, number, no, id, "
        "personalnummer, matricule",
    ),
    TargetField(
        "associate",
        "Associate's code",
        USER,
        "For the kind associate: the code of the associate whose customers this user sees.",
        "",
        "associate, associate code, partner code, dealer code, partner, dealer",
        clears=False,
    ),
    TargetField(
        "roles",
        "Roles",
        RIGHTS,
        "Names of roles, with ; between; they take the place of those that the user has. The word none takes all away.",
        "Staff",
        "role, user role, user roles, permission group, groups, group, profile, rolle, rollen, rôle, rôles, rol",
        clears=False,
    ),
    TargetField(
        "active",
        "Active",
        RIGHTS,
        "yes or no. Blank: yes for a new user.",
        "yes",
        "is active, enabled, status, state, aktiv, actif, activo",
        choices=YES_NO,
        words=YES_NO_WORDS,
        clears=False,
    ),
)
LABELS = {field.name: field.label for field in TARGET_FIELDS}

INSTRUCTIONS = """
One row is one user. The first line names the columns, in any order.
Rows find their user by username, or by e-mail. An address that fits several users is refused, never guessed.
A new user needs a name, and a username or an e-mail address; without a username, the address is the username.
Passwords are never imported, and no invitation is sent. A new user cannot sign in before you set a password for them, \
in Settings › Users.
Roles are named as in Settings › Roles. You can only give what you may do yourself, and an import changes neither your \
own roles, nor your own kind, nor whether you are active.
A blank cell leaves what is there or clears it, as you choose. Only e-mail and code are ever cleared.
A user that an import added is removed by its undo, unless they have signed in or somebody changed them since.
"""

SAMPLE = (
    {field.name: field.example for field in TARGET_FIELDS if field.example},
    {"name": "Jonas Weber", "email": "jonas.weber@mail.example", "kind": "customer"},
)


def users_target() -> dict[str, Any]:
    """Return the answer of `GET /internal/import-targets/users`."""
    return {
        "kind": KIND,
        "label": "Users",
        "noun": "user",
        "instructions": INSTRUCTIONS.strip().splitlines(),
        "keys": [
            {"name": "username", "field": "username", "rule": "code", "label": "Username", "also": ["email"]},
            {"name": "email", "field": "email", "rule": "email", "label": "E-mail"},
        ],
        "fields": [field.to_json() for field in TARGET_FIELDS],
        "sample": [dict(row) for row in SAMPLE],
        "keeps_others": False,
        "chunk_rows": MOST_ROWS,
        "shown": {"at": "/settings/users", "label": "users", "needs": "users.manage"},
    }
