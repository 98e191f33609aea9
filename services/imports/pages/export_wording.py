"""How exports read."""

import re
from collections.abc import Mapping
from typing import Any

from services.imports.domain.export_progress import ExportProgress
from services.imports.pages.wording import about
from shared.events.associates import LINK_ROLES
from shared.ui.wording import filesize, plural

UUID = re.compile(r"[0-9a-fA-F-]{32,36}")
BADGES = {
    "queued": ("Queued", "info"),
    "running": ("Running", "info"),
    "completed": ("Completed", "success"),
    "cancelled": ("Stopped", "neutral"),
    "failed": ("Failed", "danger"),
}
CHOICES = {
    "status": {"active": "active", "inactive": "inactive", "all": "active and inactive"},
    "kind": {"company": "companies", "person": "persons"},
    "role": {"customer": "customers", "vendor": "vendors"},
    "associate_role": {role: f"role {role.replace('_', ' ')}" for role in LINK_ROLES},
}


def export_badge(progress: ExportProgress) -> tuple[str, str]:
    """Return the words and the tone for how an export is."""
    if progress.state == "completed" and not progress.ready:
        return "Removed", "neutral"
    return BADGES[progress.state]


def told_filter(chosen: Mapping[str, str]) -> str:
    """Return in words what a list was asked for: "“smith”, active, companies"."""
    parts = [f"“{chosen['q']}”"] if chosen.get("q") else []
    for name, value in chosen.items():
        if name == "tag":
            parts.append(f"tagged {value}")
        elif name == "associate":
            parts.append(f"looked after by {chosen.get('associate_name') or _associate(value)}")
        elif name == "account":
            parts.append(f"customer {value}")
        elif name == "associate_name":
            continue
        elif name != "q":
            parts.append(CHOICES.get(name, {}).get(value, f"{name} {value}"))
    return ", ".join(parts)


def _associate(value: str) -> str:
    """Return how an associate reads that was given by its code, or by its id."""
    return "one associate" if UUID.fullmatch(value) else value


def export_outcome(export: Any, progress: ExportProgress) -> str:
    """Return in one or two sentences what came of an export that has ended."""
    if progress.state == "failed":
        return progress.failure or "It could not go on."
    if progress.state == "cancelled":
        return "This export was stopped. There is no file."
    rows = plural(progress.rows, export.kind.removesuffix("s"), export.kind)
    if not progress.ready:
        return f"{rows} were exported. The file was kept for 24 hours and has been removed."
    if not progress.rows:
        return f"The list was empty, so the file names only its columns ({filesize(export.file_size)})."
    return f"{rows}, {filesize(export.file_size)}."


def export_left(progress: ExportProgress) -> str:
    """Return how fast an export is and how long it may still take."""
    words = [f"{progress.rate:,.0f} rows a second"] if progress.rate else []
    if progress.seconds_left is not None:
        words.append(f"{about(progress.seconds_left)} left")
    return ", ".join(words)


def export_step(progress: ExportProgress) -> str:
    """Return what an export is doing."""
    if progress.waiting:
        return "Waiting"
    return "Writing the file" if progress.rows or progress.state == "running" else "Waiting for its turn"
