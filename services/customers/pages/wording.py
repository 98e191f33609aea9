"""How customers' fields and changes read on the screens."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from services.customers.domain.countries import country_name
from services.customers.domain.history import Entry

FIELD_LABELS = {
    "code": "Code",
    "name": "Name",
    "kind": "Kind",
    "is_customer": "Customer",
    "is_vendor": "Vendor",
    "email": "E-mail",
    "phone": "Phone",
    "phone2": "Second phone",
    "website": "Website",
    "tax_id": "Tax id",
    "street": "Street",
    "city": "City",
    "region": "Region",
    "postal_code": "Postal code",
    "country": "Country",
    "tags": "Tags",
    "source": "Source",
    "attributes": "Further fields",
    "notes": "Notes",
    "first_name": "First name",
    "last_name": "Last name",
    "job_title": "Job title",
    "is_primary": "Primary contact",
    "status": "Status",
    "status_reason": "Reason",
    "reason": "Reason",
}
LONGEST = 300
TOAST_NAME = 60
MARK = Markup("<mark>{}</mark>")


def label(field: str) -> str:
    """Return what a field is called; an attribute is called what the company calls it."""
    group, _, name = field.partition(".")
    return name or FIELD_LABELS.get(group, group)


def shown(field: str, value: Any) -> str:
    """Return a value as a reader wants it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = country_name(value) if field == "country" else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def short(name: str) -> str:
    """Return a name that fits into a toast."""
    return name if len(name) <= TOAST_NAME else f"{name[:TOAST_NAME]}…"


def timeline_entry(entry: Entry) -> Mapping[str, Any]:
    """Return a line of history as `ui.timeline` takes it."""
    deed, icon, tone = _deed(entry)
    what = Markup("contact <bdi>{}</bdi>").format(entry.contact_name) if entry.contact_id else "this customer"
    text = Markup(deed).format(what)  # noqa: S704 - one of the texts below
    if entry.job_id:
        text += Markup(' by <a href="/imports/{}">an import</a>').format(entry.job_id)
    changes = [(label(one.field), shown(one.field, one.old), shown(one.field, one.new)) for one in entry.changes]
    return {"when": entry.at, "who": entry.actor_name, "text": text, "icon": icon, "tone": tone, "changes": changes}


def _deed(entry: Entry) -> tuple[str, str, str]:
    """Return what was done (with {} for whom it befell), icon and tone."""
    if entry.action == "status":
        active = any(one.field == "status" and one.new == "active" for one in entry.changes)
        return ("made {} active again", "circle-check", "success") if active else ("made {} inactive", "ban", "warning")
    deeds = {
        "created": ("added {}", "plus", "success"),
        "deleted": ("removed {}" if entry.contact_id else "deleted {}", "trash", "danger"),
        "restored": ("brought back {}", "restore", "success"),
    }
    return deeds.get(entry.action, ("changed {}", "pencil", "info"))


def marked(text: str | None, query: str) -> Markup:
    """Return `text` with the parts marked that were searched for, accents and case aside."""
    text = text or ""
    words = _words(query)
    plain, places = _plain(text) if words else ("", None)
    if not any(word in plain for word in words):
        return escape(text)
    hits: set[int] = set()
    for word in words:
        for found in re.finditer(re.escape(word), plain):
            span = range(found.start(), found.end())
            hits.update(span if places is None else (places[place] for place in span))
    shown_until, parts = 0, Markup("")
    for start, end in _runs(sorted(hits)):
        parts += escape(text[shown_until:start]) + MARK.format(text[start:end])
        shown_until = end
    return parts + escape(text[shown_until:])


@lru_cache(64)
def _words(query: str) -> list[str]:
    return _plain(query)[0].split()


def _plain(text: str) -> tuple[str, list[int] | None]:
    """Return `text` without accents and case, and for each sign of it the place where it came from (None: the same)."""
    if text.isascii():
        return text.lower(), None
    plain: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        for one in unicodedata.normalize("NFKD", sign).casefold():
            if not unicodedata.combining(one):
                plain.append(one)
                places.append(place)
    return "".join(plain), places


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the runs of places that follow each other."""
    for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
        run_places = [place for _, place in run]
        yield run_places[0], run_places[-1] + 1
