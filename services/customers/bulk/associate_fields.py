"""Who looks after the customer of a row: columns that an import of customers may have (A10)."""

from shared.import_target import TargetField

ASSOCIATES = "Associates"
SEVERAL = "Several with ; between."

ASSOCIATE_TARGET_FIELDS = (
    TargetField(
        "associate_code",
        "Associate's code",
        ASSOCIATES,
        f"Who looks after the customer: a dealer, a partner, a colleague. {SEVERAL} A blank cell changes nothing.",
        "D-07;E-112",
        (
            "associate code, associate id, associate no, associate number, dealer code, dealer id, dealer no, "
            "partner code, partner id, rep code, sales rep code, account manager code, account manager id, "
            "händlernummer, betreuernummer"
        ),
        clears=False,
    ),
    TargetField(
        "associate_name",
        "Associate's name",
        ASSOCIATES,
        f"Instead of code and e-mail; or for associates that are to be created. {SEVERAL}",
        "Dana Dealer;Jonas Weber",
        (
            "associate, associates, associate name, dealer name, partner name, account manager, account manager name, "
            "sales rep name, betreuer, kundenbetreuer, händlername"
        ),
        clears=False,
    ),
    TargetField(
        "associate_email",
        "Associate's e-mail",
        ASSOCIATES,
        f"Instead of the code. An address that several associates have is refused. {SEVERAL}",
        "dana@dealer.example;jonas.weber@firm.example",
        (
            "associate email, associate mail, associate email address, dealer email, partner email, sales rep email, "
            "account manager email, account manager mail, betreuer email"
        ),
        clears=False,
    ),
    TargetField(
        "associate_role",
        "Associate's role",
        ASSOCIATES,
        "manages, lead source, sales, collections or service. One for all of the row, or one for each. Blank: manages.",
        "sales;manages",
        "associate role, associate roles, assignment role, dealer role, account manager role",
        clears=False,
    ),
)
