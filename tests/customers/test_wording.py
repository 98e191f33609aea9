"""How fields read, and that no place forgets a field (see docs/add-a-field.md)."""

import pytest

from services.customers.domain.history import SHOWN
from services.customers.domain.records import ACCOUNT_FIELDS, CONTACT_FIELDS
from services.customers.models import Account, Contact
from services.customers.pages.forms import ACCOUNT_TEXTS, CONTACT_TEXTS
from services.customers.pages.wording import FIELD_LABELS
from services.customers.schemas import AccountIn, AccountOut, AccountPatch, ContactIn, ContactOut, ContactPatch
from shared.ui.marking import marked


def test_field_when_it_may_be_changed_is_known_everywhere() -> None:
    account, contact = set(ACCOUNT_FIELDS), set(CONTACT_FIELDS)
    assert account == set(AccountIn().fields) == set(AccountPatch().fields) <= set(AccountOut().fields)
    assert contact == set(ContactIn().fields) == set(ContactPatch().fields) <= set(ContactOut().fields)
    assert account <= set(Account.__table__.columns.keys())
    assert contact <= set(Contact.__table__.columns.keys())
    assert {*ACCOUNT_TEXTS, "is_customer", "is_vendor", "attributes"} == account
    assert {*CONTACT_TEXTS, "is_primary"} == contact
    assert set(SHOWN) <= set(FIELD_LABELS)


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Cobalt Labs", "lab cob", "<mark>Cob</mark>alt <mark>Lab</mark>s"),
        ("Étoile", "eto", "<mark>Éto</mark>ile"),
        ("a<b>", "<b", "a<mark>&lt;b</mark>&gt;"),
        ("Straße", "strasse", "<mark>Straße</mark>"),
        (None, "x", ""),
        ("Nothing", "", "Nothing"),
    ],
)
def test_marks_when_searched_stand_where_the_words_are(text: str | None, query: str, expected: str) -> None:
    assert str(marked(text, query)) == expected
