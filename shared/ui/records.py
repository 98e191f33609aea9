"""How the fields and changes of records read on the screens."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from shared.countries import country_name
from shared.history import Entry

LONGEST = 300
TOAST_NAME = 60


def label(field: str, labels: Mapping[str, str]) -> str:
    """Return what a field is called; an attribute is called what the company calls it."""
    group, _, name = field.partition(".")
    return name or labels.get(group, group)


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


def shown_as(value: Any, field: str) -> str:
    """Return `shown`, the other way round, as templates filter."""
    return shown(field, value)


def short(name: str) -> str:
    """Return a name that fits into a toast."""
    return name if len(name) <= TOAST_NAME else f"{name[:TOAST_NAME]}…"


Deeds = Mapping[str, tuple[str, str, str]]
DEEDS: Deeds = {
    "created": ("added {}", "plus", "success"),
    "deleted": ("deleted {}", "trash", "danger"),
    "restored": ("brought back {}", "restore", "success"),
    "active": ("made {} active again", "circle-check", "success"),
    "inactive": ("made {} inactive", "ban", "warning"),
    "undone": ("took back what was done to {}", "arrow-back-up", "warning"),
}


def timeline_entry(
    entry: Entry, what: str, labels: Mapping[str, str], deeds: Deeds = DEEDS, job: str = "an import"
) -> dict[str, Any]:
    """Return a line of history as `ui.timeline` takes it.

    `what` is whom it befell, `job` what a job is called. `deeds` maps an action to its words (with {} for `what`), icon
    and tone.
    """
    action = entry.action
    if action == "status":
        was_activated = any(one.field == "status" and one.new == "active" for one in entry.changes)
        action = "active" if was_activated else "inactive"
    deed, icon, tone = deeds.get(action, ("changed {}", "pencil", "info"))
    text = Markup(deed).format(what)  # noqa: S704 - one of the texts above
    if entry.job_id:
        text += Markup(' by <a href="/imports/{}">{}</a>').format(entry.job_id, job)
    changes = [
        (label(one.field, labels), shown(one.field, one.old), shown(one.field, one.new)) for one in entry.changes
    ]
    return {"when": entry.at, "who": entry.actor_name, "text": text, "icon": icon, "tone": tone, "changes": changes}
