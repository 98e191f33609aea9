"""Customers as a public generator writes them: columns that are not ours, phones in every style, country names."""

import csv
import io

from faker import Faker

HEADER = [
    "Index", "Customer Id", "First Name", "Last Name", "Company", "City", "Country", "Phone 1", "Phone 2", "Email",
    "Subscription Date", "Website",
]  # fmt: skip


def rows(count: int = 1000, seed: int = 11) -> list[list[str]]:
    """Return `count` rows without the header; the same for the same seed."""
    fake = Faker("en_US")
    fake.seed_instance(seed)
    return [
        [
            str(number),
            f"{number:05d}{fake.pystr(5, 5)}",
            fake.first_name(),
            fake.last_name(),
            fake.company(),
            fake.city(),
            fake.country(),
            fake.phone_number(),
            fake.phone_number(),
            fake.email(),
            fake.date(),
            fake.url(),
        ]
        for number in range(1, count + 1)
    ]


def as_csv(records: list[list[str]], header: list[str] | None = None) -> bytes:
    """Return the file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header or HEADER)
    writer.writerows(records)
    return text.getvalue().encode()
