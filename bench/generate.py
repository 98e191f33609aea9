"""Write a customers CSV as a firm might export it: `python -m bench.generate N OUT.csv [--clean]`.

The same N gives the same bytes. About one row in a hundred is wrong in one of the ways of `SPOILERS`,
unless `--clean`. Names, streets and cities are Faker's of several countries; phone numbers are valid ones
of the row's country, one in ten in national form.
"""

import csv
import random
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import phonenumbers
from faker import Faker

HEADER = (
    "code",
    "name",
    "kind",
    "email",
    "phone",
    "street",
    "city",
    "region",
    "postal_code",
    "country",
    "website",
    "tags",
    "contact_first_name",
    "contact_last_name",
    "contact_email",
    "contact_phone",
    "notes",
)
SEED = 42

# locale, country, share of rows
LOCALES = (
    ("en_US", "US", 34),
    ("en_GB", "GB", 14),
    ("de_DE", "DE", 14),
    ("fr_FR", "FR", 12),
    ("es_ES", "ES", 8),
    ("it_IT", "IT", 7),
    ("pl_PL", "PL", 6),
    ("pt_BR", "BR", 5),
)
TAGS = ("vip", "newsletter", "wholesale", "retail", "prospect", "partner", "late-payer", "gold", "silver", "export")
MAILBOXES = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "example.com", "example.org", "mail.example")
TRADES = ("Logistics", "Print", "Systems", "Foods", "Medical", "Optics", "Travel", "Media", "Energy", "Tools")
COMPANY_SHARE = 0.65
WRONG_SHARE = 0.01


def ascii_word(text: str) -> str:
    """Only the ASCII letters and digits of a text, lower case, as in an address on the internet."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "".join(character for character in plain if character.isalnum()) or "x"


@dataclass
class Place:
    """What one country lends to its rows."""

    country: str
    first_names: list[str] = field(default_factory=list)
    last_names: list[str] = field(default_factory=list)
    company_endings: list[str] = field(default_factory=list)
    streets: list[str] = field(default_factory=list)
    cities: list[tuple[str, str, str]] = field(default_factory=list)
    phones: list[tuple[str, str]] = field(default_factory=list)


def make_place(locale: str, country: str, chance: random.Random) -> Place:
    """Pools of words for one country, common ones more often as Faker weighs them."""
    faker = Faker(locale)
    faker.seed_instance(SEED)
    region: Callable[[], str] = getattr(faker, "administrative_unit", faker.city)
    return Place(
        country,
        first_names=[faker.first_name() for _ in range(3000)],
        last_names=[faker.last_name() for _ in range(6000)],
        company_endings=[faker.company_suffix() for _ in range(50)],
        streets=[faker.street_name() for _ in range(3000)],
        cities=[(faker.city(), region(), faker.postcode()) for _ in range(1500)],
        phones=[phone_forms(country, chance) for _ in range(120)],
    )


def phone_forms(country: str, chance: random.Random) -> tuple[str, str]:
    """One valid number's international and national form, its last five digits left as `{}`."""
    kinds = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    example = phonenumbers.example_number_for_type(country, chance.choice(kinds))
    digits = phonenumbers.national_significant_number(example)
    while True:
        changed = digits[0] + "".join(chance.choice("0123456789") for _ in digits[1:-5]) + "00000"
        number = phonenumbers.PhoneNumber(
            country_code=example.country_code,
            national_number=int(changed),
            italian_leading_zero=changed[0] == "0" or None,
        )
        if phonenumbers.is_valid_number(number):
            forms = (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL)
            international, national = (open_end(phonenumbers.format_number(number, form)) for form in forms)
            return international, national


def open_end(formatted: str) -> str:
    """A formatted number with its last five digits replaced by `{}`."""
    open_places, result = 5, []
    for character in reversed(formatted):
        is_open = open_places and character.isdigit()
        open_places -= bool(is_open)
        result.append("{}" if is_open else character)
    return "".join(reversed(result))


def rows(count: int, *, clean: bool = False, first: int = 1) -> Iterator[list[str]]:
    """`count` rows in the order of `HEADER`, whose codes begin with number `first`."""
    chance = random.Random(SEED)
    places = [make_place(locale, country, chance) for locale, country, _ in LOCALES]
    words = Faker("en_US")
    words.seed_instance(SEED)
    vocabulary = [words.word() for _ in range(3000)]
    shares = [share for _, _, share in LOCALES]
    for number, place in enumerate(chance.choices(places, shares, k=count), start=first):
        row = make_row(number, place, vocabulary, chance)
        if not clean and chance.random() < WRONG_SHARE:
            chance.choice(SPOILERS)(row, number, chance)
        yield row


