"""How portal words what it knows: browsers, and the details of an audit entry."""

from typing import Any

BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)
LONGEST = 300


def browser(user_agent: str) -> str:
    """Return "Firefox on Linux" out of what a browser calls itself; its first words for anything else."""
    name = next((label for mark, label in BROWSERS if mark in user_agent), "")
    system = next((label for mark, label in SYSTEMS if mark in user_agent), "")
    return " on ".join(part for part in (name, system) if part) or user_agent[:60] or "Unknown program"


def told(details: dict[str, Any]) -> str:
    """Return the details of an audit entry as a line: "name: Ada → Ada Lovelace, reason: moved away"."""
    parts = []
    for key, value in details.items():
        if key == "fields":
            parts += [f"{field}: {_value(old)} → {_value(new)}" for field, (old, new) in value.items()]
        elif value not in (None, "", [], {}, False):
            parts.append(key.replace("_", " ") if value is True else f"{key.replace('_', ' ')}: {_value(value)}")
    line = ", ".join(parts)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number} {name}" for name, number in value.items() if number) or "nothing"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return "nothing" if value in (None, "") else str(value)
