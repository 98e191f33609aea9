"""`python -m services.customers.demo`: add some two hundred customers with contacts, to have something to look at.

Always the same ones, made by the domain's own functions, so that they have a history. Refuses to do it twice.
"""

import itertools
import random
import sys
import uuid
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from services.customers.app import create_app
from services.customers.domain.accounts import create_account, edit_account, find_account_by_code
from services.customers.domain.contacts import add_contact
from services.customers.domain.status import set_account_status, set_contact_status
from services.customers.models import Account
from shared.db import unit_of_work
from shared.history import Actor

COUNT = 200
SOURCE = "Demo"


class City(NamedTuple):
    """A place with a way to write phones there that belongs to nobody (ranges kept for films and examples)."""

    name: str
    country: str
    postal_code: str
    street: str
    phone: str


CITIES = (
    City("Lyon", "FR", "69001", "rue des Tanneurs", "+33 1 99 00 {:02} {:02}"),
    City("Nantes", "FR", "44000", "quai de la Fosse", "+33 3 53 01 {:02} {:02}"),
    City("Berlin", "DE", "10115", "Gartenstraße", "+49 30 23125 {:02}{:02}"),
    City("Köln", "DE", "50667", "Am Hof", "+49 221 4710 {:02}{:02}"),
    City("Rotterdam", "NL", "3011 AA", "Wijnhaven", "+31 10 555 {:02} {:02}"),
    City("Gent", "BE", "9000", "Korenlei", "+32 9 255 {:02} {:02}"),
    City("Uppsala", "SE", "753 20", "Kungsgatan", "+46 31 390 06 {:02}{:02}"),
    City("Łódź", "PL", "90-001", "ulica Piotrkowska", "+48 42 555 {:02} {:02}"),
    City("Bergamo", "IT", "24121", "via Tasso", "+39 035 555 {:02}{:02}"),
    City("Sevilla", "ES", "41001", "calle Sierpes", "+34 955 55 {:02} {:02}"),
    City("London", "GB", "EC1V 9LB", "Rosebery Avenue", "+44 20 7946 {:02}{:02}"),
    City("Portland", "US", "97201", "SW Salmon Street", "+1 503 555 01{:02} x{:02}"),
    City("Beirut", "LB", "2038", "شارع الحمرا", "+961 1 555 {:02}{:02}"),
    City("大阪市", "JP", "530-0001", "梅田", "+81 6 5550 {:02}{:02}"),
)
FIRST_WORDS = (
    "Cobalt", "Harbor", "Meridian", "Juniper", "Atlas", "Beacon", "Fathom", "Lumen", "Summit", "Orchard", "Quartz",
    "Tidewater", "Vesper", "Willow", "Zephyr", "Nordlicht", "Étoile", "Sørensen", "O'Neill", "Al Noor",
)  # fmt: skip
SECOND_WORDS = (
    "Labs", "Logistics", "Energy", "Foods", "Partners", "Textiles", "Marine", "Health", "Studio", "Printing",
    "Robotics", "Bikes", "Opticians", "Timber", "Coffee",
)  # fmt: skip
FIRST_NAMES = (
    "Aisha", "Amelia", "Chloé", "Emil", "Felix", "Hannah", "Ibrahim", "Ines", "Jürgen", "Leila", "Liam", "Mei",
    "Noah", "Nora", "Omar", "Paweł", "Sofia", "Yuki", "Zara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Almeida", "Becker", "Castellanos", "Dubois", "Eriksson", "Fischer", "García", "Ivanova", "Kowalski", "Moreau",
    "Nguyen", "Okafor", "Petrov", "Quinn", "Rossi", "Tanaka", "Usman", "van der Berg", "Varga", "Zhang",
)  # fmt: skip
TITLES = ("Owner", "Head of purchasing", "Office manager", "Accounts payable", "Workshop", None)
TAGS = ("key account", "wholesale", "newsletter", "service contract", "trade fair")
NOTES = (
    "Prefers deliveries before ten.",
    "Asks for the invoice by e-mail and on paper.\nThe second door on the left is the workshop.",
    "Pays early; thank them now and then.",
)
PEOPLE = tuple(Actor(uuid.uuid5(uuid.NAMESPACE_URL, name), name) for name in ("Ines Moreau", "Omar Usman", "Mei Zhang"))


