"""What mails to customers begin with (A7): a subject and a text per occasion, with names filled in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PLACEHOLDERS = {
    "customer": "the customer's name",
    "code": "the customer's code",
    "contact": "whom the mail addresses",
    "writer": "your own name",
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_BLANK = re.compile(r"\[[^\[\]\n]{1,200}\]")


@dataclass(frozen=True)
class Template:
    """A beginning. `fits` are the roles of associates whom such a mail concerns, most first."""

    name: str
    label: str
    subject: str
    text: str
    fits: tuple[str, ...]


TEMPLATES = (
    Template(
        "reminder",
        "Reminder",
        "Reminder: an invoice to {customer} is open",
        """Dear {contact},

an invoice to {customer} (customer number {code}) is past its due date, and we have not seen a payment yet:

[number, amount, due date]

Please let us know when we may expect it. If you have paid in the meantime, thank you, and please disregard this mail.

Kind regards
{writer}""",
        ("collections",),
    ),
    Template(
        "dispute",
        "Dispute",
        "Your objection to an invoice",
        """Dear {contact},

you told us that an invoice to {customer} (customer number {code}) is not right:

[number, and what is disputed]

We are looking into it. [what we need, or when we answer]

Kind regards
{writer}""",
        ("collections", "sales"),
    ),
    Template(
        "payment_promise",
        "Payment promise",
        "Your payment on the date that we agreed",
        """Dear {contact},

thank you for the talk. As agreed, {customer} (customer number {code}) pays as follows:

[number, amount, date]

Please tell us at once if that changes.

Kind regards
{writer}""",
        ("collections",),
    ),
    Template(
        "specific_action",
        "Specific action",
        "What we ask of you",
        """Dear {contact},

we ask {customer} (customer number {code}) for the following:

[what, until when]

Please tell us if anything stands in the way.

Kind regards
{writer}""",
        ("service", "manages"),
    ),
    Template(
        "free_text",
        "Free text",
        "",
        """Dear {contact},



Kind regards
{writer}""",
        ("manages", "sales"),
    ),
)
BY_NAME = {template.name: template for template in TEMPLATES}


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with the placeholders replaced; what they stand for is not looked into again."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def left_blank(text: str) -> list[str]:
    """Return the parts in brackets, which a template leaves to the writer and which are still there."""
    return _BLANK.findall(text)
