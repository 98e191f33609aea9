"""How jobs read."""

from collections import Counter
from typing import Any

from services.imports.domain.decoding import label_of
from services.imports.domain.first_megabyte import RowCount
from services.imports.domain.progress import Progress
from services.imports.previewing import Preview
from shared.ui.wording import duration, plural

BADGES = {
    "uploaded": ("Match its columns", "info"),
    "mapped": ("Ready to import", "info"),
    "checking": ("Checking", "info"),
    "ready": ("Checked", "info"),
    "queued": ("Queued", "info"),
    "running": ("Running", "info"),
    "completed": ("Completed", "success"),
    "completed_with_errors": ("Completed with errors", "warning"),
    "cancelled": ("Cancelled", "neutral"),
    "failed": ("Failed", "danger"),
    "undoing": ("Being undone", "info"),
    "undone": ("Undone", "neutral"),
    "partly_undone": ("Partly undone", "warning"),
}
STEPS = {
    "queued": "Waiting for its turn",
    "reading": "Reading the file",
    "writing": "Importing",
    "waiting": "Waiting",
    "cancelling": "Stopping",
    "ending": "Finishing",
    "checking": "Checking",
    "undoing": "Undoing",
}
REASONS = {
    "too_few_cells": "Too few cells in the row",
    "too_many_cells": "Too many cells in the row",
    "open_quote": "A quote is not closed",
    "stray_quote": "A quote in the middle of a cell",
    "lone_carriage_return": "A carriage return in the middle of the row",
    "nul_byte": "A NUL character",
    "bad_encoding": "Characters that are not valid in the file's encoding",
    "cell_too_large": "A cell is too long",
    "line_too_long": "A line is too long",
    "duplicate_in_file": "The same key came before in the file",
    "ambiguous_match": "More than one record fits",
    "not_found": "There is no such record to update",
    "required": "A value is missing",
    "invalid": "Not valid",
}
MARKS = {
    "created": ("New", "success"),
    "updated": ("Changed", "info"),
    "unchanged": ("Unchanged", "neutral"),
    "skipped": ("Left out", "neutral"),
    "failed": ("Refused", "danger"),
}
TAKEN_BACK = (
    ("removed", "removed"),
    ("restored", "with their old values again"),
    ("kept", "stayed"),
    ("gone", "had been deleted before"),
)
TAKEN = ("created", "updated", "unchanged")
COUNTED = (*TAKEN, "skipped")
VERBS = {
    "created": ("create", ""),
    "updated": ("update", ""),
    "unchanged": ("leave", " as they are"),
    "skipped": ("skip", ""),
    "failed": ("refuse", ""),
}


def encoding_label(encoding: str) -> str:
    """Return what a person calls an encoding."""
    return label_of(encoding)


def job_badge(state: str) -> tuple[str, str]:
    """Return the words and the tone for a state."""
    return BADGES[state]


def step(progress: Progress) -> str:
    """Return what a job at work is doing."""
    return STEPS.get(progress.step, BADGES.get(progress.step, ("At work", ""))[0])


def reason(code: str) -> str:
    """Return a code of a refusal in words."""
    return REASONS.get(code, code.replace("_", " ").capitalize())


def outcome(progress: Progress) -> str:
    """Return in one or two sentences what came of a job that has ended."""
    rows, failed = progress.rows or 0, progress.failed
    counts = ", ".join(f"{getattr(progress, name):,} {name}" for name in COUNTED if getattr(progress, name))
    refused = f"{plural(failed, 'row was', 'rows were')} refused." if failed else ""
    if progress.state in ("undone", "partly_undone"):
        return _taken_back(progress)
    if progress.state in ("failed", "cancelled"):
        return _cut_short(progress, counts, refused)
    if not rows or failed == rows:
        return f"{_all(rows)} refused." if rows else "There was nothing to import."
    if progress.unchanged == rows:
        return f"{_all(rows)} there already, just as in the file; nothing had to be changed."
    taken = rows - failed
    begin = f"{taken:,} of {plural(rows, 'row')} {'was' if taken == 1 else 'were'}" if failed else _all(rows)
    return f"{begin} imported: {counts}. {refused}".strip()