def make_row(number: int, place: Place, vocabulary: list[str], chance: random.Random) -> list[str]:
    """A right row: a company with its contact, or a person who is their own contact."""
    pick = chance.choice
    first, last = pick(place.first_names), pick(place.last_names)
    city, region, postal_code = pick(place.cities)
    if chance.random() < COMPANY_SHARE:
        kind, name = "company", company_name(place, vocabulary, chance)
        domain = f"{ascii_word(name)[:20]}.{pick(('com', 'net', 'org', 'biz', 'example'))}"
        email = "" if chance.random() < 0.15 else f"{pick(('info', 'office', 'contact', 'sales'))}@{domain}"
        website = f"https://www.{domain}/" if chance.random() < 0.7 else ""
    else:
        kind, name, domain, email, website = "person", f"{first} {last}", pick(MAILBOXES), "", ""
    contact_email = f"{ascii_word(first)}.{ascii_word(last)}{number % 997}@{domain}"
    return [
        f"C{number:07d}",
        name,
        kind,
        email or ("" if chance.random() < 0.05 else contact_email),
        "" if chance.random() < 0.08 else make_phone(place, chance),
        f"{pick(place.streets)} {int(chance.random() * 200) + 1}",
        city,
        region,
        postal_code,
        place.country,
        website,
        ";".join(sorted({pick(TAGS) for _ in range(int(chance.random() * 4))})),
        first,
        last,
        contact_email if chance.random() < 0.9 else "",
        make_phone(place, chance) if chance.random() < 0.8 else "",
        make_notes(number, vocabulary, chance),
    ]


def company_name(place: Place, vocabulary: list[str], chance: random.Random) -> str:
    """A company named as companies are: after people, a trade, or a word."""
    pick, form = chance.choice, chance.random()
    if form < 0.35:
        return f"{pick(place.last_names)} {pick(place.company_endings)}"
    if form < 0.55:
        return f"{pick(place.last_names)}-{pick(place.last_names)}"
    if form < 0.75:
        return f"{pick(place.last_names)}, {pick(place.last_names)} and {pick(place.last_names)}"
    return f"{pick(vocabulary).title()} {pick(vocabulary).title()} {pick(TRADES)} {pick(place.company_endings)}"


def make_phone(place: Place, chance: random.Random) -> str:
    """A number of the place; one in ten in national form."""
    form = chance.choice(place.phones)[chance.random() < 0.1]
    return form.format(*f"{int(chance.random() * 100_000):05d}")


def make_notes(number: int, vocabulary: list[str], chance: random.Random) -> str:
    """Mostly nothing, sometimes words, quotes, line ends and letters of other scripts."""
    form = chance.random()
    if form < 0.55:
        return ""
    if form < 0.90:
        return " ".join(chance.choices(vocabulary, k=5))
    if form < 0.95:
        return f'Called on Monday,\nasked for a "quote"\n{chance.choice(vocabulary)}'
    return f"Préfère le français – naïve café № {number} 日本語 ✓"


def spoil_name(row: list[str], number: int, chance: random.Random) -> None:
    """No name."""
    row[1] = ""


def spoil_email(row: list[str], number: int, chance: random.Random) -> None:
    """An address that is none."""
    row[3] = chance.choice(("not-an-email", "a@b@c.d", "foo@", "@bar.example", "sp ace@x.example"))


def spoil_length(row: list[str], number: int, chance: random.Random) -> None:
    """A name that no field holds."""
    row[1] += " x" * 300


def spoil_code(row: list[str], number: int, chance: random.Random) -> None:
    """A code of an earlier row."""
    row[0] = f"C{max(1, number - 1 - int(chance.random() * 5000)):07d}"


def spoil_kind(row: list[str], number: int, chance: random.Random) -> None:
    """A kind that there is not."""
    row[2] = chance.choice(("persn", "corp", "?"))


def spoil_country(row: list[str], number: int, chance: random.Random) -> None:
    """A country that there is not."""
    row[9] = chance.choice(("XX", "ZZ", "Q"))


SPOILERS = (spoil_name, spoil_email, spoil_length, spoil_code, spoil_kind, spoil_country)


def write(count: int, path: Path, *, clean: bool = False, first: int = 1) -> None:
    """Write the file, UTF-8, commas, quotes only where needed."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows(count, clean=clean, first=first))


def main(arguments: list[str]) -> int:
    """Run from the command line; answer the exit code."""
    options = [argument for argument in arguments if argument.startswith("--")]
    values = [argument for argument in arguments if not argument.startswith("--")]
    if len(values) != 2 or not values[0].isdecimal() or set(options) - {"--clean"}:
        sys.stderr.write("usage: python -m bench.generate N OUT.csv [--clean]\n")
        return 2
    write(int(values[0]), Path(values[1]), clean="--clean" in options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