def add_demo(session: Session, count: int = COUNT) -> int:
    """Add the customers; return how many, 0 if they are there already."""
    if find_account_by_code(session, _code(1)):
        return 0
    chance = random.Random(20)  # noqa: S311 - the same customers every time
    names = [f"{first} {second}" for first, second in itertools.product(FIRST_WORDS, SECOND_WORDS)]
    chance.shuffle(names)
    for number, name in enumerate(names[:count], start=1):
        _add_one(session, chance, number, name)
    return count


def _add_one(session: Session, chance: random.Random, number: int, name: str) -> None:
    actor = chance.choice(PEOPLE)
    is_person = number % 7 == 0
    city = chance.choice(CITIES)
    if is_person:
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
    domain = f"{_plain(name)}-{number}.example"
    account = create_account(session, actor, _account(chance, number, name, domain, city, is_person=is_person))
    used: set[str] = set()
    for place in range(0 if is_person else chance.randint(1, 4)):
        first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
        if f"{first} {last}" in used:
            continue
        used.add(f"{first} {last}")
        contact = add_contact(session, actor, account.id, _contact(chance, first, last, domain, city))
        if place == 3:
            set_contact_status(session, actor, account.id, contact.id, "inactive", "Left the company")
    _go_on(session, chance, account)


def _account(
    chance: random.Random, number: int, name: str, domain: str, city: City, *, is_person: bool
) -> dict[str, Any]:
    is_vendor = chance.random() < 0.15
    return {
        "code": _code(number),
        "name": name,
        "kind": "person" if is_person else "company",
        "is_customer": not is_vendor or chance.random() < 0.4,
        "is_vendor": is_vendor,
        "email": f"office@{domain}",
        "phone": _phone(chance, city),
        "website": None if is_person else f"https://www.{domain}",
        "street": f"{city.street} {chance.randint(1, 90)}",
        "city": city.name,
        "postal_code": city.postal_code,
        "country": city.country,
        "tags": chance.sample(TAGS, chance.choice((0, 0, 1, 2))),
        "source": SOURCE,
        "attributes": {"Price list": chance.choice("ABC")} if chance.random() < 0.3 else {},
        "notes": chance.choice(NOTES) if chance.random() < 0.2 else None,
    }


def _contact(chance: random.Random, first: str, last: str, domain: str, city: City) -> dict[str, Any]:
    return {
        "first_name": first,
        "last_name": last,
        "job_title": chance.choice(TITLES),
        "email": f"{_plain(first)}.{_plain(last)}@{domain}" if chance.random() < 0.8 else None,
        "phone": _phone(chance, city),
    }


def _go_on(session: Session, chance: random.Random, account: Account) -> None:
    """Let some of them have a past."""
    if chance.random() < 0.25:
        city = chance.choice(CITIES)
        moved = {"city": city.name, "country": city.country, "postal_code": city.postal_code}
        edit_account(session, chance.choice(PEOPLE), account.id, moved, None)
    if chance.random() < 0.08:
        set_account_status(session, chance.choice(PEOPLE), account.id, "inactive", "Closed down")


def _phone(chance: random.Random, city: City) -> str:
    return city.phone.format(chance.randint(0, 99), chance.randint(0, 99))


def _plain(name: str) -> str:
    letters = name.lower().translate(str.maketrans("éøłüèßó", "eolueso", "'’"))
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in letters).strip("-")


def _code(number: int) -> str:
    return f"D{number:04}"


def main() -> None:
    """Add them to the database of the environment."""
    with create_app().app_context(), unit_of_work() as session:
        added = add_demo(session)
    if not added:
        sys.exit("The demo customers are there already; nothing was added.")
    sys.stdout.write(f"{added} demo customers were added, with their contacts.\n")


if __name__ == "__main__":
    main()