def forecast(counts: dict[str, int]) -> str:
    """Return in a sentence what an import would do, by what a check told."""
    rows, failed = counts["rows"], counts["failed"]
    if not rows:
        return "There is nothing to import."
    if failed == rows:
        return "The only row would be refused." if rows == 1 else f"All {rows:,} rows would be refused."
    if counts["unchanged"] == rows:
        return f"{_all(rows)} there already, just as in the file: an import would change nothing."
    words = [f"{verb} {counts[name]:,}{more}" for name, (verb, more) in VERBS.items() if counts[name]]
    listed = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    return f"An import would {listed} of {plural(rows, 'row')}."


def preview_mark(outcome: str) -> tuple[str, str]:
    """Return the words and the tone for what becomes of a row of a preview."""
    return MARKS[outcome]


def preview_told(preview: Preview, count: RowCount) -> str:
    """Return what a preview shows, of how many rows, and what becomes of them; or why it was not checked."""
    shown = len(preview.rows)
    if count.exact and shown >= count.rows:
        which = "The only row" if shown == 1 else f"All {shown} rows"
    else:
        which = f"The first {shown} of {'' if count.exact else 'about '}{count.rows:,} rows"
    if preview.not_checked:
        return f"{which}, as {'it is' if shown == 1 else 'they are'} matched. Not checked: {preview.not_checked}"
    outcomes = Counter(row.outcome for row in preview.rows)
    counts = ", ".join(f"{outcomes[name]} {words.lower()}" for name, (words, _) in MARKS.items() if outcomes[name])
    return f"{which}, as {'it' if shown == 1 else 'they'} would be stored: {counts}."


def _cut_short(progress: Progress, counts: str, refused: str) -> str:
    if progress.state == "failed":
        return " ".join(filter(None, [progress.failure or "It could not go on.", counts and f"Until then: {counts}."]))
    out = f"{plural(progress.skipped, 'row was', 'rows were')} left out." if progress.skipped else ""
    begin = "Stopped before any row was imported."
    if taken := ", ".join(f"{getattr(progress, name):,} {name}" for name in TAKEN if getattr(progress, name)):
        begin = f"Stopped on the way. What was imported stays: {taken}."
    return " ".join(filter(None, [begin, out, refused]))


def _taken_back(progress: Progress) -> str:
    begin = "The import was taken back." if progress.state == "undone" else "The import was taken back in part."
    counts = ", ".join(f"{getattr(progress, name):,} {word}" for name, word in TAKEN_BACK if getattr(progress, name))
    return " ".join([begin, f"{counts[0].upper()}{counts[1:]}." if counts else "There was nothing left to take back."])


def _all(rows: int) -> str:
    return "The only row was" if rows == 1 else f"All {rows:,} rows were"


def left(progress: Progress) -> str:
    """Return how fast a job at work is and how long it may still take."""
    words = [f"{progress.rate:,.0f} rows a second"] if progress.rate else []
    if progress.seconds_left is not None and progress.step in ("writing", "undoing"):
        words.append(f"{about(progress.seconds_left)} left")
    return ", ".join(words)


def about(seconds: int) -> str:
    """Return a span in words, roughly: "about 20 seconds"."""
    if seconds < 5:
        return "a few seconds"
    if seconds < 60:
        return f"about {-(-seconds // 5) * 5} seconds"
    if seconds < 5400:
        return f"about {plural(round(seconds / 60), 'minute')}"
    return f"about {plural(round(seconds / 3600), 'hour')}"


def lasted(job: Any) -> str:
    """Return how long a job ran."""
    if not job.started_at or not job.finished_at:
        return ""
    seconds: float = (job.finished_at - job.started_at).total_seconds()
    return duration(seconds)
